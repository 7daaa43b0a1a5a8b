"""Learning in simulated time: algorithms against the serial methods they must reduce to, and against replays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simulator.algorithms import algorithm_names, rules
from simulator.algorithms.rules import Settings
from simulator.errors import InputError
from simulator.execution.learning import settings_at
from simulator.learning import Sampler, load_data, load_learner
from simulator.randomness import stream
from simulator.simulation import Simulation, load, simulate

STEPS, BATCH, SEED, RATE = 12, 8, 3, 0.05
DATA = "synthetic:classes=3,shape=1x4x4,samples=300,noise=0.3"
SYNCHRONOUS = ("sync-sgd", "sync-easgd1", "sync-easgd2", "sync-easgd3", "knl-sync-easgd", "original-easgd")
ASYNCHRONOUS = ("async-sgd", "async-msgd", "async-easgd", "async-measgd", "hogwild-sgd", "hogwild-easgd")


def learn(method, workers=3, **changes):
    keys = {
        "algorithm.name": method,
        "cluster.workers": workers,
        "workload.steps": STEPS,
        "simulation.seed": SEED,
        "simulation.jitter": 0.2,
        "learning.data": DATA,
        "learning.model": "softmax",
        "learning.batch_size": BATCH,
        "learning.learning_rate": RATE,
        "learning.target_accuracy": None,
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    return simulate(load("m40x4-digits", **keys))


@pytest.fixture(scope="module")
def problem():
    data = load_data(DATA)
    learner = load_learner("softmax", data)
    return data, learner, learner.initial(stream(SEED, "initial weights"))


def gradients(problem, workers, batch):
    """``gradient(worker, step, weights)`` by the learner itself, without the simulator."""
    data, learner, _ = problem
    sampler = Sampler(len(data.train_labels), workers, batch, SEED)

    def gradient(worker, step, weights):
        chosen = sampler.indices(worker, step)
        return learner.gradient(weights, data.train_inputs[chosen], data.train_labels[chosen])[1]

    return gradient


def test_sync_sgd_on_p_workers_is_serial_sgd_on_p_times_the_batch(problem):
    gradient, weights = gradients(problem, 1, 3 * BATCH), problem[2]
    for step in range(STEPS):
        weights = weights - RATE * gradient(0, step, weights)
    np.testing.assert_allclose(learn("sync-sgd").weights, weights, rtol=0, atol=1e-10)


@pytest.mark.parametrize("schedule", ["ring", "recursive-doubling", "rabenseifner", "binomial-tree", "flat"])
def test_every_all_reduce_sums_the_same_gradients(problem, schedule):
    expected = learn("sync-sgd", algorithm__collectives={"all_reduce": "ring"}).weights
    found = learn("sync-sgd", algorithm__collectives={"all_reduce": schedule}).weights
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_layers_sent_one_by_one_change_no_number():
    packed, unpacked = (learn("sync-easgd2", algorithm__packed=packed) for packed in (True, False))
    np.testing.assert_allclose(packed.weights, unpacked.weights, rtol=0, atol=1e-12)
    assert packed.time != unpacked.time


@pytest.mark.parametrize("method", ["async-sgd", "hogwild-sgd", "async-msgd"])
def test_one_asynchronous_worker_is_serial_sgd(problem, method):
    gradient, weights = gradients(problem, 1, BATCH), problem[2]
    settings, velocity = Settings(RATE, momentum=0.9), np.zeros_like(weights)
    for step in range(STEPS):
        found = gradient(0, step, weights)
        if method == "async-msgd":
            weights, velocity = rules.momentum_step(weights, velocity, found, settings=settings)
        else:
            weights = rules.gradient_step(weights, found, settings=settings)
    np.testing.assert_array_equal(learn(method, workers=1).weights, weights)


@pytest.mark.parametrize("method", ["async-easgd", "hogwild-easgd", "async-measgd", "original-easgd", "sync-easgd3"])
def test_one_elastic_worker_is_the_serial_elastic_rule(problem, method):
    gradient, replica = gradients(problem, 1, BATCH), problem[2]
    settings = Settings(RATE, elasticity=2.0, momentum=0.9)
    centre, velocity = replica.copy(), np.zeros_like(replica)
    for step in range(STEPS):
        found, sent, seen = gradient(0, step, replica), replica, centre
        if method == "async-measgd":
            replica, velocity = rules.elastic_momentum_worker(replica, velocity, found, seen, settings=settings)
        else:
            replica = rules.elastic_worker(replica, found, seen, settings=settings)
        centre = rules.elastic_centre(centre, sent, settings=settings)
    result = learn(method, workers=1, learning__elasticity=2.0)
    np.testing.assert_allclose(result.weights, centre, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["sync-easgd1", "sync-easgd3", "async-easgd", "hogwild-easgd", "original-easgd"])
def test_without_elasticity_the_centre_never_moves(problem, method):
    np.testing.assert_array_equal(learn(method, learning__elasticity=0.0).weights, problem[2])


def test_without_elasticity_workers_are_independent_sgd(problem):
    gradient = gradients(problem, 3, BATCH)
    expected = []
    for worker in range(3):
        weights = problem[2]
        for step in range(STEPS):
            weights = weights - RATE * gradient(worker, step, weights)
        expected.append(weights)
    found = replicas("sync-easgd2", learning__elasticity=0.0)
    for weights, replica in zip(expected, found, strict=True):
        np.testing.assert_allclose(replica, weights, rtol=0, atol=1e-12)


def replicas(method, **changes):
    """The workers' own weights at the end, found by asking for their mean's parts."""
    from unittest.mock import patch

    kept = {}
    original = Simulation._play

    def play(self, *arguments):
        job = original(self, *arguments)
        kept["ranks"] = job.executor.ranks
        return job

    with patch.object(Simulation, "_play", play):
        learn(method, **changes)
    return [rank.arrays["replica"].value for rank in kept["ranks"] if rank.index < 3]


def test_the_asynchronous_centre_obeys_its_rule_when_replayed_from_the_trace(problem):
    """Only the order of messages and updates is taken from the trace; the arithmetic is done again beside it."""
    result = learn("async-easgd", learning__elasticity=2.0)
    gradient, initial = gradients(problem, 3, BATCH), problem[2]
    settings = Settings(RATE, elasticity=2.0)
    centre, replica = initial, [initial] * 3
    seen, sent = [initial] * 3, [initial] * 3
    happened = []
    for span in result.trace.spans:
        worker = span.rank % 3
        if span.rank >= 3 and span.name == "send centre":
            happened.append((span.start, 2, worker, span))
        elif span.name == "elastic centre":
            happened.append((span.end, 0, worker, span))
        elif span.name == "elastic worker":
            happened.append((span.end, 1, worker, span))
    # A lock is taken at the very moment at which it is given up: of what is simultaneous, the update came first.
    for _, kind, worker, span in sorted(happened, key=lambda event: event[:3]):
        if kind == 2:
            seen[worker], sent[worker] = centre, replica[worker]
        elif kind == 0:
            centre = rules.elastic_centre(centre, sent[worker], settings=settings)
        else:
            found = gradient(worker, span.step, replica[worker])
            replica[worker] = rules.elastic_worker(replica[worker], found, seen[worker], settings=settings)
    np.testing.assert_array_equal(result.weights, centre)


@pytest.mark.parametrize("method", ["async-sgd", "async-msgd"])
def test_staleness_in_the_trace_is_the_staleness_of_the_arithmetic(method):
    """Updates of the centre between the reply a worker computed from and the update by its gradient."""
    result = learn(method)
    updates, read_at, found = 0, [0] * 3, []
    for span in result.trace.spans:
        worker = span.rank % 3
        if span.rank >= 3 and span.name.endswith(" step"):
            found.append(updates - read_at[worker])
            updates += 1
        elif span.rank >= 3 and span.name == "send centre":
            read_at[worker] = updates
    histogram = result.asynchrony["staleness"]["histogram"]
    assert {int(value): count for value, count in histogram.items()} == {v: found.count(v) for v in set(found)}
    assert max(found) > 0


@pytest.mark.parametrize("method", SYNCHRONOUS)
def test_synchronous_methods_learn_the_same_whatever_the_jitter(method):
    one, other = (learn(method, simulation__jitter_seed=seed) for seed in (1, 2))
    assert one.time != other.time
    np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("method", ASYNCHRONOUS)
def test_asynchronous_methods_do_not(method):
    one, other = (learn(method, simulation__jitter_seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize("method", [*SYNCHRONOUS, *ASYNCHRONOUS])
def test_every_run_repeats_bit_for_bit_from_its_seed(method):
    one, again = learn(method), learn(method)
    np.testing.assert_array_equal(one.weights, again.weights)
    assert one.learning == again.learning
    assert one.trace.spans == again.trace.spans


@pytest.mark.parametrize("method", [*SYNCHRONOUS, *ASYNCHRONOUS])
def test_learning_changes_no_time(method):
    with_learning = learn(method)
    without = simulate(
        load(
            "m40x4-digits",
            **{
                "learning": None,
                "algorithm.name": method,
                "cluster.workers": 3,
                "workload.steps": STEPS,
                "simulation.seed": SEED,
                "simulation.jitter": 0.2,
                "simulation.exact": True,
            },
        )
    )
    assert with_learning.time == without.time
    assert with_learning.trace.spans == without.trace.spans


def test_a_lock_loses_nothing_and_its_absence_is_counted():
    locked = learn("async-sgd", workload__steps=60).asynchrony
    assert (locked["lost_updates"], locked["torn_reads"]) == (0, 0)
    # A host so slow that updates take longer than gradients: they must overlap.
    free = learn("hogwild-sgd", workload__network="alexnet", workload__batch_size=1, workers=4, workload__steps=30)
    assert free.asynchrony["lost_updates"] > 0
    assert free.asynchrony["updates"] == 4 * 30


def test_the_curve_is_ordered_and_ends_with_the_run():
    result = learn("sync-sgd", workload__steps=45, learning__evaluate_every=10)
    curve = result.learning["curve"]
    assert [point["gradients"] for point in curve] == [3, 30, 60, 90, 120, 135]
    assert all(a["time_s"] <= b["time_s"] for a, b in itertools.pairwise(curve))
    assert curve[-1]["time_s"] == pytest.approx(result.time)
    assert result.learning["updates_per_worker"] == [45, 45, 45]


def test_a_run_stops_at_its_target_and_says_when():
    result = learn("sync-sgd", workload__steps=2000, learning__target_accuracy=0.9, learning__learning_rate=0.5)
    assert result.learning["reached_at_s"] == result.learning["curve"][-1]["time_s"]
    assert result.learning["final_accuracy"] >= 0.9
    assert result.steps < 2000
    assert result.gradients == result.learning["curve"][-1]["gradients"]


def test_a_run_stops_at_its_time_limit():
    full = learn("sync-sgd", workload__steps=100)
    limited = learn("sync-sgd", workload__steps=100, learning__time_limit=full.time / 2)
    assert full.time / 2 <= limited.time < full.time * 0.55


def test_a_target_that_is_not_reached_is_a_warning_with_what_was_reached():
    result = learn("sync-sgd", learning__target_accuracy=1.0)
    assert result.learning["reached_at_s"] is None
    assert any("was not reached in 36 gradients; best 0." in text for text in result.warnings)


def test_divergence_is_a_warning_and_keeps_what_was_learned_before():
    result = learn("sync-sgd", learning__model="mlp", learning__learning_rate=1e200, learning__evaluate_every=1)
    assert result.learning["diverged_at_s"] is not None
    assert any("diverged" in text and "smaller learning.learning_rate" in text for text in result.warnings)
    assert result.learning["curve"]
    assert result.steps < STEPS


def test_a_small_learner_on_a_large_network_s_time_is_said():
    assert any("times are those of lenet" in text for text in learn("sync-sgd").warnings)


def test_schedules():
    constant, warm = settings_at(0.1, 1.0, 0.9, 100), settings_at(0.1, 1.0, 0.9, 100, warmup=9)
    assert {constant(step).learning_rate for step in range(100)} == {0.1}
    assert [round(warm(step).learning_rate, 9) for step in (0, 4, 9, 50)] == [0.01, 0.05, 0.1, 0.1]
    cosine = settings_at(0.1, 1.0, 0.9, 100, "cosine")
    rates = [cosine(step).learning_rate for step in range(100)]
    assert rates == sorted(rates, reverse=True)
    assert cosine(50).learning_rate == pytest.approx(0.05)
    step = settings_at(0.1, 1.0, 0.9, 100, "step", decay=0.5, decay_every=30)
    assert [step(i).learning_rate for i in (0, 29, 30, 60)] == pytest.approx([0.1, 0.1, 0.05, 0.025])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning.data": "nodata"}, "learning.data: "),
        ({"learning.model": "mpl"}, "learning.model: unknown learner 'mpl'; did you mean 'mlp'"),
        ({"learning.options": {"hiden": [3]}}, "learning.model: "),
        ({"learning.decay": 0.5}, "decay has an effect only with schedule = 'step'"),
        ({"learning.schedule": "step"}, "needs decay_every"),
        ({"learning.learning_rate": 0}, "learning.learning_rate"),
        ({"learning.data": "/nowhere/mnist"}, "/nowhere/mnist"),
    ],
)
def test_wrong_learning_tables_are_one_line(changes, message):
    with pytest.raises(InputError) as caught:
        Simulation(load("m40x4-digits", **changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", algorithm_names())
def test_every_algorithm_learns_and_repeats_bit_for_bit(method):
    """Whatever is registered, a new one included: it must learn a problem that serial SGD learns in as many steps."""
    keys = {"workload.steps": 60, "learning.learning_rate": 0.2, "learning.target_accuracy": None}
    keys |= {"learning.data": DATA, "learning.model": "softmax", "learning.batch_size": BATCH, "simulation.jitter": 0.2}
    if method == "chip-partition":
        keys |= {"cluster.system": "cori-knl", "cluster.partitions": 4}
    if method.endswith(("msgd", "measgd")):
        keys |= {"learning.learning_rate": 0.02}  # momentum of 0.9 multiplies the rate by ten
    if method == "diloco":
        keys |= {"algorithm.period": 10, "learning.learning_rate": 0.01}  # a rate for AdamW
    scenario = load("m40x4-digits", **keys, **{"algorithm.name": method})
    one, again = simulate(scenario), simulate(scenario)
    first, *_, last = one.learning["curve"]
    assert last["loss"] < 0.7 * first["loss"]
    assert last["accuracy"] > 0.8
    np.testing.assert_array_equal(one.weights, again.weights)
