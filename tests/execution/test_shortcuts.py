"""Every shortcut gives what simulating every event gives: examples, and scenarios drawn at random."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from simulator.collectives.registry import algorithms as collective_algorithms
from simulator.errors import InfeasibleError, InputError
from simulator.execution.shortcuts import EQUAL_RANKS, LOCKSTEP, REPEATED_COLLECTIVES, SETTLED_STEPS, SHARING, SHORTCUTS
from simulator.result import Result
from simulator.scenario import Scenario
from simulator.simulation import load, simulate
from simulator.trace import NO_CAUSE, critical_path

#: One step for every bundled example that is large, else enough for steps to settle.
EXAMPLES = {
    "cori-googlenet": {"workload.steps": 48},
    "cori-vgg": {"workload.steps": 48},
    "dgx1-resnet50": {"workload.steps": 48},
    "ethernet-resnet50": {"workload.steps": 48},
    "knl-alexnet": {"workload.steps": 60},
    "knl-partition": {"workload.steps": 20},
    "m40x4-alexnet": {"workload.steps": 60},
    "m40x4-lenet": {"workload.steps": 60},
    "resnet50-90-epochs": {"workload.steps": 20, "workload.epochs": None},
}


def assert_equal(short: Result, exact: Result) -> None:
    """Equal to 1e-9 in every figure."""
    scale = 1e-9 * exact.time
    assert short.time == pytest.approx(exact.time, rel=1e-9)
    assert short.breakdown == pytest.approx(exact.breakdown, rel=1e-9, abs=scale)
    np.testing.assert_allclose(short.step_times, exact.step_times, rtol=1e-9, atol=scale)
    assert short.traffic == pytest.approx(exact.traffic, rel=1e-9)
    assert short.energy == pytest.approx(exact.energy, rel=1e-9)
    assert (short.steps, short.gradients) == (exact.steps, exact.gradients)
    used = {load.resource: load.utilisation for load in exact.links}
    for link in short.links:
        if link.resource in used:  # of links that are used equally, either may be named
            assert link.utilisation == pytest.approx(used[link.resource], rel=1e-9)
    assert [load.utilisation for load in short.links] == pytest.approx(
        [load.utilisation for load in exact.links], rel=1e-9
    )


def assert_same_spans(short: Result, exact: Result) -> None:
    """The same spans at the same times, and a critical path through them without gaps."""
    scale = 1e-9 * exact.time

    def ordered(result: Result) -> list[tuple[object, ...]]:
        return sorted(
            (s.rank, s.lane, s.step, s.name, s.peer, s.bytes, s.category, round(s.start / scale), s.start, s.end)
            for s in result.trace.spans
        )

    ours, theirs = ordered(short), ordered(exact)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one[:7] == other[:7]
        assert one[8:] == pytest.approx(other[8:], rel=1e-9, abs=scale)
    for index, span in enumerate(short.trace.spans):
        assert NO_CAUSE <= span.cause < index
    path = critical_path(short.trace)
    assert math.fsum(piece.duration for piece in path) == pytest.approx(short.time, rel=1e-9)
    sums = dict.fromkeys(short.breakdown, 0.0)
    for piece in path:
        sums[str(piece.category)] += piece.duration
    assert sums == pytest.approx(dict(short.breakdown), rel=1e-9, abs=scale)


def in_lockstep(result: Result) -> bool:
    return any(one.name == LOCKSTEP and one.taken for one in result.shortcuts.found)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_take_shortcuts_to_the_same_result(example: str) -> None:
    base = load(example, **EXAMPLES[example])
    short, exact = simulate(base), simulate(base.override({"simulation.exact": True}))
    assert exact.simulated_steps == exact.steps
    assert not any(one.taken for one in exact.shortcuts.found)
    assert any(one.taken for one in short.shortcuts.found)
    assert_equal(short, exact)
    assert_same_spans(short, exact)


#: Systems with several devices a node, with one, and of few.
SYSTEMS = {"cori-knl": 9, "dgx1-v100": 2, "m40x4": 1, "k80-fdr": 3, "hkbu-10g": 5}
SYNCHRONOUS = ("sync-sgd", "sync-easgd1", "sync-easgd2", "sync-easgd3", "ddp-msgd", "local-sgd", "original-easgd")


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A synchronous run of a few steps on a few nodes; not every one makes sense."""
    system = draw(st.sampled_from(sorted(SYSTEMS)))
    algorithm = draw(st.sampled_from(SYNCHRONOUS))
    reduces = algorithm in ("sync-sgd", "ddp-msgd", "local-sgd")
    kinds = ("all_reduce",) if reduces else () if algorithm == "original-easgd" else ("broadcast", "reduce")
    tables = {
        "cluster.system": system,
        "cluster.nodes": draw(st.integers(1, SYSTEMS[system])),
        "workload.network": draw(st.sampled_from(["lenet", "alexnet"])),
        "workload.batch_size": draw(st.integers(1, 64)),
        "workload.steps": draw(st.sampled_from([1, 2, 5, 52])),
        "algorithm.name": algorithm,
        "algorithm.packed": draw(st.booleans()),
        "network.model": draw(st.sampled_from(["fluid", "fluid", "alpha-beta"])),
        "simulation.jitter": draw(st.sampled_from([0.0, 0.0, 0.1])),
        "simulation.seed": draw(st.integers(0, 99)),
    }
    if kinds:
        chosen = {kind: draw(st.sampled_from(sorted(collective_algorithms(kind)))) for kind in kinds}
        tables["algorithm.collectives"] = chosen
        if {"chain", "double-binary-tree"} & set(chosen.values()):  # many messages for each of these
            tables |= {"workload.network": "lenet", "workload.steps": 2, "algorithm.packed": True}
    return load("m40x4-lenet", **tables)


@settings(deadline=None, max_examples=20)
@given(scenario=scenarios())
def test_random_scenarios_take_shortcuts_to_the_same_result(scenario: Scenario) -> None:
    assert_shortcuts_change_nothing(scenario)


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(scenario=scenarios())
def test_many_random_scenarios_take_shortcuts_to_the_same_result(scenario: Scenario) -> None:
    assert_shortcuts_change_nothing(scenario)


def assert_shortcuts_change_nothing(scenario: Scenario) -> None:
    """Simulate with all shortcuts and without any; of scenarios that do not fit into memory there is nothing to say."""
    try:
        short = simulate(scenario)
    except InfeasibleError as problem:
        note(str(problem))
        return
    exact = simulate(scenario.override({"simulation.exact": True}))
    event("in lockstep" if in_lockstep(short) else "event by event")
    note(f"{scenario.tables.model_dump(exclude_none=True, exclude_defaults=True)} {short.shortcuts}")
    assert_equal(short, exact)
    assert_same_spans(short, exact)


@settings(deadline=None, max_examples=8)
@given(scenario=scenarios(), without=st.sets(st.sampled_from(sorted(SHORTCUTS)), min_size=1))
def test_any_choice_of_shortcuts_gives_the_same_result(scenario: Scenario, without: set[str]) -> None:
    try:
        short = simulate(scenario)
    except InfeasibleError:
        return
    some = simulate(scenario.override({"simulation.shortcuts": sorted(set(SHORTCUTS) - without)}))
    assert not any(one.taken for one in some.shortcuts.found if one.name in without)
    assert_equal(short, some)


def test_each_shortcut_is_taken_somewhere_and_can_be_turned_off() -> None:
    base = load("cori-vgg", **{"cluster.nodes": 4, "workload.steps": 60, "algorithm.name": "sync-sgd"})
    contended = load("m40x4-lenet", **{"workload.steps": 60, "algorithm.name": "original-easgd"})
    for name in SHORTCUTS:
        scenario = contended if name == SHARING else base
        with_it = {one.name: one.taken for one in simulate(scenario).shortcuts.found}
        others = sorted(set(SHORTCUTS) - {name})
        without = {
            one.name: one.taken for one in simulate(scenario.override({"simulation.shortcuts": others})).shortcuts.found
        }
        assert with_it[name], name
        assert not without.get(name, False), name


def test_a_program_that_asks_who_it_is_gets_a_generator_of_its_own() -> None:
    """The first worker of sync-easgd2 keeps the centre; those of sync-sgd are all alike."""
    changes = {"cluster.nodes": 6, "workload.steps": 20}
    alike = simulate(load("cori-vgg", **changes, **{"algorithm.name": "sync-sgd"}))
    differ = simulate(load("cori-vgg", **changes, **{"algorithm.name": "sync-easgd2"}))
    remarks = [{one.name: one for one in result.shortcuts.found}[EQUAL_RANKS] for result in (alike, differ)]
    assert [one.taken for one in remarks] == [True, False]
    assert remarks[0].remark == "1 generator for 6 ranks"


def test_a_thousand_settled_steps_cost_no_more_than_a_few() -> None:
    few, many = (
        simulate(load("cori-googlenet", **{"cluster.nodes": 8, "workload.steps": steps, "algorithm.name": "sync-sgd"}))
        for steps in (60, 30_000)
    )
    assert few.simulated_steps == many.simulated_steps
    assert few.events == many.events
    assert len(many.step_times) == 30_000
    # From the first of the settled steps on, each takes as long as the one before.
    period = many.step_times[10]
    np.testing.assert_allclose(many.step_times[10:-5], period, rtol=1e-9)
    assert many.time - few.time == pytest.approx(29_940 * period, rel=1e-9)
    gained = {part: many.breakdown[part] - few.breakdown[part] for part in many.breakdown}
    assert sum(gained.values()) == pytest.approx(29_940 * period, rel=1e-9)
    assert min(gained.values()) >= -1e-9


@pytest.mark.parametrize(
    ("algorithm", "why"),
    [
        ("original-easgd", "one by one"),
        ("hogwild-easgd", "the order in which they come"),
        ("async-sgd", "the order in which they come"),
    ],
)
def test_what_depends_on_the_order_of_events_is_simulated_so(algorithm: str, why: str) -> None:
    result = simulate(load("m40x4-lenet", **{"workload.steps": 3, "algorithm.name": algorithm}))
    assert not in_lockstep(result)
    assert why in {one.name: one.remark for one in result.shortcuts.found}[LOCKSTEP]


def test_too_many_spans_are_refused_with_what_to_do() -> None:
    from simulator.errors import RunError

    scenario = load("cori-googlenet", **{"cluster.nodes": 64, "workload.steps": 200_000, "algorithm.name": "sync-sgd"})
    result = simulate(scenario)
    assert in_lockstep(result)
    with pytest.raises(RunError, match=r"simulate fewer steps \(--set workload.steps=2\)"):
        _ = result.trace.spans


def test_shortcuts_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="shortcuts: expected some of lockstep"):
        load("m40x4-lenet", **{"simulation.shortcuts": ["teleport"]})
    with pytest.raises(InputError, match="exact takes no shortcuts"):
        load("m40x4-lenet", **{"simulation.shortcuts": [SETTLED_STEPS], "simulation.exact": True})
    assert load("m40x4-lenet", **{"simulation.shortcuts": [REPEATED_COLLECTIVES]}).tables.simulation.shortcuts
