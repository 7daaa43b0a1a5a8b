"""Averaging, gossip, AdamW and the outer step against their limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulator.algorithms.rules import Settings
from simulator.algorithms.rules_local import adamw_step, average, gossip_step, meet, outer_step

SETTINGS = Settings(learning_rate=0.1)
vectors = arrays(np.float64, 5, elements=st.floats(-10, 10))


@given(vectors, vectors)
def test_a_meeting_conserves_the_mean_of_the_two(one, other):
    half = meet(one, other, settings=SETTINGS)
    after = gossip_step(other, np.zeros(5), half, settings=SETTINGS)
    # Exact, but for halves of numbers too small to halve.
    np.testing.assert_allclose(half + after, one + other, rtol=1e-15, atol=1e-300)


@given(vectors, vectors, vectors, st.integers(1, 7))
def test_an_outer_step_of_rate_1_without_momentum_takes_the_mean(replica, start, velocity, workers):
    known = {"settings": SETTINGS, "contributions": workers}
    stepped, followed, _ = outer_step(replica, start, velocity, 3 * replica, rate=1.0, momentum=0.0, **known)
    np.testing.assert_array_equal(stepped, followed)
    np.testing.assert_allclose(stepped, average(replica, 3 * replica, **known), atol=1e-13)


def test_outer_momentum_is_nesterov_s():
    """Two steps by hand with Δ = 1, μ = 1/2, γ = 1: V = 1, S = -1.5; V = 1.5, S = -1.5 - 1.75."""
    start, velocity = np.zeros(1), np.zeros(1)
    for expected in (-1.5, -3.25):
        _, start, velocity = outer_step(
            start, start, velocity, start - 1.0, settings=SETTINGS, contributions=1, rate=1.0, momentum=0.5
        )
        assert start[0] == expected


@given(arrays(np.float64, 5, elements=st.floats(0.01, 100)))
def test_the_first_adam_step_has_the_length_of_the_learning_rate(gradient):
    zero = np.zeros(5)
    moved, _, _ = adamw_step(zero, zero, zero, gradient, settings=SETTINGS, count=1)
    np.testing.assert_allclose(moved, -0.1, rtol=1e-5)


def test_adam_against_a_plain_loop_and_its_decay_is_decoupled():
    generator = np.random.default_rng(0)
    weights, mean, square = np.array([1.0]), np.zeros(1), np.zeros(1)
    plain, first, second = 1.0, 0.0, 0.0
    for count in range(1, 6):
        gradient = generator.standard_normal(1)
        weights, mean, square = adamw_step(
            weights, mean, square, gradient, settings=SETTINGS, count=count, weight_decay=0.5
        )
        g = float(gradient[0])
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        step = first / (1 - 0.9**count) / ((second / (1 - 0.999**count)) ** 0.5 + 1e-8)
        plain = plain * (1 - 0.1 * 0.5) - 0.1 * step
        assert weights[0] == pytest.approx(plain, rel=1e-12)
