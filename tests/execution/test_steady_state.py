"""Repeating a settled step gives what simulating every step gives, trace and accounts included."""

from __future__ import annotations

import itertools
import math

import pytest

from simulator.execution.steady_state import SHORTEST, extend, settled_step, shortened_lengths
from simulator.simulation import load, simulate
from simulator.trace import NO_CAUSE, critical_path

CASES = [
    *itertools.product(
        ["m40x4-lenet"], ["original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3", "sync-sgd"], [{}]
    ),
    ("m40x4-lenet", "original-easgd", {"algorithm.overlap": False}),
    ("m40x4-alexnet", "sync-easgd3", {"cluster.host_memory": "pageable"}),
    ("cori-vgg", "sync-easgd2", {"cluster.nodes": 5}),
    ("dgx1-resnet50", "sync-sgd", {}),
]


@pytest.mark.parametrize(("example", "method", "changes"), CASES)
def test_repeated_and_simulated_steps_agree(example, method, changes):
    base = load(example, **{"workload.steps": 200, "algorithm.collectives": None, "algorithm.name": method, **changes})
    short, full = simulate(base), simulate(base.override({"simulation.exact": True}))
    assert full.simulated_steps == 200
    assert short.simulated_steps < 200, "the shortcut was not taken, so nothing was compared"
    assert short.time == pytest.approx(full.time, rel=1e-9)
    assert short.breakdown == pytest.approx(full.breakdown, rel=1e-9, abs=1e-9 * full.time)
    assert short.traffic == pytest.approx(full.traffic, rel=1e-12)
    assert short.step_times == pytest.approx(full.step_times, rel=1e-8)
    assert len(short.trace.spans) == len(full.trace.spans)
    assert math.fsum(s.duration for s in short.trace.spans) == pytest.approx(
        math.fsum(s.duration for s in full.trace.spans), rel=1e-9
    )
    assert [load.resource for load in short.links] == [load.resource for load in full.links]
    for index, span in enumerate(short.trace.spans):
        assert NO_CAUSE <= span.cause < index
    path = critical_path(short.trace)
    assert path[0].start == 0.0
    assert math.fsum(piece.duration for piece in path) == pytest.approx(short.time)


def test_with_jitter_every_step_is_simulated():
    result = simulate(load("m40x4-lenet", **{"workload.steps": 100, "simulation.jitter": 0.1}))
    assert result.simulated_steps == 100


def test_a_run_that_has_not_settled_is_not_extended():
    """With jitter no two steps are equal: nothing may be found to repeat."""
    result = simulate(load("m40x4-lenet", **{"workload.steps": 40, "simulation.jitter": 0.1}))
    assert settled_step(result.trace, 40) is None


def test_extending_by_nothing_changes_nothing():
    result = simulate(load("m40x4-lenet", **{"workload.steps": 60, "simulation.exact": True}))
    settled = settled_step(result.trace, 60)
    assert settled is not None
    assert extend(result.trace, *settled, copies=0).spans == result.trace.spans


def test_short_runs_are_not_shortened():
    assert shortened_lengths(4 * SHORTEST - 1) == []
    assert shortened_lengths(17 * SHORTEST) == [SHORTEST, 4 * SHORTEST]


def test_ranks_that_drift_apart_have_not_settled():
    """On KNL nodes the centre's home does more each step; the others run ahead until they must wait, long after."""
    result = simulate(load("cori-vgg", **{"workload.steps": 70, "cluster.nodes": 3}))
    assert result.simulated_steps == 70
