"""The [what_if] table: what is refused, and how it says so."""

import pytest
from what_if_cases import asking, case

import simulator
from simulator.errors import InputError
from simulator.scenario import Scenario
from simulator.simulation import Simulation


@pytest.mark.parametrize(
    ("name", "factors", "expected"),
    [
        (
            "gpu-box-synchronous",
            {"device.m4.compute": 2},
            "did you mean 'device.m40.compute'? expected one of: device.",
        ),
        ("gpu-box-synchronous", {"nic.bandwidth": 2}, "unknown hardware parameter 'nic.bandwidth' of m40x4"),
        ("gpu-box-synchronous", {"device.xeon-2s.memory.ddr": 2}, "no rank runs on xeon-2s"),
        ("gpu-box-round-robin", {"device.xeon-2s.compute": 2}, "no gradient is computed there"),
        ("gpu-box-synchronous", {"overhead.message": 0.5}, "no such transfer takes place"),
        ("gpu-box-synchronous", {"overhead.framework": 0.5}, "no calibration adds any"),
        ("gpu-box-synchronous", {"collective.call": 0.5}, "the profile and the calibration state none"),
        (
            "gpu-box-synchronous",
            {"device.m40.compute": -1},
            "what_if.device.m40.compute: input should be greater than or equal to 0.000001",
        ),
        ("gpu-box-synchronous", {"device.m40.memory.gddr5": 1e308}, "input should be less than or equal to 1000000"),
        ("gpu-box-synchronous", {"overhead.copy": 1e-300}, "input should be greater than or equal to 0.000001"),
        ("gpu-box-synchronous", {"device.m40.compute": "fast"}, "what_if.device.m40.compute: "),
        ("flat-memory", {"device.knl-7250.memory.ddr4": 2}, "the working set fits in mcdram"),
        ("flat-memory", {"device.knl-7250.core_bandwidth": 2}, "ranks have all cores"),
        ("flat-memory", {"device.knl-7250.memory.mcdram.latency": 0.5}, "only copies between the groups of one chip"),
        ("dragonfly-of-knl", {"device.knl-7250.memory.ddr4": 8}, "mcdram would be no faster than ddr4"),
        ("dragonfly-of-knl", {"link.pcie3-x16.latency": 0.5}, "its latency is zero"),
        ("fat-tree-with-gpudirect", {"fabric.oversubscription": 0.5}, "all nodes are on one leaf"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_factors_that_mean_nothing_are_refused_in_one_line(name, factors, expected):
    with pytest.raises(InputError) as caught:
        Simulation(asking(case(name), **factors))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_quoted_and_nested_names_are_the_same():
    plain = case("gpu-box-synchronous")
    quoted = asking(plain, **{"device.m40.compute": 2.0})
    nested = plain.override({"what_if.device.m40.compute": 2.0})
    assert quoted.tables == nested.tables


def test_a_result_says_what_was_asked():
    result = simulator.simulate(asking(case("gpu-box-synchronous"), **{"device.m40.compute": 2.0}))
    assert result.to_dict()["scenario"]["what_if"] == {"device.m40.compute": 2.0}
    assert result.warnings == ("no such machine, but what if: 2 x device.m40.compute",)
    again = Scenario.from_dict(result.to_dict()["scenario"])
    assert simulator.simulate(again).time == result.time


def test_the_command_line_takes_factors(clustersim):
    code, out, err = clustersim("run", "m40x4-lenet", "--set", "what_if.device.m40.computee=2")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "m40x4-lenet: what_if: unknown hardware parameter" in err
