"""The two mathematical pieces of the kernel fits: the monotone envelope and the smooth correction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from simulator.cost.correction import NO_CORRECTION, Correction, fit_correction
from simulator.cost.envelope import monotone

tables = arrays.arrays(float, (4, 5, 3), elements=st.floats(-10, 10))


@given(table=tables, share=st.floats(0, 1))
def test_envelope_never_falls_along_any_axis(table: np.ndarray, share: float) -> None:
    result = monotone(table, share)
    assert all((np.diff(result, axis=axis) >= -1e-12).all() for axis in range(3))


@given(table=tables)
def test_envelope_encloses_the_table_and_keeps_what_is_monotone(table: np.ndarray) -> None:
    upper, lower = monotone(table, 1.0), monotone(table, 0.0)
    assert (upper >= table).all()
    assert (lower <= table).all()
    np.testing.assert_allclose(monotone(upper, 0.3), upper, rtol=0, atol=1e-12)


@given(table=tables)
def test_break_separates_segments(table: np.ndarray) -> None:
    result = monotone(table, 0.5, (2,), axis=1)
    np.testing.assert_array_equal(result[:, :2], monotone(table[:, :2], 0.5))
    np.testing.assert_array_equal(result[:, 2:], monotone(table[:, 2:], 0.5))


def _fitted(residuals: np.ndarray, spacing: float = 2.0) -> tuple[np.ndarray, Correction]:
    shapes = np.arange(len(residuals), dtype=float)[:, None] * spacing
    variants = np.zeros(len(residuals), dtype=np.int64)
    return shapes, fit_correction(
        shapes, variants, residuals, lengths=np.array([2.0]), spread=1.0, noise=0.05, kinship=0.5
    )


def test_correction_passes_near_the_data_and_dies_out_far_away() -> None:
    residuals = np.sin(np.arange(8.0) / 2) * 0.5
    shapes, correction = _fitted(residuals)
    np.testing.assert_allclose(correction(shapes), residuals, atol=0.05)
    assert abs(correction(np.array([[200.0]]))[0]) < 1e-6
    assert NO_CORRECTION(shapes).tolist() == [0.0] * 8


def test_other_variant_feels_only_its_kinship() -> None:
    shapes, correction = _fitted(np.full(8, 0.4))
    np.testing.assert_allclose(correction(shapes, 1), 0.5 * correction(shapes, 0))


def test_variants_together_are_what_each_is_alone() -> None:
    shapes, correction = _fitted(np.sin(np.arange(8.0)))
    for variant, together in enumerate(correction.of_variants(shapes, range(3))):
        np.testing.assert_array_equal(together, correction(shapes, variant))


@given(
    left=arrays.arrays(float, (5, 2), elements=st.floats(-20, 20)),
    right=arrays.arrays(float, (3, 2), elements=st.floats(-20, 20)),
)
def test_the_process_is_a_matern_of_one_and_a_half(left: np.ndarray, right: np.ndarray) -> None:
    """(1 + √3 r) exp(-√3 r), with r the distance of two shapes in lengths (Rasmussen and Williams, equation 4.17)."""
    weights = np.array([1.0, -2.0, 0.5])
    lengths = np.array([2.0, 0.5])
    correction = Correction(lengths, 1.0, right, np.zeros(3, dtype=np.int64), weights)
    distance = np.sqrt(3.0) * np.linalg.norm((left[:, None] - right) / lengths, axis=-1)
    expected = ((1.0 + distance) * np.exp(-distance)) @ weights
    np.testing.assert_allclose(correction(left), expected, rtol=1e-7, atol=1e-7)


def test_lone_outlier_does_not_drag_its_neighbours() -> None:
    residuals = np.zeros(15)
    residuals[7] = 2.0
    shapes, correction = _fitted(residuals, spacing=0.4)
    assert abs(correction(shapes[[6, 8]])).max() < 0.5
    assert correction(shapes[[7]])[0] < 1.0


@pytest.mark.parametrize("seed", range(3))
def test_correction_is_smooth(seed: int) -> None:
    _, correction = _fitted(np.random.default_rng(seed).normal(0, 0.3, 10))
    fine = correction(np.linspace(0, 20, 4001)[:, None])
    assert abs(np.diff(fine)).max() < 0.01
