"""Local SGD, DiLoCo, stale-synchronous and gossip methods against what they must become in the limit."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.algorithms.rules import Settings

START = np.random.default_rng(7).standard_normal(400)


def replica(outcome, rank=0):
    return outcome.ranks[rank].arrays["replica"].value


# Local SGD and DiLoCo -------------------------------------------------------------------------------------------------


def test_local_sgd_of_one_worker_is_serial_sgd(train, quadratic):
    outcome = train("local-sgd", ranks=1, steps=5, options={"period": 1}, learn=True)
    weights = START.copy()
    for step in range(5):
        weights = weights - 0.1 * (weights - quadratic(400).point(0, step))
    np.testing.assert_array_equal(replica(outcome), weights)


@pytest.mark.parametrize("alike", [True, False])
def test_local_sgd_that_averages_every_step_is_synchronous_sgd(train, quadratic, alike):
    """From equal weights the mean of steps is the step along the mean, on the same data and on different."""
    points = quadratic(400, alike=alike)
    local = train("local-sgd", ranks=3, steps=5, options={"period": 1}, learn=True, arithmetic=points)
    synchronous = train("sync-sgd", ranks=3, steps=5, learn=True, arithmetic=points)
    np.testing.assert_allclose(replica(local), replica(synchronous), atol=1e-13)


@pytest.mark.parametrize("period", [1, 3])
def test_diloco_with_plain_steps_inside_and_outside_is_local_sgd(train, period):
    plain = {"inner": "sgd", "outer_rate": 1.0, "outer_momentum": 0.0, "period": period}
    diloco = train("diloco", ranks=3, steps=6, options=plain, learn=True)
    local = train("local-sgd", ranks=3, steps=6, options={"period": period}, learn=True)
    for rank in range(3):
        np.testing.assert_allclose(replica(diloco, rank), replica(local, rank), atol=1e-12)


def test_diloco_keeps_its_moments_and_its_outer_momentum_at_work(train):
    """AdamW inside: with an outer step of 1 and no momentum, the result is the mean of independent AdamW runs."""
    options = {"period": 4, "outer_rate": 1.0, "outer_momentum": 0.0}
    together = train("diloco", ranks=3, steps=4, options=options, learn=True)
    alone = train("diloco", ranks=3, steps=4, options={"period": 5}, learn=True)
    mean = np.mean([replica(alone, rank) for rank in range(3)], axis=0)
    np.testing.assert_allclose(replica(together), mean, atol=1e-12)
    pushed = train("diloco", ranks=3, steps=4, options={**options, "outer_momentum": 0.5}, learn=True)
    np.testing.assert_allclose(replica(pushed) - START, 1.5 * (mean - START), atol=1e-12)


# Stale-synchronous ----------------------------------------------------------------------------------------------------


def leads(outcome, ranks):
    """At the start of each gradient: its step less the steps that the slowest worker has done by then."""
    spans = [s for s in outcome.trace.spans if s.name == "gradient"]
    for span in spans:
        done = [sum(s.end <= span.start for s in spans if s.rank == rank) for rank in range(ranks)]
        yield span.step - min(done)


@pytest.mark.parametrize("staleness", [0, 1, 3])
def test_no_worker_is_ever_further_ahead_than_the_bound(train, fixed_costs, staleness):
    def costs(rank):
        return fixed_costs(1e-3 if rank == 2 else 1e-4)

    outcome = train("ssp", ranks=4, steps=12, options={"staleness": staleness}, costs=costs)
    assert max(leads(outcome, 4)) == staleness


def test_the_bound_decides_how_long_the_fast_wait_for_a_slow_start(train, fixed_costs):
    """A pause of one worker is hidden by a large bound, and paid for by all with a bound of 0."""
    draws = {rank: iter([50.0 if rank == 0 else 1.0] + [1.0] * 20) for rank in range(3)}

    def ends(staleness):
        draws.update({rank: iter([50.0 if rank == 0 else 1.0] + [1.0] * 20) for rank in range(3)})
        outcome = train(
            "ssp",
            ranks=3,
            steps=8,
            options={"staleness": staleness},
            jitter=lambda rank: lambda: next(draws[rank]),
        )
        return max(s.end for s in outcome.trace.spans if s.name == "gradient" and s.rank == 1)

    assert ends(7) < ends(3) < ends(0)


def test_a_bound_of_0_is_synchronous(train, quadratic):
    """All gradients of a step are those of the same weights, and all are added."""
    outcome = train("ssp", ranks=3, steps=4, options={"staleness": 0}, learn=True)
    weights, points = START.copy(), quadratic(400)
    for step in range(4):
        weights = weights - 0.1 * sum(weights - points.point(worker, step) for worker in range(3))
    centre = outcome.ranks[3].arrays["centre"].value
    np.testing.assert_allclose(centre, weights, atol=1e-12)


def test_staleness_of_gradients_is_counted(train):
    outcome = train("ssp", ranks=3, steps=4, options={"staleness": 0})
    use = outcome.executor.shared_use
    assert sorted(use.staleness) == [0] * 4 + [1] * 4 + [2] * 4
    assert (use.updates, use.lost_blocks) == (12, 0)


# Gossip ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("neighbours", ["any", "ring"])
@pytest.mark.parametrize("ranks", [2, 3, 5, 8])
def test_gossip_without_gradients_conserves_the_mean_and_brings_replicas_together(
    train, quadratic, fixed_costs, neighbours, ranks
):
    """One step apart, then no gradients: averaging in pairs is all that happens."""

    class Once(quadratic):
        def gradient(self, worker, step, weights, batch):
            return super().gradient(worker, step, weights, batch) if step == 0 else np.zeros_like(weights)

    chosen = {"neighbours": neighbours}
    common = {"ranks": ranks, "options": chosen, "learn": True, "arithmetic": Once(400)}
    # Nothing is on its way while the first gradients are applied: the first meetings are between equals.
    one, many = train("ad-psgd", steps=1, **common), train("ad-psgd", steps=60, **common)
    before, after = (np.stack([replica(outcome, r) for r in range(ranks)]) for outcome in (one, many))
    expected = START - 0.1 * np.mean([START - Once(400).point(r, 0) for r in range(ranks)], axis=0)
    np.testing.assert_allclose(before.mean(axis=0), expected, atol=1e-12)
    np.testing.assert_allclose(after.mean(axis=0), expected, atol=1e-12)
    assert np.ptp(after, axis=0).max() < 0.1 * np.ptp(before, axis=0).max()


def test_a_slow_worker_holds_up_nobody_in_gossip_but_everybody_in_an_all_reduce(train, fixed_costs):
    def last_end(name, slow):
        outcome = train(name, ranks=4, steps=10, costs=lambda rank: fixed_costs(1e-2 if rank == slow else 1e-3))
        return max(s.end for s in outcome.trace.spans if s.rank != slow and s.name == "gradient")

    for slow in (0, 1):
        assert last_end("ad-psgd", slow) < 1.1 * 10e-3
    assert last_end("sync-sgd", 1) > 9 * 10e-3


def test_partners_come_from_the_seed_and_nothing_else(train):
    def met(**more):
        outcome = train("ad-psgd", ranks=6, steps=10, **more)
        return [s.peer for s in outcome.trace.spans if s.rank == 0 and s.name == "send replica"]

    assert met() == met(latency=1e-5)
    assert met() != met(seed=1)
    assert set(met()) == {1, 3, 5}
    assert set(met(options={"neighbours": "ring"})) == {1, 5}


def test_gossip_of_one_worker_is_serial_sgd(train, quadratic):
    outcome = train("ad-psgd", ranks=1, steps=3, learn=True, settings=Settings(learning_rate=0.1))
    weights = START.copy()
    for step in range(3):
        weights = weights - 0.1 * (weights - quadratic(400).point(0, step))
    np.testing.assert_array_equal(replica(outcome), weights)
