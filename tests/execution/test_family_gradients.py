"""Gradients that travel in buckets or compressed: bytes, times, and what they become without compression."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.algorithms.rules import Settings
from simulator.cost.device import DeviceCosts
from simulator.hardware import load_device
from simulator.workload import load_network

START = np.random.default_rng(7).standard_normal(400)
LAYERS = (1000, 0, 50_000, 20_000, 400_000)


def sent(outcome):
    return math.fsum(s.bytes for s in outcome.trace.spans if s.name.startswith("send"))


def replica(outcome, rank=0):
    return outcome.ranks[rank].arrays["replica"].value


# Buckets --------------------------------------------------------------------------------------------------------------

WHOLE = {"bucket_bytes": 10**12, "first_bucket_bytes": 10**12}
LAYERED = {"bucket_bytes": 1, "first_bucket_bytes": 1}


@pytest.mark.parametrize("ranks", [2, 4])
def test_buckets_carry_the_bytes_of_one_all_reduce_in_less_time(train, fixed_costs, ranks):
    common = {"ranks": ranks, "layout": LAYERS, "steps": 3}
    common["costs"] = lambda rank: fixed_costs(1e-3, 0.0, len(LAYERS))
    whole, layered = (train("ddp-msgd", options=options, **common) for options in (WHOLE, LAYERED))
    synchronous = train("sync-sgd", **common)
    assert sent(layered) == pytest.approx(sent(whole))
    assert sent(whole) == sent(synchronous)
    assert whole.time == pytest.approx(synchronous.time, rel=1e-12)
    assert 3e-3 < layered.time < whole.time


def test_communication_behind_a_long_backward_pass_costs_its_last_bucket(train, fixed_costs):
    """Two buckets: the all-reduce of the last layer hides behind the pass through the first, which is left to pay."""
    layout, alpha, bandwidth = (1000, 100_000), 1e-6, 10e9
    outcome = train(
        "ddp-msgd",
        ranks=2,
        layout=layout,
        options=LAYERED,
        costs=lambda rank: fixed_costs(1e-2, 0.0, 2),
        latency=alpha,
        bandwidth=bandwidth,
    )
    assert outcome.time == pytest.approx(1e-2 + 2 * (alpha + 4 * 500 / bandwidth), rel=1e-9)


def test_buckets_are_filled_from_the_last_layer_and_the_first_is_small(train):
    outcome = train("ddp-msgd", ranks=2, layout=(10, 20, 30, 40), steps=1)
    buckets = outcome.ranks[0].buckets
    assert buckets(1, first=1) == [(3, 4), (2, 3), (1, 2), (0, 1)]
    assert buckets(4 * 50, first=1) == [(3, 4), (1, 3), (0, 1)]
    assert buckets(10**9, first=10**9) == [(0, 4)]


@pytest.mark.parametrize("options", [WHOLE, LAYERED, {"bucket_bytes": 300, "first_bucket_bytes": 300}])
def test_whatever_the_buckets_the_weights_are_those_of_momentum_on_the_mean_gradient(train, quadratic, options):
    outcome = train("ddp-msgd", ranks=3, steps=5, options=options, learn=True)
    weights, velocity, points = START.copy(), np.zeros(400), quadratic(400)
    for step in range(5):
        mean = np.mean([weights - points.point(worker, step) for worker in range(3)], axis=0)
        velocity = 0.9 * velocity - 0.1 * mean
        weights = weights + velocity
    for rank in range(3):
        np.testing.assert_allclose(replica(outcome, rank), weights, atol=1e-12)


def test_a_step_draws_its_jitter_once_however_many_parts_it_has(train):
    def draws(rank):
        factors = iter([1.0, 3.0, 2.0])
        return lambda: next(factors)

    outcome = train("ddp-msgd", ranks=2, steps=3, options=LAYERED, jitter=draws, bandwidth=1e15, latency=0.0)
    assert outcome.time == pytest.approx(6 * 1e-4, rel=1e-2)


@pytest.mark.parametrize("network", ["lenet", "alexnet", "googlenet", "resnet-50", "vgg-19"])
def test_forward_and_backward_of_all_layers_make_up_the_gradient(network):
    found = load_network(network)
    costs = DeviceCosts(load_device("m40"), found, "fp32", 200e9)
    parts = costs.backward(16)
    assert len(parts) == len(found.parameter_layout())
    assert min(parts) > 0
    assert costs.forward(16) + math.fsum(parts) == pytest.approx(costs.gradient(16), rel=1e-12)
    assert costs.forward(16) < math.fsum(parts)


# Compression ----------------------------------------------------------------------------------------------------------

LOSSLESS = [("topk-sgd", {"fraction": 1.0}), ("power-sgd", {"rank": 100})]
LOSSY = [("topk-sgd", {"fraction": 0.1}), ("power-sgd", {"rank": 1}), ("8bit-sgd", {})]


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
def test_compression_that_keeps_everything_is_synchronous_sgd(train, name, options):
    compressed = train(name, ranks=3, steps=5, options=options, learn=True)
    plain = train("sync-sgd", ranks=3, steps=5, learn=True)
    np.testing.assert_allclose(replica(compressed), replica(plain), atol=1e-11)


@pytest.mark.parametrize(("name", "options"), LOSSY)
@pytest.mark.parametrize("ranks", [1, 3])
def test_what_was_sent_and_what_is_held_back_are_all_gradients(train, quadratic, name, options, ranks):
    """Σ of all applied steps + η mean(held back) = η Σ mean gradients: error feedback only delays."""
    recorded = []

    class Recording(quadratic):
        def gradient(self, worker, step, weights, batch):
            recorded.append(super().gradient(worker, step, weights, batch))
            return recorded[-1]

    outcome = train(name, ranks=ranks, steps=7, options=options, learn=True, arithmetic=Recording(400))
    held = np.mean([rank.arrays["residual"].value for rank in outcome.ranks], axis=0)
    applied = (START - replica(outcome)) / 0.1
    np.testing.assert_allclose(applied + held, np.sum(recorded, axis=0) / ranks, atol=1e-10)
    assert held.any()
    for rank in range(ranks):
        np.testing.assert_array_equal(replica(outcome, rank), replica(outcome))


@pytest.mark.parametrize(("name", "options"), LOSSY[:2])
def test_error_feedback_finds_the_minimum_that_compression_alone_does_not(train, quadratic, name, options):
    """Workers pull in different directions: what each sends first need not point to where their mean does."""

    class Still(quadratic):
        def point(self, worker, step):
            return super().point(worker, 0)

    settings = Settings(learning_rate=0.02)
    common = {"ranks": 3, "steps": 400, "learn": True, "arithmetic": Still(400), "settings": settings}
    goal = np.mean([Still(400).point(worker, 0) for worker in range(3)], axis=0)
    left = [
        np.linalg.norm(replica(train(name, options={**options, "error_feedback": feedback}, **common)) - goal)
        for feedback in (True, False)
    ]
    assert left[0] < 0.1 * np.linalg.norm(START - goal)
    assert left[0] < 0.5 * left[1]


def test_messages_have_the_compressed_size(train):
    layout, ranks = (100_000,), 4
    plain = sent(train("sync-sgd", ranks=ranks, layout=layout))
    assert plain == pytest.approx(2 * (ranks - 1) * 400_000)
    topk = sent(train("topk-sgd", ranks=ranks, layout=layout, options={"fraction": 0.01}))
    assert topk == ranks * (ranks - 1) * 2 * 1000 * 4
    eight = sent(train("8bit-sgd", ranks=ranks, layout=layout))
    assert eight == ranks * (ranks - 1) * (100_000 + 4 * 49)
    power = sent(train("power-sgd", ranks=ranks, layout=layout, options={"rank": 2}))
    assert power == pytest.approx(2 * (ranks - 1) * 2 * (317 + 316) * 4)


@pytest.mark.parametrize(("name", "options"), LOSSY)
def test_compressing_takes_time_on_the_device(train, fixed_costs, name, options):
    """On a network that is as good as free, compression is a loss: it pays only where links are slow."""
    common = {"ranks": 4, "layout": (1_000_000,), "options": options}
    plain_common = {**common, "options": None}
    for bandwidth, pays in ((1e15, False), (1e8, True)):
        common["costs"] = plain_common["costs"] = lambda rank: fixed_costs(1e-3, 1e-11)
        compressed = train(name, bandwidth=bandwidth, **common).time
        assert (compressed < train("sync-sgd", bandwidth=bandwidth, **plain_common).time) is pays


def test_compressed_learning_rides_on_a_larger_network(train, quadratic):
    """The learner may have fewer numbers than the network has layers' elements, even fewer than layers."""
    for name, options in LOSSY:
        outcome = train(
            name,
            ranks=2,
            steps=3,
            options=options,
            layout=(1000, 10, 5000, 3),
            learn=True,
            arithmetic=quadratic(5),
            initial=np.ones(5),
        )
        assert np.isfinite(replica(outcome)).all()
