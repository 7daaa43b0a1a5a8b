"""Small random data sets, and differences to compare gradients with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator.learning import Learner, LearningData
from simulator.learning.data import Floats, Integers

collect_ignore = ["torch_models.py"]  # holds no tests, and needs PyTorch


def random_data(shape: tuple[int, int, int], classes: int, samples: int, seed: int = 0) -> LearningData:
    """Normal inputs with random labels: nothing to learn, everything to differentiate."""
    generator = np.random.default_rng(seed)

    def draw() -> tuple[Floats, Integers]:
        return generator.standard_normal((samples, *shape)), generator.integers(0, classes, samples)

    (train_inputs, train_labels), (test_inputs, test_labels) = draw(), draw()
    return LearningData("random", train_inputs, train_labels, test_inputs, test_labels, classes, "drawn for a test")


def difference_error(learner: Learner, weights: Floats, inputs: Floats, labels: Integers, coordinate: int) -> float:
    """Distance of one gradient element from the central difference, for the best of three steps.

    ReLU and max-pooling have kinks, and one may lie within the largest step; none lies within all of them, save by a
    chance of one in millions. A wrong gradient is wrong for all three.
    """
    _, gradient = learner.gradient(weights, inputs, labels)
    errors = []
    for step in (1e-5, 1e-6, 1e-7):
        losses = []
        for sign in (1.0, -1.0):
            moved = weights.copy()
            moved[coordinate] += sign * step
            losses.append(learner.gradient(moved, inputs, labels)[0])
        errors.append(abs((losses[0] - losses[1]) / (2.0 * step) - gradient[coordinate]))
    return min(errors)


@pytest.fixture
def make_data() -> Callable[..., LearningData]:
    return random_data


@pytest.fixture
def gradient_error() -> Callable[..., float]:
    return difference_error
