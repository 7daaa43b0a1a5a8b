"""Every device profile: its numbers agree with each other, with physics and with the project's collected facts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from simulator.hardware import load_device, names
from simulator.hardware.sourced import Kind, sourced_numbers
from simulator.units import parse_quantity

DEVICES = {name: load_device(name) for name in names("devices")}
FACTS = Path(__file__).parents[3] / "shared" / "reference" / "hardware.csv"

#: Rows of the collected facts: component by profile.
COMPONENTS = {
    "k20": "Tesla K20 (K20c/K20m)",
    "k40": "Tesla K40 (K40m)",
    "k80": "Tesla K80, per GPU (2 GPUs per board)",
    "m40": "Tesla M40 12GB",
    "titan-x-maxwell": "GTX Titan X (Maxwell)",
    "p100-pcie": "P100 PCIe 16GB",
    "p100-sxm2": "P100 SXM2",
    "v100-pcie": "V100 PCIe 16GB",
    "v100-sxm2-32gb": "V100 SXM2 32GB",
    "a100-40gb": "A100 SXM4 40GB",
    "a100-80gb": "A100 SXM4 80GB",
    "h100-sxm": "H100 SXM5 80GB",
    "h200": "H200 SXM 141GB",
    "b200": "B200",
    "knl-7210": "KNL 7210",
    "knl-7230": "KNL 7230",
    "knl-7250": "KNL 7250",
    "knl-7290": "KNL 7290",
}

every_device = pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES.keys())


@every_device
def test_every_source_is_used_and_every_number_has_one(device):
    numbers = dict(sourced_numbers(device))
    assert len(numbers) >= 9
    assert {number.source for number in numbers.values()} == set(device.sources)


@every_device
def test_peak_is_units_times_clock_times_operations_a_cycle(device):
    """Within 1 %: data sheets round, and one (V100 PCIe fp16) is stated 10 MHz below the boost clock."""
    for precision, per_cycle in device.flops_per_cycle.items():
        peak = device.units.value * device.clock.value * per_cycle.value
        assert peak == pytest.approx(device.peak[precision].value, rel=0.01), precision


@every_device
def test_narrower_numbers_are_never_slower(device):
    rates = [device.peak[p].value for p in ("fp64", "fp32", "tf32", "fp16", "fp8") if p in device.peak]
    assert rates == sorted(rates)
    if "bf16" in device.peak:
        assert device.peak["bf16"].value == device.peak["fp16"].value


@every_device
def test_memories_are_sane(device):
    for name, memory in device.memories.items():
        assert 4e9 <= memory.capacity.value <= 4e12, name
        assert 0.6 <= memory.achieved_bandwidth.value / memory.bandwidth.value <= 1.0, name
        assert memory.latency is None or 50e-9 <= memory.latency.value <= 1e-6, name
    assert device.cache.value < device.memory.capacity.value / 100


@every_device
def test_machine_balance_is_between_one_and_a_hundred_operations_a_byte(device):
    fastest = device.memories[device.fast_memory or device.main_memory]
    assert 1 < device.peak["fp32"].value / fastest.achieved_bandwidth.value < 100


@every_device
def test_overheads_and_power_are_of_the_right_order(device):
    for overhead in (device.launch_overhead, device.parallel_region_overhead):
        assert overhead is None or 1e-6 <= overhead.value <= 20e-6
    assert 100 <= device.power.tdp.value <= 1000
    if device.base_clock and device.family == "gpu":
        assert device.base_clock.value <= device.clock.value
    assert device.price is None or device.price.date is not None


@every_device
def test_the_kernel_model_exists(device):
    fitted = names("kernels")
    if not fitted:
        pytest.skip("no fitted kernel models in this checkout")
    assert device.kernel_model in fitted
    assert device.kernel_model_rule


@pytest.mark.parametrize("name", ["knl-7210", "knl-7230", "knl-7250", "knl-7290"])
def test_a_knl_has_every_mode(name):
    device = DEVICES[name]
    assert set(device.memory_modes) >= {"flat", "cache", "hybrid"}
    assert set(device.cluster_modes) == {"all-to-all", "hemisphere", "quadrant", "snc-2", "snc-4"}
    assert {mode for mode, facts in device.cluster_modes.items() if facts.needs_numa_aware_software} == {
        "snc-2",
        "snc-4",
    }
    assert 3e9 * device.units.value < device.peak["fp32"].value  # 64 operations a cycle at more than 1 GHz


def test_the_knl_peak_is_at_the_steady_clock_not_the_base_clock():
    device = DEVICES["knl-7250"]
    assert device.clock.value < device.base_clock.value
    assert device.peak["fp32"].value == pytest.approx(68 * 1.2e9 * 64, rel=1e-3)


def test_a_fitted_number_may_carry_its_traces():
    clock = {"value": "1 GHz", "std": "5 MHz", "kind": "fitted", "source": "x", "traces": ["a.json"], "date": "2024-05"}
    number = type(DEVICES["m40"].clock).model_validate(clock)
    assert (number.kind, number.std, number.traces, number.date) == (Kind.FITTED, 5e6, ("a.json",), "2024-05")


def _facts() -> dict[tuple[str, str], tuple[float, str]]:
    with FACTS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    facts = {}
    for row in rows:
        try:
            facts[row["component"], row["quantity"]] = float(row["value"]), row["unit"]
        except ValueError:
            continue
    return facts


@pytest.mark.skipif(not FACTS.is_file(), reason="the project's reference folder is not beside this checkout")
@pytest.mark.parametrize("name", COMPONENTS)
def test_agrees_with_the_collected_facts(name):
    """Each value that the facts give for the component, under any name they use for it, is the profile's."""
    device, facts = DEVICES[name], _facts()
    fast = device.memories[device.fast_memory or device.main_memory]
    claims = [
        (("SM count", "SM count (SMX)", "cores"), device.units.value, 0.0),
        (("boost clock",), device.clock.value, 0.08),  # H100 and H200: stated at 1830 of 1980 MHz
        (("AVX-512-heavy base clock",), device.clock.value, 0.0),
        (("FP32 peak at boost", "FP32 peak, dense", "SP peak at AVX-512 clock"), device.peak["fp32"].value, 0.01),
        (("memory size", "MCDRAM capacity"), fast.capacity.value, 0.0),
        (("memory bandwidth (vendor)", "memory bandwidth"), fast.bandwidth.value, 0.02),
        (("TDP (vendor)", "power spec (vendor)", "TDP"), device.power.tdp.value, 0.0),
        (("L2 cache",), device.cache.value, 0.0),
    ]
    if device.family == "gpu" and "fp16" in device.peak and device.year >= 2020:
        claims.append((("BF16 tensor peak, dense", "FP16/BF16 tensor peak, dense"), device.peak["fp16"].value, 0.0))
    checked = 0
    for quantities, value, tolerance in claims:
        for quantity in quantities:
            fact = facts.get((COMPONENTS[name], quantity))
            if fact is None or (name, quantity) in {("k80", "TDP"), ("v100-sxm2-32gb", "TDP")}:
                continue  # of the whole board; corrected by the vendor's data sheet
            assert value == pytest.approx(_si(*fact), rel=tolerance or 1e-9), quantity
            checked += 1
            break
    assert checked >= 4


def _si(value: float, unit: str) -> float:
    for dimension in ("frequency", "rate", "bandwidth", "size", "power"):
        try:
            return parse_quantity(f"{value} {unit}", dimension)
        except ValueError:
            continue
    return value
