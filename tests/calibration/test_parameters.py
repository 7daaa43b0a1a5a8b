"""Parameters in scenarios: neutral values change nothing, others what they say, idle and wrong ones are refused."""

from __future__ import annotations

import pytest

from simulator.calibration.parameters import KINDS, checked_value, parameter_kind
from simulator.errors import InputError
from simulator.hardware.link import load_link
from simulator.scenario import Scenario
from simulator.simulation import Simulation, simulate

SCENARIOS = {
    "gpus": ("m40x4-lenet", {"workload.steps": 4}),
    "cluster": ("cori-googlenet", {"workload.steps": 2, "cluster.nodes": 4, "algorithm.name": "sync-sgd"}),
    "groups": ("knl-partition", {"workload.steps": 3}),
    "server": ("m40x4-lenet", {"workload.steps": 3, "algorithm.name": "async-sgd"}),
    "tcp": (
        "m40x4-lenet",
        {"workload.steps": 2, "cluster.system": "hkbu-100g-tcp", "cluster.nodes": 2, "algorithm.name": "ddp-msgd"},
    ),
}
#: Parameters with an effect on each scenario, at a value that makes everything slower.
SLOWER = {
    "gpus": {
        "compute.scale": 1.5,
        "compute.scale.lenet": 1.5,
        "compute.scale@m40": 1.5,
        "compute.fixed.lenet@m40": "1 ms",
        "update.scale": 8.0,
        "update.fixed@m40": 1e-3,
        "load.fixed": 1e-3,
        "link.pcie3-x16.bandwidth": 0.25,
        "link.pcie3-x16.latency": "1 ms",
        "overhead.peer": 1e-3,
        "overhead.copy": 1e-3,
        "collective.call": 2e-3,
        "overlap.slowdown": 0.5,
    },
    "cluster": {
        "compute.scale": 1.5,
        "load.scale": 3.0,
        "load.fixed": 0.1,
        "link.aries-injection.bandwidth": 0.01,
        "link.aries-injection.latency": 1.0,
        "overhead.message": 1.0,
    },
    "groups": {"link.memory.bandwidth": 0.1, "link.memory.latency": 0.1, "overhead.local": 0.1},
    "server": {"update.scale@xeon-2s": 20.0, "update.fixed@xeon-2s": 1e-3},
    "tcp": {"link.ethernet-100g-tcp.stream": 0.02},
}
CASES = [(name, parameter) for name, given in SLOWER.items() for parameter in given]


@pytest.fixture(scope="module")
def scenario():
    known = {name: Scenario.load(*given) for name, given in SCENARIOS.items()}
    return known.__getitem__


@pytest.fixture(scope="module")
def uncalibrated(scenario):
    return {name: simulate(scenario(name)) for name in SCENARIOS}


def calibrated(scenario, **parameters):
    return simulate(scenario.override({"calibration.parameters": parameters}))


@pytest.mark.parametrize("name", SCENARIOS)
def test_neutral_parameters_leave_every_span_as_it_was(name, scenario, uncalibrated):
    resolved = Simulation(scenario(name))
    overheads = {f"overhead.{key}": value for key, value in resolved.platform.overheads().items()}
    kinds = {parameter: parameter_kind(parameter) for parameter in SLOWER[name]}
    neutral = {
        parameter: overheads.get(parameter, 0.0) if kind.neutral is None else kind.neutral
        for parameter, kind in kinds.items()
    }
    assert calibrated(scenario(name), **neutral).trace.spans == uncalibrated[name].trace.spans


@pytest.mark.parametrize(("name", "parameter"), CASES, ids=[f"{name}-{parameter}" for name, parameter in CASES])
def test_each_parameter_slows_the_run_down(name, parameter, scenario, uncalibrated):
    slower = calibrated(scenario(name), **{parameter: SLOWER[name][parameter]})
    assert slower.time > uncalibrated[name].time


def test_time_rises_with_the_scale_of_gradients(scenario):
    times = [calibrated(scenario("gpus"), **{"compute.scale": scale}).time for scale in (0.5, 0.9, 1.0, 1.1, 2.0)]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


@pytest.mark.parametrize(
    ("given", "bandwidth", "stream"),
    [
        ({}, 1.0, 1.0),
        ({"bandwidth": 0.5}, 0.5, 0.5),
        ({"stream": 0.2}, 1.0, 0.2),
        ({"bandwidth": 0.5, "stream": 0.2}, 0.5, 0.2),
    ],
)
def test_the_limit_of_one_stream_goes_with_the_bandwidth_unless_it_is_stated(given, bandwidth, stream, scenario):
    parameters = {f"link.ethernet-100g-tcp.{name}": value for name, value in given.items()}
    platform = Simulation(scenario("tcp").override({"calibration.parameters": parameters})).platform
    route, profile = platform.route("n0.gpu0", "n1.gpu0"), load_link("ethernet-100g-tcp")
    assert route.rate_cap == pytest.approx(profile.flow_cap.value * stream)
    wires = [link.bandwidth for link in route.links if "switch" in link.name]
    assert wires == pytest.approx([profile.bandwidth.value * bandwidth] * 2)


def test_the_most_precise_name_wins(scenario):
    given = {"compute.scale": 2.0, "compute.scale@m40": 3.0, "compute.scale.lenet": 4.0}
    most = {**given, "compute.scale.lenet@m40": 1.5}
    alone = calibrated(scenario("gpus"), **{"compute.scale": 1.5}).time
    assert calibrated(scenario("gpus"), **most).time == alone
    assert calibrated(scenario("gpus"), **given).time == calibrated(scenario("gpus"), **{"compute.scale": 4.0}).time


def test_a_gradient_in_parts_takes_as_long_as_in_one(scenario):
    given = {"compute.scale": 1.3, "compute.fixed": 1e-4}
    whole, parts = (
        sum(
            span.duration
            for span in calibrated(scenario("gpus").override({"algorithm.name": name}), **given).trace.spans
            if span.category == "forward_backward"
        )
        for name in ("sync-sgd", "ddp-msgd")
    )
    assert parts == pytest.approx(whole, rel=1e-9)


def test_jitter_of_the_calibration_is_that_of_the_simulation(scenario):
    drawn = calibrated(scenario("gpus"), **{"jitter.compute": 0.1})
    same = simulate(scenario("gpus").override({"simulation.jitter": 0.1}))
    assert drawn.time == same.time
    with pytest.raises(InputError, match=r"jitter\.compute: simulation.jitter states the same"):
        calibrated(scenario("gpus").override({"simulation.jitter": 0.2}), **{"jitter.compute": 0.1})


@pytest.mark.parametrize(
    ("name", "parameter", "reason"),
    [
        ("gpus", "link.aries.bandwidth", "no message crosses a link 'aries'"),
        ("gpus", "link.pcie3-x16.stream", "a link 'pcie3-x16' has no limit of one stream"),
        ("gpus", "overhead.message", "no such transfer"),
        ("gpus", "overhead.local", "no such transfer"),
        ("gpus", "load.scale", "over links"),
        ("gpus", "compute.scale.alexnet", "holds for none of"),
        ("gpus", "compute.scale@p100-pcie", "holds for none of"),
        ("groups", "overhead.copy", "no such transfer"),
        ("groups", "collective.call", "no collective call"),
    ],
)
def test_a_parameter_without_effect_is_refused(name, parameter, reason, scenario):
    with pytest.raises(InputError, match=f"calibration.parameters: {parameter}: no effect here: .*{reason}"):
        calibrated(scenario(name), **{parameter: 0.5})


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("compute.scale", 0.0, "expected 0.01 to 100, got 0"),
        ("compute.scale", "fast", "expected a number"),
        ("overhead.peer", "5 GB", "expected a time"),
        ("overhead.peer", -1e-6, "expected 0 to 10 s"),
        ("link.pcie3-x16.bandwith", 2.0, "did you mean 'link.pcie3-x16.bandwidth'"),
        ("nonsense", 1.0, "expected one of: collective.call, compute.fixed"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(parameter, value, message, scenario):
    with pytest.raises(InputError, match=message) as caught:
        calibrated(scenario("gpus"), **{parameter: value})
    assert str(caught.value).startswith("m40x4-lenet: calibration.parameters")


def test_unquoted_names_are_tables_in_tables(scenario):
    nested = scenario("gpus").override({"calibration.parameters": {"compute": {"scale": 1.5}}})
    assert simulate(nested).time == calibrated(scenario("gpus"), **{"compute.scale": 1.5}).time
    with pytest.raises(InputError, match="expected a table of names and values"):
        scenario("gpus").override({"calibration.parameters": 3})


@pytest.mark.parametrize("pattern", KINDS)
def test_every_kind_is_found_by_its_own_names(pattern):
    kind = KINDS[pattern]
    bare = pattern.partition("[")[0].replace("<medium>", "pcie3-x16")
    assert parameter_kind(bare) is kind
    if "<network>" in pattern:
        assert parameter_kind(f"{bare}.my-net.v2@my-chip") is kind
    assert checked_value(bare, kind.upper) == kind.upper
