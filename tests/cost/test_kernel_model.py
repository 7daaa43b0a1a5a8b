"""Laws every kernel model obeys, for every measured device and precision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.cost import DeviceRates, KernelModel, kernel_model_names, load_kernel_model
from simulator.cost.convolution import convolution_floor
from simulator.cost.kernel_model import same_chip
from simulator.errors import InputError, UnknownNameError
from simulator.workload.kernels import Convolution, Elementwise, Gemm, Pass

TOLERANCE = 1e-9  # relative; only rounding

CASES = [(name, precision) for name in kernel_model_names() for precision in sorted(load_kernel_model(name).rates.peak)]
cases = st.sampled_from(CASES)
sides = st.integers(1, 20) | st.integers(1, 60_000)


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    filter_size, size = draw(st.sampled_from([1, 3, 5, 7, 11])), draw(st.integers(11, 230))
    stride = draw(st.sampled_from([1, 1, 2, 4]))
    return Convolution(
        batch=draw(st.integers(1, 300)),
        channels=draw(st.integers(1, 2048)),
        height=size,
        width=size,
        filters=draw(st.integers(1, 2048)),
        filter_height=filter_size,
        filter_width=filter_size,
        pad_height=filter_size // 2,
        pad_width=filter_size // 2,
        stride_height=stride,
        stride_width=stride,
        direction=draw(st.sampled_from(list(Pass))),
    )


def grows(small: float, large: float) -> bool:
    return small <= large * (1 + TOLERANCE)


@settings(deadline=None)  # the first call of a variant works out its table
@given(case=cases, m=sides, n=sides, k=sides, a=st.booleans(), b=st.booleans())
def test_product_never_beats_peak_memory_or_launch(
    case: tuple[str, str], m: int, n: int, k: int, a: bool, b: bool
) -> None:
    name, precision = case
    model, kernel = load_kernel_model(name), Gemm(m, n, k, a, b)
    rates, size = model.rates, 4 if precision == "fp32" else 2
    time = model.time(kernel, precision) * (1 + TOLERANCE)
    assert time >= kernel.flops / rates.peak[precision]
    assert time >= (kernel.bytes_moved(size) - rates.cache_size) / rates.bandwidth
    assert time >= rates.launch_overhead


@settings(deadline=None)  # the first call of a variant works out its table
@given(case=cases, m=sides, n=sides, k=sides, more=sides, axis=st.sampled_from("mnk"), a=st.booleans())
def test_larger_product_takes_no_less(
    case: tuple[str, str], m: int, n: int, k: int, more: int, axis: str, a: bool
) -> None:
    name, precision = case
    model, kernel = load_kernel_model(name), Gemm(m, n, k, a)
    larger = replace(kernel, **{axis: getattr(kernel, axis) + more})
    edge = model.gemm[precision].narrow_columns
    if edge and axis == "n" and kernel.n < 2 * edge and larger.n > edge:
        return  # the measured library is slower below the edge than above it: the documented exception
    assert grows(model.time(kernel, precision), model.time(larger, precision))


def test_exceptions_to_growth_are_the_documented_ones() -> None:
    edges = {
        (name, precision): fit.narrow_columns
        for name in kernel_model_names()
        for precision, fit in load_kernel_model(name).gemm.items()
        if fit.narrow_columns
    }
    assert edges == {case: 16 for case in CASES if case[0] in ("p100", "1080ti", "titanx-pascal")}


@settings(deadline=None)  # the first call of a variant works out its table
@given(case=cases, kernel=convolutions(), more=st.integers(1, 300))
def test_larger_batch_takes_no_less(case: tuple[str, str], kernel: Convolution, more: int) -> None:
    name, precision = case
    model = load_kernel_model(name)
    larger = replace(kernel, batch=kernel.batch + more)
    assert grows(model.time(kernel, precision), model.time(larger, precision))


@settings(deadline=None)  # the first call of a variant works out its table
@given(case=cases, kernel=convolutions())
def test_convolution_never_beats_its_bounds(case: tuple[str, str], kernel: Convolution) -> None:
    name, precision = case
    model = load_kernel_model(name)
    rates, size = model.rates, 4 if precision == "fp32" else 2
    time = model.time(kernel, precision) * (1 + TOLERANCE)
    area = kernel.filter_height * kernel.filter_width
    saving = max(4, area) if kernel.stride_height == 1 and area >= 9 else 1
    assert time >= kernel.flops / rates.peak[precision] / saving
    assert time >= (kernel.bytes_moved(size) - rates.cache_size) / rates.bandwidth
    assert time >= rates.launch_overhead


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_large_product_reaches_most_of_the_peak_but_not_more(name: str, precision: str) -> None:
    model, kernel = load_kernel_model(name), Gemm(8192, 8192, 8192)
    efficiency = kernel.flops / model.rates.peak[precision] / model.time(kernel, precision)
    assert 0.4 <= efficiency <= 1.0


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_tiny_kernels_cost_little_more_than_a_launch(name: str, precision: str) -> None:
    model = load_kernel_model(name)
    for kernel in (Gemm(1, 1, 1), Elementwise("relu", 1, 1), Gemm(8, 8, 8)):
        assert model.rates.launch_overhead <= model.time(kernel, precision) <= 2 * model.rates.launch_overhead


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_time_is_continuous_between_tabulated_sides(name: str, precision: str) -> None:
    model = load_kernel_model(name)
    for side in (1024, 4096, 2048):
        below, at = (model.time(Gemm(side * 2 - less, 8192, 4096), precision) for less in (1, 0))
        assert at == pytest.approx(below, rel=0.01)


@settings(deadline=None)  # the first call of a variant works out its table
@given(case=cases, kernel=convolutions())
def test_elementwise_is_launch_plus_traffic(case: tuple[str, str], kernel: Convolution) -> None:
    name, precision = case
    model = load_kernel_model(name)
    elements = float(kernel.output_elements)
    rates, size = model.rates, 4 if precision == "fp32" else 2
    time = model.time(Elementwise("relu", elements, elements), precision)
    assert time == pytest.approx(rates.launch_overhead + 2 * size * elements / rates.bandwidth)


@pytest.mark.parametrize(("source", "target", "kept"), [("m40", "titanx", True), ("p100", "v100", False)])
def test_habits_of_a_library_stay_with_its_chip(source: str, target: str, kept: bool) -> None:
    model, rates = load_kernel_model(source), load_kernel_model(target).rates
    scaled = model.scaled_to(rates)
    assert same_chip(model.rates, rates) is kept
    assert (scaled.gemm["fp32"] is model.gemm["fp32"]) is kept
    assert scaled.gemm["fp32"].weights == model.gemm["fp32"].weights


def test_scaling_to_own_rates_changes_nothing() -> None:
    model = load_kernel_model("m40")
    fresh = KernelModel(model.rates, model.gemm, model.convolution).scaled_to(replace(model.rates))
    for kernel in (Gemm(1760, 64, 1760), Convolution(16, 64, 56, 56, 64, 3, 3, 1, 1)):
        assert fresh.time(kernel) == model.time(kernel)


@pytest.mark.parametrize(
    "kernel", [Gemm(4096, 4096, 4096), Gemm(4096, 16, 4096), Convolution(16, 64, 56, 56, 64, 3, 3)]
)
def test_device_faster_by_a_quarter_in_everything_takes_a_fifth_less(kernel: Gemm | Convolution) -> None:
    model = load_kernel_model("v100")
    rates = model.rates
    faster = replace(
        rates,
        name="faster",
        clock=1.25 * rates.clock,
        peak={precision: 1.25 * peak for precision, peak in rates.peak.items()},
        bandwidth=1.25 * rates.bandwidth,
        launch_overhead=rates.launch_overhead / 1.25,
    )
    assert model.scaled_to(faster).time(kernel) == pytest.approx(model.time(kernel) / 1.25, rel=1e-9)


def test_slower_memory_hurts_traffic_bound_kernels_and_spares_arithmetic() -> None:
    model = load_kernel_model("knl7250")
    slow = model.rates.bandwidth / 5
    skinny, square = Gemm(8192, 1, 8192), Gemm(4096, 4096, 4096)
    assert model.time(skinny, bandwidth=slow) > 1.5 * model.time(skinny)
    assert model.time(square, bandwidth=slow) < 1.5 * model.time(square)


@settings(deadline=None, max_examples=20)  # every share works out a table
@given(share=st.floats(0.05, 0.95))
def test_part_of_the_chip_is_slower_but_not_below_its_share(share: float) -> None:
    model, kernel = load_kernel_model("knl7250"), Gemm(4096, 4096, 4096)
    whole, part = model.time(kernel), model.time(kernel, share=share)
    assert whole < part
    assert part <= 1.5 * whole / share
    assert part >= kernel.flops / (share * model.rates.peak["fp32"])


def test_batched_call_costs_no_more_than_separate_calls_and_no_less_than_one() -> None:
    model = load_kernel_model("p100")
    one = model.time(Gemm(256, 64, 256))
    assert one <= model.time(Gemm(256, 64, 256, count=10)) <= 10 * one


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_unmeasured_precision_borrows_the_tensor_core_fit(precision: str) -> None:
    model = load_kernel_model("v100")
    peak = dict(model.rates.peak) | {precision: 150e12}
    scaled = model.scaled_to(replace(model.rates, peak=peak))
    kernel = Gemm(8192, 8192, 8192)
    assert kernel.flops / 150e12 <= scaled.time(kernel, precision) <= 2 * kernel.flops / 150e12


def test_floor_grows_with_the_batch_like_the_work() -> None:
    import numpy as np

    model, kernel = load_kernel_model("v100"), Convolution(1, 512, 56, 56, 512, 1, 1)
    floors = convolution_floor(kernel, np.array([64.0, 128.0]), model.rates, "fp32")
    assert floors[1] == pytest.approx(2 * floors[0])


def test_bad_input_names_what_is_wrong() -> None:
    model = load_kernel_model("m40")
    with pytest.raises(UnknownNameError, match="did you mean 'v100'"):
        load_kernel_model("v1000")
    with pytest.raises(UnknownNameError, match="unknown precision 'fp16'"):
        model.time(Gemm(8, 8, 8), "fp16")
    with pytest.raises(InputError, match=r"Gemm\.n must be at least 1"):
        model.time(Gemm(8, 0, 8))
    with pytest.raises(InputError, match="share must be above 0"):
        model.time(Gemm(8, 8, 8), share=0.0)
    with pytest.raises(InputError, match="bandwidth must be positive"):
        model.time(Gemm(8, 8, 8), bandwidth=-1.0)
    with pytest.raises(InputError, match=r"peak\.fp32 must be positive"):
        DeviceRates("d", "gpu", 1, 1e9, {"fp32": 0.0}, 1e9, 0.0)
