"""Cross-validation of the kernel fits: every row is predicted by a fit that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.cost.fitting import fit_convolution, fit_gemm, predict_convolution, predict_gemm
from simulator.cost.rates import DeviceRates
from validation.deepbench.reference import MeasuredConvolution, MeasuredGemm

__all__ = ["FOLDS", "Errors", "cross_validate_convolution", "cross_validate_gemm"]

FOLDS = 10
REPEATS = 3  # with different folds, pooled, so that the numbers do not hang on one lucky split
_SEED = 20261123
Row = TypeVar("Row", MeasuredGemm, MeasuredConvolution)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Held-out predictions over measurements, when single shapes and when whole shape families are held out.

    Attributes
    ----------
    ratios_by_shape, ratios_by_family : array, shape (repeats, rows)
        Predicted / measured.
    """

    ratios_by_shape: Array
    ratios_by_family: Array

    @property
    def by_shape(self) -> Array:
        """Absolute relative errors of all repeats, shape (repeats · rows,)."""
        return np.abs(self.ratios_by_shape - 1.0).ravel()

    @property
    def by_family(self) -> Array:
        """The same with whole families held out."""
        return np.abs(self.ratios_by_family - 1.0).ravel()

    @property
    def typical_ratio(self) -> Array:
        """Of each row, the median of its held-out predictions over the measurement, shape (rows,)."""
        return np.asarray(np.median(self.ratios_by_shape, axis=0), dtype=np.float64)

    @property
    def median(self) -> float:
        """Median when single shapes are held out."""
        return float(np.median(self.by_shape))

    @property
    def p90(self) -> float:
        """90th percentile when single shapes are held out."""
        return float(np.quantile(self.by_shape, 0.9))

    @property
    def family_median(self) -> float:
        """Median when whole families are held out."""
        return float(np.median(self.by_family))

    @property
    def family_p90(self) -> float:
        """90th percentile when whole families are held out."""
        return float(np.quantile(self.by_family, 0.9))


def cross_validate_gemm(
    rows: Sequence[MeasuredGemm],
    rates: DeviceRates,
    precision: str,
    narrow_columns: int = 0,
    folds: int = FOLDS,
    repeats: int = REPEATS,
) -> Errors:
    """Held-out errors of `fit_gemm`; a family is all N and transposes of one M and K."""

    def predict(train: Sequence[MeasuredGemm], test: Sequence[MeasuredGemm]) -> Array:
        return predict_gemm(fit_gemm(train, rates, precision, narrow_columns), test, rates, precision)

    return Errors(
        _held_out(rows, [row.kernel for row in rows], predict, folds, repeats),
        _held_out(rows, [(row.kernel.m, row.kernel.k) for row in rows], predict, folds, repeats),
    )


def cross_validate_convolution(
    rows: Sequence[MeasuredConvolution], rates: DeviceRates, precision: str, folds: int = FOLDS, repeats: int = REPEATS
) -> Errors:
    """Held-out errors of `fit_convolution`; a family is all batches of one layer."""

    def predict(train: Sequence[MeasuredConvolution], test: Sequence[MeasuredConvolution]) -> Array:
        return predict_convolution(fit_convolution(train, rates, precision), test, rates, precision)

    return Errors(
        _held_out(rows, [row.kernel for row in rows], predict, folds, repeats),
        _held_out(rows, [replace(row.kernel, batch=1) for row in rows], predict, folds, repeats),
    )


def _held_out(
    rows: Sequence[Row],
    groups: Sequence[Hashable],
    predict: Callable[[Sequence[Row], Sequence[Row]], Array],
    folds: int,
    repeats: int,
) -> Array:
    """Predicted / measured when the rows of a group are always held out together (so repeated shapes never leak)."""
    distinct = list(dict.fromkeys(groups))
    ratios = np.zeros((repeats, len(rows)))
    for repeat in range(repeats):
        order = np.random.default_rng((_SEED, repeat)).permutation(len(distinct))
        fold_of = {group: int(position) % folds for group, position in zip(distinct, order, strict=True)}
        for fold in range(folds):
            held = [index for index, group in enumerate(groups) if fold_of[group] == fold]
            kept = [index for index, group in enumerate(groups) if fold_of[group] != fold]
            if held:
                predicted = predict([rows[index] for index in kept], [rows[index] for index in held])
                measured = np.array([rows[index].seconds for index in held])
                ratios[repeat, held] = predicted / measured
    return ratios
