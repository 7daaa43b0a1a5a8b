"""The update rules against the paper's equations and their limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulator.algorithms.rules import Settings, elastic_centre, elastic_worker, gradient_step

vectors = arrays(np.float64, 5, elements=st.floats(-10, 10))


@given(vectors, vectors, vectors)
def test_without_elasticity_a_worker_is_plain_sgd_and_the_centre_stays(replica, gradient, centre):
    settings = Settings(learning_rate=0.1, elasticity=0.0)
    np.testing.assert_array_equal(
        elastic_worker(replica, gradient, centre, settings=settings), replica - 0.1 * gradient
    )
    np.testing.assert_array_equal(elastic_centre(centre, replica, settings=settings), centre)


@given(vectors, vectors, st.integers(1, 8))
def test_a_worker_at_the_centre_is_not_pulled_and_does_not_pull(centre, gradient, workers):
    settings = Settings(learning_rate=0.1, elasticity=0.5)
    np.testing.assert_allclose(elastic_worker(centre, gradient, centre, settings=settings), centre - 0.1 * gradient)
    unmoved = elastic_centre(centre, workers * centre, settings=settings, contributions=workers)
    np.testing.assert_allclose(unmoved, centre, atol=1e-12)


@given(vectors, vectors)
def test_what_a_worker_is_pulled_the_centre_is_pulled_the_other_way(replica, centre):
    """Elastic forces are equal and opposite: W + C is conserved when there is no gradient."""
    settings = Settings(learning_rate=0.1, elasticity=0.5)
    after = elastic_worker(replica, np.zeros(5), centre, settings=settings) + elastic_centre(
        centre, replica, settings=settings
    )
    np.testing.assert_allclose(after, replica + centre, atol=1e-12)


def test_the_summed_gradient_of_p_workers_counts_as_their_mean():
    weights, gradient = np.array([1.0, 2.0]), np.array([4.0, 8.0])
    moved = gradient_step(weights, 4 * gradient, settings=Settings(learning_rate=0.5), contributions=4)
    assert moved == pytest.approx(weights - 0.5 * gradient)
