"""Laws of machines with faster parts: all parts together are a change of units, one of them alone never harms."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from what_if_cases import CASES, asking, case, everything

import simulator
from simulator import simulate
from simulator.algorithms.registry import algorithm_names
from simulator.cost.device import DeviceCosts, device_rates
from simulator.cost.elementwise import StreamTable
from simulator.cost.memory_tiers import effective_bandwidth
from simulator.hardware import load_device, load_system, names
from simulator.hardware.what_if import scaled_device, scaled_system, what_ifs
from simulator.simulation import Simulation
from simulator.what_if import what_ifs as in_use
from simulator.workload import load_network

#: Those in which no two ranks meet first come, first served.
IN_STEP = [
    "gpu-box-synchronous",
    "pageable-and-unpacked",
    "calibrated",
    "dragonfly-of-knl",
    "divided-chip",
    "nvlink-mesh",
    "oversubscribed-ethernet",
]


@pytest.mark.parametrize("name", CASES)
def test_everything_twice_as_good_takes_half_as_long(name):
    scenario = case(name)
    assert simulate(scenario).time == pytest.approx(2.0 * simulate(everything(scenario, 2.0)).time, rel=1e-10)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(times=st.floats(0.2, 5.0))
def test_everything_in_other_units_takes_as_long_in_those(times):
    scenario = case("calibrated")
    assert simulate(scenario).time == pytest.approx(times * simulate(everything(scenario, times)).time, rel=1e-10)


@pytest.mark.parametrize("name", IN_STEP)
def test_no_better_part_makes_a_run_in_step_slower(name):
    scenario = case(name)
    base = simulate(scenario).time
    for parameter in in_use(Simulation(scenario)):
        better = simulate(asking(scenario, **{parameter.name: parameter.better(2.0)})).time
        assert better <= base * (1 + 1e-9), parameter.name
        assert better >= base / 2 * (1 - 1e-9), parameter.name


@pytest.mark.parametrize("name", ["gpu-box-synchronous", "dragonfly-of-knl"])
def test_factors_of_one_change_no_bit(name):
    scenario = case(name)
    neutral = simulate(everything(scenario, 1.0))
    assert neutral.time == simulate(scenario).time
    assert neutral.breakdown == simulate(scenario).breakdown


@pytest.mark.parametrize("name", names("devices"))
def test_a_device_twice_as_good_computes_in_half_the_time(name):
    device = load_device(name)
    if device.kernel_model is None:
        pytest.skip(f"no kernels of a {name} were measured: nothing computes gradients on it")
    fast = scaled_device(device, factors_of(device, 2.0))
    network, bandwidth = load_network("lenet"), 1e11
    before, after = DeviceCosts(device, network, "fp32", bandwidth), DeviceCosts(fast, network, "fp32", 2 * bandwidth)
    for costs in (lambda of: of.gradient(48), lambda of: of.update(1000, 3, 1), lambda of: of.copy(1e6)):
        assert costs(before) == pytest.approx(2.0 * costs(after), rel=1e-12)


def factors_of(device, times):
    """Factors on all of a device."""
    names = [f"device.{device.name}.compute", *(f"device.{device.name}.memory.{memory}" for memory in device.memories)]
    return dict.fromkeys(names, times) | {f"device.{device.name}.launch": 1.0 / times}


def test_a_device_of_twice_the_compute_keeps_what_was_fitted_to_it():
    device = load_device("m40")
    fast = scaled_device(device, {"device.m40.compute": 2.0})
    bound = {"bandwidth": 1e15}
    network = load_network("vgg-19")
    before, after = (DeviceCosts(each, network, "fp32", **bound).gradient(128) for each in (device, fast))
    # Large layers hardly see the launch: nearly all is arithmetic, at the efficiency that was measured.
    assert 1.9 * after < before < 2.0 * after


def test_groups_of_cores_keep_the_time_that_cores_take_to_see_each_other():
    device = load_device("knl-7250")
    fast = scaled_device(device, {"device.knl-7250.launch": 0.5})
    for cores in (68, 17, 1):
        whole, half = (device_rates(each, cores).launch_overhead for each in (device, fast))
        assert half == pytest.approx(whole / 2)


@settings(max_examples=60, deadline=None)
@given(
    footprint=st.floats(1e6, 9e10),
    mode=st.sampled_from(["flat", "cache", "hybrid-50"]),
    fast=st.floats(0.8, 4.0),
    slow=st.floats(0.3, 2.0),
)
def test_a_working_set_sees_each_memory_by_its_share(footprint, mode, fast, slow):
    device = load_device("knl-7250")
    mode = mode if mode in device.memory_modes else next(iter(device.memory_modes))

    def seen(mcdram, ddr4):
        factors = {"device.knl-7250.memory.mcdram": mcdram, "device.knl-7250.memory.ddr4": ddr4}
        return effective_bandwidth(scaled_device(device, factors), footprint, mode)

    base = seen(1.0, 1.0)
    assert seen(fast, fast) == pytest.approx(fast * base)
    assert min(fast, slow) * (1 - 1e-9) <= seen(fast, slow) / base <= max(fast, slow) * (1 + 1e-9)
    # The time of a byte is a sum of one part each: changes of the parts add up.
    times = [1 / seen(*factors) for factors in ((1.0, 1.0), (fast, 1.0), (1.0, slow), (fast, slow))]
    assert times[3] - times[0] == pytest.approx((times[1] - times[0]) + (times[2] - times[0]), rel=1e-6, abs=1e-18)


@settings(max_examples=60, deadline=None)
@given(bandwidth=st.floats(0.5, 4.0), launch=st.floats(0.25, 2.0), size=st.floats(10.0, 1e9))
def test_measured_times_of_streams_lie_between_those_of_their_parts(bandwidth, launch, size):
    table = StreamTable((1e3, 1e5, 1e7), (2e-6, 1.2e-5, 1e-3))
    changed = table.faster(bandwidth, launch).time(size) / table.time(size)
    assert min(1 / bandwidth, launch) * (1 - 1e-9) <= changed <= max(1 / bandwidth, launch) * (1 + 1e-9)
    assert table.faster(2.0, 0.5).time(size) == pytest.approx(table.time(size) / 2)


def test_a_system_is_not_changed_by_asking_what_if():
    system = load_system("dgx-a100")
    before = [cable.type for cable in system.node.cables], dict(system.fabric_cables), dict(system.devices)
    everywhere = {name: parameter.better(3.0) for name, parameter in what_ifs(system).items()}
    fast = scaled_system(system, everywhere)
    assert ([cable.type for cable in system.node.cables], dict(system.fabric_cables), dict(system.devices)) == before
    assert scaled_system(system, dict.fromkeys(everywhere, 1.0)) is system
    assert fast.max_nodes == system.max_nodes


def test_a_figure_that_was_changed_says_so():
    peak = scaled_device(load_device("m40"), {"device.m40.compute": 2.0}).peak["fp32"]
    assert peak.kind == "assumed"
    assert peak.note == "what if: 2 times 6.83e+12"


def test_half_the_oversubscription_is_twice_the_uplinks():
    scenario = case("oversubscribed-ethernet")
    taper = simulate(asking(scenario, **{"fabric.oversubscription": 0.5})).time
    network = simulate(asking(scenario, **{"nic.bandwidth": 2.0})).time
    edge = simulate(asking(scenario, **{"nic.bandwidth": 2.0, "fabric.oversubscription": 2.0})).time
    assert network <= taper <= simulate(scenario).time * (1 + 1e-9)
    assert network <= edge
    # Uplinks that stay as they are while the rest doubles, and then double as well: the same machine.
    both = simulate(asking(scenario, **{"nic.bandwidth": 2.0, "fabric.oversubscription": 1.0})).time
    assert both == network


def test_factors_lie_over_the_calibration():
    scenario = case("calibrated")
    known = {"overhead.copy": 3e-5, "link.pcie3-x16.latency": 1e-5}
    asked = Simulation(asking(scenario, **{"overhead.copy": 0.5, "link.pcie3-x16.latency": 0.5}))
    as_is = Simulation(scenario)
    assert asked.platform.overheads()["copy"] == pytest.approx(known["overhead.copy"] / 2)
    ends = as_is.workers[0].name, as_is.platform.near_memory(as_is.workers[0].name).name
    assert asked.platform.route(*ends).latency == pytest.approx(as_is.platform.route(*ends).latency / 2)


@pytest.mark.parametrize("algorithm", sorted(set(algorithm_names()) - {"chip-partition"}))
def test_every_algorithm_takes_half_as_long_where_everything_is_twice_as_good(algorithm):
    scenario = simulator.load("m40x4-lenet", **{"workload.steps": 3, "algorithm.name": algorithm})
    base = simulator.simulate(scenario).time
    assert base == pytest.approx(2.0 * simulator.simulate(everything(scenario, 2.0)).time, rel=1e-10)
