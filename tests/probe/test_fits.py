"""Fits find the times of machines that are known: messages on a line, kernels of a roofline; tables rise."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.cost.convolution import ConvolutionFit, convolution_time
from simulator.cost.elementwise import StreamTable
from simulator.cost.gemm import GemmFit, gemm_time
from simulator.cost.rates import DeviceRates
from simulator.errors import RunError
from simulator.probe.convolutions import Case, TimedConvolution, convolutions, passes
from simulator.probe.elementwise import stream_tables, streams
from simulator.probe.fits import fit_kernels
from simulator.probe.messages import MessageTime, fit_messages
from simulator.probe.products import DenseCase, TimedGemm, products, timed_products
from simulator.probe.timing import Measured
from simulator.workload.kernels import Gemm, Pass

SIZES = [8 * 4**power for power in range(11)]
NO_BIAS = dict.fromkeys(("bias", "bias_gradient"), StreamTable((1.0, 1e9), (1e-12, 1e-12)))
CORE = DeviceRates("core", "cpu", 1.0, 2e9, {"fp64": 50e9, "fp32": 100e9}, 10e9, 1e-6, 32e6)


def line(latency, bandwidth, noise=0.0, seed=0):
    factors = np.exp(noise * np.random.default_rng(seed).standard_normal(len(SIZES)))
    return [
        MessageTime(size, Measured((latency + size / bandwidth) * factor, 0.0), Measured(latency, 0.0))
        for size, factor in zip(SIZES, factors, strict=True)
    ]


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-6, 1e-3), st.floats(1e9, 1e10))
def test_latency_and_bandwidth_of_a_line_are_found(latency, bandwidth):
    fit = fit_messages(line(latency, bandwidth))
    assert fit.latency.value == pytest.approx(latency, rel=1e-3)
    assert fit.bandwidth.value == pytest.approx(bandwidth, rel=1e-3)
    assert fit.median_error < 1e-3


def test_noise_is_covered_by_the_standard_errors():
    fits = [fit_messages(line(1e-4, 5e9, 0.05, seed)) for seed in range(60)]
    within = [
        abs(fit.latency.value - 1e-4) < 3 * fit.latency.std and abs(fit.bandwidth.value - 5e9) < 3 * fit.bandwidth.std
        for fit in fits
    ]
    assert sum(within) >= 54


def test_one_wild_size_does_not_bend_the_line():
    times = line(1e-4, 5e9)
    times[4] = MessageTime(times[4].size, times[4].seconds.scaled(20.0), times[4].prompt)
    assert fit_messages(times).latency.value == pytest.approx(1e-4, rel=0.15)


def test_two_sizes_are_too_few():
    with pytest.raises(RunError, match="at least 3 sizes, got 2"):
        fit_messages(line(1e-4, 5e9)[:2])


def roofline_rows():
    """Kernels of a core that needs a microsecond, then half of its peak, or its memory's rate if that takes longer."""
    kernels = [row.kernel for row in timed_products(dict.fromkeys(products(True), Measured(1.0, 0.0)), NO_BIAS)]
    gemms = [TimedGemm(kernel, 1e-6 + max(kernel.flops / 25e9, kernel.bytes_moved(8) / 10e9)) for kernel in kernels]
    cases = {case for case in convolutions(False) if case.part == "forward"}
    convolution = {
        direction: [
            TimedConvolution(kernel, 1e-6 + max(kernel.flops / 25e9, kernel.bytes_moved(8) / 10e9))
            for kernel in (case.kernel(direction) for case in sorted(cases, key=repr))
        ]
        for direction in Pass
    }
    return gemms, convolution


def test_kernels_of_a_roofline_are_found_again():
    gemms, convolution = roofline_rows()
    fits = fit_kernels(gemms, convolution, CORE, folds=2)
    # Each half predicts the other: a coarse grid of shapes, yet near.
    assert fits.gemm.median < 0.12
    assert all(fit.median < 0.12 for fit in fits.convolution.values())
    assert isinstance(fits.gemm.model, GemmFit)
    table = fits.gemm.model.table((True, False), CORE, "fp64")
    unseen = Gemm(m=200, n=48, k=400, transpose_a=True)
    assert gemm_time(unseen, table) == pytest.approx(1e-6 + unseen.flops / 25e9, rel=0.15)
    model = fits.convolution[Pass.FORWARD].model
    assert isinstance(model, ConvolutionFit)
    kernel = Case(24, (8, 16, 24, 5, 0), "forward").kernel(Pass.FORWARD)
    assert convolution_time(kernel, model, CORE, "fp64") == pytest.approx(1e-6 + kernel.flops / 25e9, rel=0.25)


def test_passes_are_what_is_left_without_biases_and_one_another():
    shape = (3, 12, 8, 3, 1)
    found = {
        Case(4, shape, part): Measured(seconds, 0.0)
        for part, seconds in (("forward", 10e-5), ("weights", 8e-5), ("both", 20e-5))
    }
    tables = {"bias": StreamTable((1.0, 1e9), (1e-5, 1e-5)), "bias_gradient": StreamTable((1.0, 1e9), (2e-5, 2e-5))}
    rows = passes(found, tables)
    seconds = {direction: [row.seconds for row in rows[direction]] for direction in Pass}
    assert seconds == {
        Pass.FORWARD: [pytest.approx(9e-5)],
        Pass.BACKWARD_WEIGHTS: [pytest.approx(6e-5)],
        Pass.BACKWARD_DATA: [pytest.approx(12e-5)],
    }
    assert {row.kernel.direction for row in rows[Pass.BACKWARD_DATA]} == {Pass.BACKWARD_DATA}


@pytest.mark.parametrize("quick", [True, False], ids=["quick", "full"])
def test_what_is_timed_runs_and_is_what_it_says(quick):
    for works in (products(quick), convolutions(quick)):
        for case in sorted(works, key=lambda case: case.batch)[:6]:
            works[case]()
    for case, work in products(quick).items():
        if case.part == "forward" and case.batch < 8:
            assert work()[0].shape == (case.batch, case.outputs)


def test_products_are_what_is_left_of_a_layer():
    found = {
        DenseCase(8, 64, 10, part): Measured(seconds, 0.0)
        for part, seconds in (("forward", 10e-6), ("weights", 8e-6), ("both", 20e-6))
    }
    tables = {"bias": StreamTable((1.0, 1e9), (1e-6, 1e-6)), "bias_gradient": StreamTable((1.0, 1e9), (2e-6, 2e-6))}
    assert {row.kernel: row.seconds for row in timed_products(found, tables)} == {
        Gemm(10, 8, 64, transpose_a=True): pytest.approx(9e-6),
        Gemm(64, 10, 8, transpose_b=True): pytest.approx(6e-6),
        Gemm(64, 8, 10): pytest.approx(12e-6),
    }


def test_tables_rise_and_cover_every_kernel_of_the_learners():
    found = {stream: Measured(1e-6 * stream.elements**0.9, 0.0) for stream in streams(quick=True)}
    tables = stream_tables(found)
    assert {"update", "copy", "relu", "relu_gradient", "max_pool", "max_pool_gradient", "bias", "bias_gradient"} < set(
        tables
    )
    assert {"softmax_loss", "softmax_loss_gradient"} < set(tables)
    for table in tables.values():
        assert all(later > sooner for sooner, later in itertools.pairwise(table.sizes))
        assert all(later >= sooner for sooner, later in itertools.pairwise(table.seconds))


def test_streams_of_quick_sizes_all_run():
    for stream, work in streams(quick=True).items():
        if stream.elements <= 16_384:
            work()


@given(st.lists(st.floats(1, 1e9), min_size=2, max_size=8, unique=True), st.floats(1, 1e12), st.floats(1, 1e3))
def test_a_table_never_takes_less_time_for_more(sizes, size, factor):
    sizes = sorted(sizes)
    table = StreamTable(tuple(sizes), tuple(1e-6 * (1 + place) for place in range(len(sizes))))
    assert table.time(size) <= table.time(size * factor) * (1 + 1e-9)
