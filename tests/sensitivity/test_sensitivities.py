"""Sensitivities against laws: Euler's sum, bounds, direct simulation, and an all-reduce that can be had by hand."""

from math import exp

import pytest
from what_if_cases import asking, case

import simulator
from simulator.errors import InputError
from simulator.planning.sensitivity import Sensitivity, describe, sensitivities, shortened
from simulator.simulation import Simulation


def of(rows, name):
    """The row of a parameter."""
    return next(row for row in rows if row.parameter == name)


@pytest.mark.parametrize("name", ["calibrated", "dragonfly-of-knl", "divided-chip", "jitter"])
def test_shares_add_up_to_the_whole_time(name):
    """Of runs in step. Where ranks meet first come, first served, time jumps when they change their order."""
    rows = sensitivities(case(name), job=False, jobs=1)
    assert sum(row.share for row in rows if not row.members) == pytest.approx(1.0, abs=2e-3)


@pytest.fixture(scope="module")
def lenet():
    return sensitivities(case("gpu-box-synchronous"), jobs=1)


def test_rows_are_what_simulations_say(lenet):
    scenario = case("gpu-box-synchronous")
    for row in lenet:
        change = {"what_if": {row.parameter: row.value}} if row.kind == "hardware" else {row.parameter: row.value}
        before, after = simulator.simulate(scenario), simulator.simulate(scenario.override(change))
        assert row.base_time_s == before.time
        assert row.saving == pytest.approx(1.0 - before.throughput / after.throughput, abs=1e-12)


def test_the_largest_saving_comes_first(lenet):
    savings = [row.saving for row in lenet]
    assert savings == sorted(savings, reverse=True)


def test_one_part_saves_no_more_than_all_of_them(lenet):
    for row in lenet:
        if row.kind == "hardware":
            assert -1e-9 <= row.saving <= 0.5 + 1e-9
            assert -1e-9 <= row.loss <= 1.0 + 1e-9
            assert -1e-6 <= row.share <= 1.0 + 1e-3


def test_factors_of_a_scenario_stay_under_those_that_are_asked():
    scenario = asking(case("gpu-box-synchronous"), **{"device.m40.compute": 4.0})
    row = of(sensitivities(scenario, job=False, jobs=1), "device.m40.compute")
    slower = asking(scenario, **{"device.m40.compute": 2.0})
    assert row.base_time_s * (1.0 + row.loss) == pytest.approx(simulator.simulate(slower).time)


def test_processes_find_the_same_as_one(lenet):
    assert sensitivities(case("gpu-box-synchronous"), jobs=2) == lenet


def test_elasticities_of_an_all_reduce_are_those_of_its_formula():
    """A ring of p ranks: 2 (p - 1) messages of n / p bytes one after the other, each α + n / (p B)."""
    ranks, parameters = 4, 4_000_000
    scenario = simulator.load(
        "m40x4-lenet",
        **{
            "cluster.system": "ethernet-cluster",
            "cluster.nodes": ranks,
            "workload.network": f"synthetic:parameters={parameters},flops=1e9",
            "workload.steps": 8,
            "algorithm.name": "sync-sgd",
            "algorithm.collectives.all_reduce": "ring",
            "network.model": "alpha-beta",
        },
    )
    simulation = Simulation(scenario)
    route = simulation.platform.route(simulation.workers[0].name, simulation.workers[1].name)
    messages = 8 * 2 * (ranks - 1)
    wire = messages * parameters * 4 / ranks / route.bandwidth
    rows = sensitivities(scenario, job=False, jobs=1)
    time = rows[0].base_time_s
    near = 2e-4  # of a symmetric difference of 1 % of 1 / B, next to its derivative
    bandwidth = of(rows, "link.ethernet-10g-tcp.bandwidth")
    assert bandwidth.elasticity == pytest.approx(-wire / time, rel=near)
    assert bandwidth.saving == pytest.approx(wire / 2 / time, rel=1e-9)
    assert bandwidth.loss == pytest.approx(wire / time, rel=1e-9)
    message, staging = (of(rows, f"overhead.{name}") for name in ("message", "staging"))
    seconds = simulation.platform.overheads()
    assert message.elasticity == pytest.approx(messages * seconds["message"] / time, rel=near)
    assert staging.saving == pytest.approx(messages * 2 * seconds["staging"] / 2 / time, rel=1e-9)
    latency = of(rows, "link.ethernet-10g-tcp.latency")
    on_the_wire = sum(link.latency for link in route.links if link.medium == "ethernet")
    assert latency.saving == pytest.approx(messages * on_the_wire / 2 / time, rel=1e-9)


def test_a_batch_is_compared_for_the_same_samples(lenet):
    row = next(row for row in lenet if row.parameter == "workload.batch_size" and row.value == 128)
    twice = simulator.simulate(case("gpu-box-synchronous").override({"workload.batch_size": 128}))
    assert row.time_s == pytest.approx(twice.time / 2)


def test_what_does_not_fit_is_left_out_with_the_reason():
    left_out = {}
    scenario = simulator.load("m40x4-alexnet", **{"workload.steps": 2, "workload.batch_size": 1024})
    rows = sensitivities(scenario, hardware=False, jobs=1, skipped=left_out.__setitem__)
    assert "the largest batch that fits is" in left_out["workload.batch_size=2048"]
    assert [row.value for row in rows if row.parameter == "workload.batch_size"] == [512]


def test_short_runs_have_whole_periods():
    scenario = simulator.load("m40x4-lenet", **{"algorithm.name": "local-sgd", "algorithm.period": 5})
    assert shortened(scenario, 8).tables.workload.steps == 10


def test_learning_is_timed_but_not_done():
    brief = shortened(simulator.load("m40x4-digits"), 3)
    assert brief.tables.workload.steps == 3
    assert Simulation(brief).learning is None


@pytest.mark.parametrize("factor", [1.0, 0.5, float("nan"), float("inf"), 1e300])
def test_factors_that_make_nothing_better_or_are_none_are_refused(factor):
    with pytest.raises(InputError, match=r"factor: expected a number above 1, at most 1e\+06"):
        sensitivities(case("gpu-box-synchronous"), factor)


def row(name, saving, share, kind="hardware", value=2.0, title=None):
    """A row of that saving and share."""
    elasticity = -share if kind == "hardware" else None
    return Sensitivity(name, title or name, kind, value, 1.0, 1.0 - saving, share, elasticity)


def test_sentences_say_what_limits_and_what_helps():
    rows = [
        row("link.ib.bandwidth", 0.31, 0.6, title="NIC (ib): bandwidth"),
        row("device.x.memory.mcdram", 0.02, 0.03, title="x: MCDRAM bandwidth"),
        row("link.ib.latency", 0.001, 0.002),
        row("algorithm.collectives.all_reduce", 0.1, 0, "choice", "ring", "all-reduce: chain to ring"),
        row("algorithm.collectives.all_reduce", 0.05, 0, "choice", "tree", "all-reduce: chain to tree"),
    ]
    assert describe(rows) == (
        "Most of the time, 60 %, is in proportion to the NIC (ib) bandwidth. "
        "Twice the NIC (ib) bandwidth saves 31 % and twice the x MCDRAM bandwidth saves 2.0 %. "
        "Without new hardware, all-reduce: chain to ring saves 10 %."
    )


def test_nothing_to_say_is_an_empty_text():
    assert describe([]) == ""


def test_a_share_is_towards_the_better():
    assert row("link.x.bandwidth", 0.1, 0.2).share == pytest.approx(0.2)
    slower = Sensitivity("link.x.latency", "", "hardware", 0.5, 1.0, 0.9, 0.1, 0.2)
    assert slower.share == pytest.approx(0.2)
    assert exp(-slower.elasticity * 0.01) < 1.0
