"""Laws that every built-in learner obeys; a new one is found by its name and cannot escape."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.learning import Learner, LearningData, Sampler, learner_names, load_learner

SHAPES = [(1, 8, 8), (3, 8, 8), (2, 4, 5), (1, 16, 16), (1, 17, 19)]
#: Few weights, so that each difference is cheap, and odd sizes, so that transposed axes show.
OPTIONS: dict[str, dict[str, object]] = {"mlp": {"hidden": [7, 5]}, "lenet": {"filters": [3, 4], "hidden": 6}}

Case = tuple[Learner, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(params=[(name, shape) for name in learner_names() for shape in SHAPES], ids=str)
def case(request: pytest.FixtureRequest, make_data: Callable[..., LearningData]) -> Case:
    name, shape = request.param
    data = make_data(shape, classes=3, samples=11)
    learner = load_learner(name, data, **OPTIONS.get(name, {}))
    generator = np.random.default_rng(5)
    # Biases start at zero, where a unit with no active input sits exactly on the kink of ReLU.
    weights = learner.initial(generator) + 0.05 * generator.standard_normal(learner.elements)
    return learner, weights, data.train_inputs, data.train_labels


def test_gradient_is_the_central_difference_of_the_loss(case: Case, gradient_error: Callable[..., float]) -> None:
    learner, weights, inputs, labels = case
    # Every layer is visited: a few elements from each, its last (a bias) among them.
    generator = np.random.default_rng(1)
    stop = 0
    for elements in learner.layout:
        start, stop = stop, stop + elements
        for coordinate in {*generator.integers(start, stop, 5).tolist(), stop - 1}:
            assert gradient_error(learner, weights, inputs, labels, coordinate) < 2e-8


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(learner_names()),
    shape=st.tuples(st.integers(1, 3), st.integers(4, 18), st.integers(4, 18)),
    classes=st.integers(2, 5),
    samples=st.integers(1, 6),
    seed=st.integers(0, 2**32),
)
def test_gradient_is_the_directional_derivative_for_any_shape_and_weights(
    name: str, shape: tuple[int, int, int], classes: int, samples: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    inputs, labels = generator.standard_normal((samples, *shape)), generator.integers(0, classes, samples)
    data = LearningData("random", inputs, labels, inputs, labels, classes, "drawn for a test")
    learner = load_learner(name, data, **OPTIONS.get(name, {}))
    weights = learner.initial(generator) + 0.05 * generator.standard_normal(learner.elements)
    direction = generator.standard_normal(learner.elements)
    direction /= np.linalg.norm(direction)
    expected = float(learner.gradient(weights, inputs, labels)[1] @ direction)
    errors = []
    for step in (1e-5, 1e-6, 1e-7):  # see `conftest.difference_error`
        ahead, behind = (learner.gradient(weights + sign * step * direction, inputs, labels)[0] for sign in (1, -1))
        errors.append(abs((ahead - behind) / (2 * step) - expected))
    assert min(errors) < 1e-7 * max(1.0, abs(expected))


def test_batch_gradient_is_the_mean_of_the_samples_gradients(case: Case) -> None:
    learner, weights, inputs, labels = case
    loss, gradient = learner.gradient(weights, inputs, labels)
    alone = [learner.gradient(weights, inputs[i : i + 1], labels[i : i + 1]) for i in range(len(labels))]
    assert loss == pytest.approx(np.mean([part for part, _ in alone]), rel=1e-12)
    np.testing.assert_allclose(gradient, np.mean([part for _, part in alone], axis=0), rtol=1e-10, atol=1e-13)


def test_gradients_of_equal_workers_average_to_that_of_the_joint_batch(case: Case) -> None:
    learner, weights, inputs, labels = case
    together, pair = Sampler(len(labels), 1, 10, seed=3), Sampler(len(labels), 2, 5, seed=3)
    joint = together.indices(0, 4)
    halves = [pair.indices(worker, 4) for worker in (0, 1)]
    mean = sum(learner.gradient(weights, inputs[half], labels[half])[1] for half in halves) / 2
    expected = learner.gradient(weights, inputs[joint], labels[joint])[1]
    np.testing.assert_allclose(mean, expected, rtol=1e-10, atol=1e-13)


def test_zero_weights_give_the_loss_of_a_guess(case: Case) -> None:
    learner, weights, inputs, labels = case
    loss, _ = learner.gradient(np.zeros_like(weights), inputs, labels)
    assert loss == pytest.approx(math.log(3), rel=1e-14)


def test_repeats_bit_for_bit_and_leaves_its_arguments_alone(case: Case) -> None:
    learner, weights, inputs, labels = case
    for array in (weights, inputs, labels):
        array.setflags(write=False)  # writing would raise
    loss, gradient = learner.gradient(weights, inputs, labels)
    evaluation = learner.evaluate(weights, inputs, labels)
    learner.gradient(weights[::-1].copy(), inputs[:3], labels[:3])  # something else in between
    again, gradient_again = learner.gradient(weights, inputs, labels)
    assert loss == again
    assert gradient.tobytes() == gradient_again.tobytes()
    assert evaluation == learner.evaluate(weights, inputs, labels)
    assert not np.shares_memory(gradient, gradient_again)


def test_evaluation_agrees_with_gradient_and_counts_what_is_right(case: Case) -> None:
    learner, weights, inputs, labels = case
    # More samples than are evaluated at once, the last chunk an odd one.
    many, named = np.tile(inputs, (60, 1, 1, 1)), np.tile(labels, 60)
    evaluation = learner.evaluate(weights, many, named)
    assert evaluation.loss == pytest.approx(learner.gradient(weights, inputs, labels)[0], rel=1e-12)
    # The label with the least loss is the prediction.
    losses = [
        [learner.gradient(weights, inputs[i : i + 1], np.array([label]))[0] for label in range(3)]
        for i in range(len(labels))
    ]
    assert evaluation.accuracy == pytest.approx(float((np.argmin(losses, axis=1) == labels).mean()), abs=1e-15)


def test_a_step_down_the_gradient_lowers_the_loss(case: Case) -> None:
    learner, weights, inputs, labels = case
    loss, gradient = learner.gradient(weights, inputs, labels)
    lower, _ = learner.gradient(weights - 1e-4 * gradient, inputs, labels)
    assert lower == pytest.approx(loss - 1e-4 * float(gradient @ gradient), rel=1e-3)
    assert lower < loss


def test_nan_in_any_layer_gives_a_nan_loss_without_a_warning(case: Case) -> None:
    learner, weights, inputs, labels = case
    for position in np.cumsum(learner.layout) - 1:
        spoilt = weights.copy()
        spoilt[position] = math.nan
        loss, _ = learner.gradient(spoilt, inputs, labels)
        assert math.isnan(loss)
    lost = learner.evaluate(np.full_like(weights, math.nan), inputs, labels)
    assert math.isnan(lost.loss)
    assert lost.accuracy == 0.0


@pytest.mark.parametrize("factor", [1e200, 1e305, math.inf])
def test_overflow_gives_a_loss_that_is_no_good_but_no_warning(case: Case, factor: float) -> None:
    learner, weights, inputs, labels = case
    with np.errstate(all="ignore"):
        blown_up = weights * factor
    loss, gradient = learner.gradient(blown_up, inputs, labels)
    assert not loss < 1e3
    assert gradient.shape == weights.shape
    assert not learner.evaluate(blown_up, inputs, labels).loss < 1e3


def test_wrong_shapes_are_refused(case: Case) -> None:
    learner, weights, inputs, labels = case
    with pytest.raises(ValueError, match="expected weights of shape"):
        learner.gradient(weights[:-1], inputs, labels)
    with pytest.raises(ValueError, match="expected inputs of shape"):
        learner.gradient(weights, inputs[:, :, 1:], labels)
    with pytest.raises(ValueError, match="as many labels"):
        learner.evaluate(weights, inputs, labels[1:])


def test_layout_covers_the_weights_and_the_start_depends_on_the_seed_alone(case: Case) -> None:
    learner, weights, _, _ = case
    assert sum(learner.layout) == learner.elements == len(weights)
    start = learner.initial(np.random.default_rng(5))
    assert start.shape == (learner.elements,)
    assert start.dtype == np.float64
    assert np.array_equal(start, learner.initial(np.random.default_rng(5)))
    assert not np.array_equal(start, learner.initial(np.random.default_rng(6)))


def test_weights_of_lower_precision_are_computed_with_in_double(case: Case) -> None:
    learner, weights, inputs, labels = case
    single = weights.astype(np.float32)
    assert learner.gradient(single, inputs, labels)[0] == learner.gradient(single.astype(float), inputs, labels)[0]
