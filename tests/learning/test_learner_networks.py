"""Built-in networks: sizes, options, and that they learn."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from simulator.errors import InputError, UnknownNameError
from simulator.learning import Evaluation, LearningData, Sampler, load_data, load_learner
from simulator.randomness import stream
from simulator.workload import load_network


def descend(name: str, data: LearningData, rate: float, steps: int, batch: int = 32) -> Evaluation:
    """Plain stochastic gradient descent, and where it ends on the test samples."""
    learner = load_learner(name, data)
    weights = learner.initial(stream(0, "weights"))
    sampler = Sampler(len(data.train_labels), 1, batch, seed=0)
    for step in range(steps):
        chosen = sampler.indices(0, step)
        _, gradient = learner.gradient(weights, data.train_inputs[chosen], data.train_labels[chosen])
        weights = weights - rate * gradient
    return learner.evaluate(weights, data.test_inputs, data.test_labels)


@pytest.mark.parametrize(
    ("name", "rate", "steps", "accuracy"),
    [("softmax", 0.5, 600, 0.93), ("mlp", 0.2, 900, 0.94), ("lenet", 0.2, 900, 0.95)],
)
def test_learns_the_digits(name: str, rate: float, steps: int, accuracy: float) -> None:
    pytest.importorskip("sklearn")
    assert descend(name, load_data("digits"), rate, steps).accuracy > accuracy


@pytest.mark.parametrize("name", ["softmax", "mlp", "lenet"])
def test_learns_separable_blobs_entirely(name: str) -> None:
    data = load_data("synthetic:classes=5,samples=500,noise=0.05", seed=2)
    assert descend(name, data, 0.5, 300).accuracy == 1.0


def test_lenet_on_mnist_has_the_weights_of_the_workload_that_is_timed(make_data: Callable[..., LearningData]) -> None:
    learner = load_learner("lenet", make_data((1, 28, 28), 10, 2))
    assert learner.layout == tuple(elements for _, elements in load_network("lenet").parameter_layout())
    assert learner.elements == 431_080


def test_options_size_the_networks(make_data: Callable[..., LearningData]) -> None:
    data = make_data((2, 8, 8), 3, 2)
    assert load_learner("softmax", data).layout == ((128 + 1) * 3,)
    assert load_learner("mlp", data, hidden=[10, 7]).layout == (129 * 10, 11 * 7, 8 * 3)
    assert load_learner("mlp", data, hidden=10).layout == (129 * 10, 11 * 3)
    assert load_learner("mlp", data, hidden=[]).layout == load_learner("softmax", data).layout
    # 8 × 8 keeps its size in 3 × 3 convolutions and is halved twice: 2 × 2 pixels reach the hidden layer.
    small = load_learner("lenet", data, filters=[4, 6], hidden=9)
    assert small.layout == ((9 * 2 + 1) * 4, (9 * 4 + 1) * 6, (4 * 6 + 1) * 9, (9 + 1) * 3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mlp", {"hidden": [0]}, "mlp: hidden: expected whole numbers of at least 1"),
        ("mlp", {"hidden": [2.5]}, "mlp: hidden: expected whole numbers"),
        ("mlp", {"hidden": [True]}, "mlp: hidden: expected whole numbers"),
        ("mlp", {"hidden": "many"}, "mlp: hidden: expected whole numbers"),
        ("lenet", {"filters": [4]}, "lenet: filters: expected 2 whole numbers"),
        ("lenet", {"hidden": -1}, "lenet: hidden: expected whole numbers"),
        ("lenet", {"hidden": [3, 4]}, "lenet: hidden: expected one whole number"),
    ],
)
def test_wrong_options_are_refused(
    make_data: Callable[..., LearningData], name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_learner(name, make_data((1, 8, 8), 3, 2), **options)


def test_names_that_do_not_exist_are_refused(make_data: Callable[..., LearningData]) -> None:
    data = make_data((1, 8, 8), 3, 2)
    with pytest.raises(UnknownNameError, match="unknown learner 'lennet'; did you mean 'lenet'"):
        load_learner("lennet", data)
    with pytest.raises(UnknownNameError, match="unknown option of the learner mlp 'hiden'; did you mean 'hidden'"):
        load_learner("mlp", data, hiden=[3])
    with pytest.raises(UnknownNameError, match="unknown option of the learner softmax 'hidden'"):
        load_learner("softmax", data, hidden=[3])


def test_lenet_needs_a_few_pixels(make_data: Callable[..., LearningData]) -> None:
    with pytest.raises(InputError, match="lenet: expected samples of at least 4 × 4 pixels, got 3 × 9"):
        load_learner("lenet", make_data((1, 3, 9), 3, 2))


@pytest.mark.slow
def test_lenet_gradient_on_a_batch_of_digits_takes_milliseconds() -> None:
    data = load_data("synthetic")
    learner = load_learner("lenet", data)
    weights = learner.initial(np.random.default_rng(0))
    times = []
    for _ in range(50):
        start = time.perf_counter()
        learner.gradient(weights, data.train_inputs[:32], data.train_labels[:32])
        times.append(time.perf_counter() - start)
    assert np.median(times) < 10e-3
