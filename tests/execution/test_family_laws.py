"""Laws that hold for every registered algorithm, or for all that have a period."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.algorithms import algorithm_names, load_algorithm
from simulator.simulation import load, simulate

PERIODIC = [name for name in algorithm_names() if "period" in {o.name for o in load_algorithm(name).options}]
STEPS = 6


def parameter_bytes(outcome):
    return math.fsum(span.bytes for span in outcome.trace.spans if span.name.startswith("send"))


@pytest.mark.parametrize("name", algorithm_names())
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_every_algorithm_ends_and_computes_every_gradient(train, name, ranks):
    outcome = train(name, ranks=ranks, steps=STEPS)
    gradients = [(s.rank, s.step) for s in outcome.trace.spans if s.name == "gradient"]
    assert sorted(gradients) == [(rank, step) for rank in range(ranks) for step in range(STEPS)]


@pytest.mark.parametrize("name", algorithm_names())
def test_every_algorithm_learns_in_the_same_time_that_it_takes_without(train, name):
    timed = train(name, ranks=3, steps=STEPS)
    learned = train(name, ranks=3, steps=STEPS, learn=True)
    assert learned.time == timed.time
    learns = load_algorithm(name).learns
    found = [rank.arrays[learns].value for rank in learned.ranks if learns in rank.arrays]
    assert all(np.isfinite(value).all() for value in found)
    start = np.random.default_rng(7).standard_normal(len(found[0]))
    assert any(not np.array_equal(value, start) for value in found)


@pytest.mark.parametrize("name", algorithm_names())
def test_every_algorithm_repeats_bit_for_bit(train, name):
    one, other = (train(name, ranks=5, steps=STEPS, learn=True) for _ in range(2))
    assert one.trace.spans == other.trace.spans
    for left, right in zip(one.ranks, other.ranks, strict=True):
        for array in left.arrays:
            np.testing.assert_array_equal(left.arrays[array].value, right.arrays[array].value)


@pytest.mark.parametrize("name", PERIODIC)
@pytest.mark.parametrize("period", [2, 3])
def test_a_period_divides_the_bytes_of_parameters(train, name, period):
    every = train(name, ranks=4, steps=STEPS, options={"period": 1})
    seldom = train(name, ranks=4, steps=STEPS, options={"period": period})
    assert parameter_bytes(every) > 0
    assert parameter_bytes(seldom) == pytest.approx(parameter_bytes(every) / period)


@pytest.mark.parametrize("name", PERIODIC)
def test_with_a_period_longer_than_the_run_workers_are_serial_sgd(train, name, quadratic):
    """No exchange at all: every replica is where its own gradients take it."""
    options = {"period": STEPS + 1} | ({"inner": "sgd"} if name == "diloco" else {})
    outcome = train(name, ranks=2, steps=STEPS, options=options, learn=True)
    assert parameter_bytes(outcome) == 0
    points = quadratic(400)
    for rank in outcome.ranks[:2]:
        weights, velocity = np.random.default_rng(7).standard_normal(400), 0.0
        for step in range(STEPS):
            velocity = (0.9 if name == "async-measgd" else 0.0) * velocity - 0.1 * (
                weights - points.point(rank.index, step)
            )
            weights = weights + velocity
        np.testing.assert_allclose(rank.arrays["replica"].value, weights, atol=1e-13)


@pytest.mark.parametrize("period", [3, 64])
def test_a_run_whose_steps_are_not_alike_is_not_extrapolated_from_a_short_one(period):
    """A run of 32 steps would never see an exchange that comes every 64 steps."""
    changes = {"workload.steps": 200, "algorithm.name": "local-sgd", "algorithm.period": period}
    quick = simulate(load("m40x4-lenet", **changes))
    exact = simulate(load("m40x4-lenet", **changes, **{"simulation.exact": True}))
    assert quick.time == pytest.approx(exact.time, rel=1e-9)
    assert quick.traffic == exact.traffic


@pytest.mark.parametrize("name", algorithm_names())
def test_on_the_paper_s_machine_every_second_of_the_critical_path_is_explained(name):
    result = simulate(load("m40x4-lenet", **{"workload.steps": STEPS, "algorithm.name": name}))
    assert math.fsum(result.breakdown.values()) == pytest.approx(result.time, rel=1e-9)
    assert result.breakdown["idle"] == pytest.approx(0.0, abs=1e-12)
    assert result.gradients == 4 * STEPS
