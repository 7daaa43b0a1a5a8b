"""Convolution, pooling and cross-entropy against their definitions, written as plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.learning.convolution import Convolution, MaxPool
from simulator.learning.cross_entropy import cross_entropy, cross_entropy_and_gradient, hits
from simulator.learning.layers import Dense, Layer
from simulator.learning.networks import lenet, mlp

NOTHING = np.empty(0)


def convolve(inputs: np.ndarray, bank: np.ndarray, biases: np.ndarray, padding: int) -> np.ndarray:
    """The definition: bank (row, column, channel, filter), no flip."""
    kernel, _, _, filters = bank.shape
    padded = np.pad(inputs, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    samples, height, width, _ = padded.shape
    output = np.empty((samples, height - kernel + 1, width - kernel + 1, filters))
    for sample, row, column, chosen in np.ndindex(output.shape):
        patch = padded[sample, row : row + kernel, column : column + kernel]
        output[sample, row, column, chosen] = (patch * bank[..., chosen]).sum() + biases[chosen]
    return output


@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (2, 0), (3, 1), (3, 0), (5, 2)])
def test_convolution_is_its_definition(kernel: int, padding: int) -> None:
    generator = np.random.default_rng(kernel)
    layer = Convolution(channels=2, filters=3, kernel=kernel, padding=padding)
    parameters = generator.standard_normal(layer.elements)
    inputs = generator.standard_normal((2, 5, 6, 2))
    output, _ = layer.forward(parameters, inputs)
    expected = convolve(inputs, parameters[:-3].reshape(kernel, kernel, 2, 3), parameters[-3:], padding)
    np.testing.assert_allclose(output, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (3, 1), (3, 0), (5, 2), (4, 1)])
def test_backward_of_convolution_is_its_transpose(kernel: int, padding: int) -> None:
    # Without biases Y = C·X is linear in the inputs and in the filters, so ⟨C·X, U⟩ = ⟨X, Cᵀ·U⟩ in both.
    generator = np.random.default_rng(kernel)
    layer = Convolution(channels=2, filters=3, kernel=kernel, padding=padding)
    parameters = generator.standard_normal(layer.elements)
    parameters[-3:] = 0.0
    inputs = generator.standard_normal((2, 6, 5, 2))
    output, saved = layer.forward(parameters, inputs)
    upstream = generator.standard_normal(output.shape)
    gradient = np.empty(layer.elements)
    to_inputs = layer.backward(parameters, saved, upstream, gradient, first=False)
    product = float((output * upstream).sum())
    assert float((inputs * to_inputs).sum()) == pytest.approx(product, rel=1e-12)
    assert float((parameters * gradient)[:-3].sum()) == pytest.approx(product, rel=1e-12)
    np.testing.assert_allclose(gradient[-3:], upstream.sum(axis=(0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (5, 4), (5, 7), (2, 3)])
def test_pooling_takes_the_largest_of_each_window(height: int, width: int) -> None:
    inputs = np.random.default_rng(0).standard_normal((2, height, width, 3))
    output, saved = MaxPool().forward(NOTHING, inputs)
    upstream = np.random.default_rng(1).standard_normal(output.shape)
    back = MaxPool().backward(NOTHING, saved, upstream, NOTHING, first=False)
    expected = np.zeros(inputs.shape)
    assert output.shape == (2, height // 2, width // 2, 3)
    for sample, row, column, channel in np.ndindex(output.shape):
        window = inputs[sample, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2, channel]
        assert output[sample, row, column, channel] == window.max()
        down, right = np.unravel_index(window.argmax(), (2, 2))
        expected[sample, 2 * row + down, 2 * column + right, channel] = upstream[sample, row, column, channel]
    assert np.array_equal(back, expected)


def test_pooling_hands_the_gradient_to_one_of_equal_inputs() -> None:
    # A blank corner of an image makes whole windows equal; their gradient must be neither lost nor multiplied.
    output, saved = MaxPool().forward(NOTHING, np.ones((1, 4, 4, 1)))
    back = MaxPool().backward(NOTHING, saved, np.full(output.shape, 2.0), NOTHING, first=False)
    assert back[0, ::2, ::2, 0].tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert back.sum() == 8.0


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 5), st.floats(-1e6, 1e6), st.integers(0, 2**32))
def test_softmax_ignores_a_shift_of_all_logits(classes: int, samples: int, shift: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    logits, labels = generator.standard_normal((samples, classes)), generator.integers(0, classes, samples)
    loss, gradient = cross_entropy_and_gradient(logits, labels)
    moved_loss, moved = cross_entropy_and_gradient(logits + shift, labels)
    rounding = 1e-15 * max(1.0, abs(shift))  # of the shifted logits themselves
    assert moved_loss == pytest.approx(loss, abs=10 * rounding)
    np.testing.assert_allclose(moved, gradient, atol=10 * rounding)
    # Probabilities sum to one, so a sample's gradient sums to zero.
    np.testing.assert_allclose(gradient.sum(axis=1), 0.0, atol=1e-15)


def test_loss_is_minus_the_logarithm_of_the_probability() -> None:
    logits = np.log(np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]]))
    labels = np.array([2, 1])
    np.testing.assert_allclose(cross_entropy(logits, labels), -np.log([0.5, 0.2]), rtol=1e-14)
    loss, gradient = cross_entropy_and_gradient(logits, labels)
    assert loss == pytest.approx(-np.log(0.5 * 0.2) / 2, rel=1e-14)
    np.testing.assert_allclose(gradient, [[0.1, 0.15, -0.25], [0.35, -0.4, 0.05]], rtol=1e-13)
    assert hits(logits, cross_entropy(logits, labels), labels) == 1


def test_loss_stays_finite_where_probabilities_underflow() -> None:
    loss, gradient = cross_entropy_and_gradient(np.array([[0.0, 5000.0]]), np.array([0]))
    assert loss == 5000.0
    assert gradient.tolist() == [[-1.0, 1.0]]


def take(weights: np.ndarray, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Consecutive arrays of those shapes."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    assert sum(sizes) == len(weights)
    parts = np.split(weights, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def halve(inputs: np.ndarray) -> np.ndarray:
    samples, height, width, channels = inputs.shape
    return inputs.reshape(samples, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def test_mlp_is_its_formula() -> None:
    generator = np.random.default_rng(0)
    learner = mlp((2, 3, 2), 4, hidden=(5, 6))
    weights = generator.standard_normal(learner.elements)
    inputs, labels = generator.standard_normal((7, 2, 3, 2)), generator.integers(0, 4, 7)
    a, b, c, d, e, f = take(weights, (12, 5), (5,), (5, 6), (6,), (6, 4), (4,))
    hidden = np.maximum(np.maximum(inputs.reshape(7, 12) @ a + b, 0) @ c + d, 0)
    expected = cross_entropy(hidden @ e + f, labels).mean()
    assert learner.gradient(weights, inputs, labels)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("size", "kernel", "padding", "left"), [(8, 3, 1, 2), (16, 5, 0, 1), (20, 5, 0, 2)])
def test_lenet_is_its_formula(size: int, kernel: int, padding: int, left: int) -> None:
    generator = np.random.default_rng(size)
    learner = lenet((2, size, size), 4, filters=(3, 2), hidden=5)
    weights = generator.standard_normal(learner.elements)
    inputs, labels = generator.standard_normal((2, 2, size, size)), generator.integers(0, 4, 2)
    shapes = [(kernel, kernel, 2, 3), (3,), (kernel, kernel, 3, 2), (2,)]
    a, b, c, d, e, f, g, h = take(weights, *shapes, (left * left * 2, 5), (5,), (5, 4), (4,))
    maps = halve(np.maximum(convolve(inputs.transpose(0, 2, 3, 1), a, b, padding), 0))
    maps = halve(np.maximum(convolve(maps, c, d, padding), 0))
    hidden = np.maximum(maps.reshape(2, -1) @ e + f, 0)
    expected = cross_entropy(hidden @ g + h, labels).mean()
    assert learner.gradient(weights, inputs, labels)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("layer", "variance"),
    [(Dense(200, 100), 1 / 200), (Dense(200, 100, gain=2.0), 2 / 200), (Convolution(20, 100, 3), 2 / 180)],
)
def test_weights_start_with_the_stated_variance_and_biases_at_zero(layer: Layer, variance: float) -> None:
    parameters = layer.initial(np.random.default_rng(0))
    weights, biases = parameters[:-100], parameters[-100:]
    # The variance of n normal numbers has a relative spread of √(2/n).
    assert weights.var() == pytest.approx(variance, rel=5 * (2 / len(weights)) ** 0.5)
    assert not biases.any()
