"""Compressed gradients: what is sent and what is held back make up the whole; errors stay within their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulator.algorithms import rules_compression as compression
from simulator.algorithms.rules import Settings

SETTINGS = Settings(learning_rate=0.1)
numbers = st.floats(-100, 100, allow_subnormal=False)
pairs = st.integers(1, 40).flatmap(
    lambda n: st.tuples(arrays(np.float64, n, elements=numbers), arrays(np.float64, n, elements=numbers))
)


@given(pairs, st.floats(0.01, 1.0))
def test_top_k_sends_the_largest_and_holds_back_the_rest(pair, fraction):
    residual, gradient = pair
    held, message = compression.keep_largest(residual, gradient, settings=SETTINGS, fraction=fraction)
    sent = compression.scatter(message, settings=SETTINGS, workers=1, numbers=len(gradient))
    np.testing.assert_array_equal(sent + held, residual + gradient)
    assert len(message) == 2 * compression.kept(len(gradient), fraction)
    assert np.max(np.abs(held)) <= np.min(np.abs(message[: len(message) // 2]))


@given(pairs)
def test_top_k_of_all_is_the_gradient_itself(pair):
    residual, gradient = pair
    held, message = compression.keep_largest(residual, gradient, settings=SETTINGS, fraction=1.0)
    assert not held.any()
    sent = compression.scatter(message, settings=SETTINGS, workers=1, numbers=len(gradient))
    np.testing.assert_array_equal(sent, residual + gradient)


@given(pairs, st.integers(1, 50))
def test_8_bits_err_by_half_a_quantum_at_most_and_hold_the_error_back(pair, block):
    residual, gradient = pair
    held, message = compression.quantise(residual, gradient, settings=SETTINGS, block=block)
    size = len(gradient)
    codes, quanta = message[:size].view(np.int8).astype(int), message[size:].view(np.float32).astype(float)
    assert message.nbytes == size + 4 * compression.scales(size, block)
    assert np.max(np.abs(codes)) <= 127
    assert len(quanta) == compression.scales(size, block)
    bound = np.repeat(quanta, block)[:size] / 2
    assert np.all(np.abs(held) <= bound * (1 + 1e-9) + 1e-12)
    sent = compression.dequantise(message, settings=SETTINGS, workers=1, numbers=size, block=block)
    np.testing.assert_allclose(sent + held, residual + gradient, rtol=1e-13, atol=1e-13)


def low_rank_step(residuals, gradients, right, layout, rank, **more):
    """One step of all workers: the residuals after it, the sum they agree on, the next right factors."""
    known = {"settings": SETTINGS, "layout": layout, "rank": rank}
    pairs = [compression.left_factor(e, g, right, **known) for e, g in zip(residuals, gradients, strict=True)]
    wanted = [pair[0] for pair in pairs]
    left = sum(pair[1] for pair in pairs)
    right = sum(compression.right_factor(m, left, **known) for m in wanted)
    decoded = [
        compression.low_rank_gradient(m, left, right, contributions=len(wanted), **known, **more) for m in wanted
    ]
    return [pair[0] for pair in decoded], decoded[0][1], right


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1000))
def test_low_rank_loses_nothing_over_all_workers(workers, rank, seed):
    layout, generator = (30, 1, 7, 0, 12), np.random.default_rng(seed)
    gradients, residuals = generator.standard_normal((2, workers, sum(layout)))
    right = compression.start_right(sum(layout), layout, rank, generator)
    held, total, _ = low_rank_step(residuals, gradients, right, layout, rank)
    np.testing.assert_allclose(total + np.sum(held, axis=0), (gradients + residuals).sum(axis=0), atol=1e-12)


def test_factors_of_full_rank_are_exact_and_of_rank_one_find_a_matrix_of_rank_one():
    generator = np.random.default_rng(3)
    right = compression.start_right(36, (36,), 6, generator)
    gradient, zero = generator.standard_normal(36), np.zeros(36)
    held, total, _ = low_rank_step([zero], [gradient], right, (36,), 6)
    np.testing.assert_allclose(total, gradient, atol=1e-12)
    np.testing.assert_allclose(held[0], 0, atol=1e-12)
    one = np.outer(generator.standard_normal(6), generator.standard_normal(6)).reshape(-1)
    _, total, _ = low_rank_step([zero], [one], right[:6], (36,), 1)
    np.testing.assert_allclose(total, one, atol=1e-12)


def test_warm_start_approaches_the_best_approximation():
    """With the same matrix every step and no feedback this is power iteration: it ends at the leading singular pair."""
    generator = np.random.default_rng(4)
    matrix = generator.standard_normal((8, 8)) + 3 * np.outer(
        generator.standard_normal(8), generator.standard_normal(8)
    )
    right, zero = compression.start_right(64, (64,), 1, generator), np.zeros(64)
    errors = []
    for _ in range(30):
        _, total, right = low_rank_step([zero], [matrix.reshape(-1)], right, (64,), 1, feedback=False)
        errors.append(np.linalg.norm(matrix.reshape(-1) - total))
    best = np.sqrt(np.sum(np.linalg.svd(matrix, compute_uv=False)[1:] ** 2))
    assert errors[-1] == pytest.approx(best, rel=1e-6)
    assert errors[0] > errors[-1]


@given(st.integers(1, 10**7), st.integers(1, 8))
def test_factors_hold_every_layer_and_are_smaller_than_it(elements, rank):
    left, right = compression.factor_elements((elements,), rank)
    inner = min(rank, *(int(np.ceil(np.sqrt(elements))),))
    assert left * right >= elements * min(rank, 1)
    assert left + right <= 2 * inner * (np.sqrt(elements) + 1)


def test_without_feedback_nothing_is_held_back():
    generator = np.random.default_rng(5)
    zero, gradient = np.zeros(20), generator.standard_normal(20)
    known = {"settings": SETTINGS, "feedback": False}
    assert not compression.keep_largest(zero, gradient, fraction=0.1, **known)[0].any()
    assert not compression.quantise(zero, gradient, block=8, **known)[0].any()
    right = compression.start_right(20, (20,), 1, generator)
    assert not low_rank_step([zero], [gradient], right, (20,), 1, feedback=False)[0][0].any()
