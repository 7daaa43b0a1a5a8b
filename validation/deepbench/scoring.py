"""Cross-validation of the kernel fits: every row is predicted by a fit that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.cost.rates import DeviceRates
from validation.deepbench.fitting import fit_convolution, fit_gemm, predict_convolution, predict_gemm
from validation.deepbench.reference import MeasuredConvolution, MeasuredGemm

__all__ = ["FOLDS", "Errors", "cross_validate_convolution", "cross_validate_gemm"]

FOLDS = 10
_SEED = 20261123
Row = TypeVar("Row", MeasuredGemm, MeasuredConvolution)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Held-out relative errors |predicted / measured − 1|, over single shapes and over shape families."""

    by_shape: Array
    by_family: Array

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
    rows: Sequence[MeasuredGemm], rates: DeviceRates, precision: str, narrow_columns: int = 0, folds: int = FOLDS
) -> Errors:
    """Held-out errors of `fit_gemm`; a family is all N and transposes of one M and K."""

    def predict(train: Sequence[MeasuredGemm], test: Sequence[MeasuredGemm]) -> Array:
        return predict_gemm(fit_gemm(train, rates, precision, narrow_columns), test, rates, precision)

    return Errors(
        _held_out(rows, [row.kernel for row in rows], predict, folds),
        _held_out(rows, [(row.kernel.m, row.kernel.k) for row in rows], predict, folds),
    )


def cross_validate_convolution(
    rows: Sequence[MeasuredConvolution], rates: DeviceRates, precision: str, folds: int = FOLDS
) -> Errors:
    """Held-out errors of `fit_convolution`; a family is all batches of one layer."""

    def predict(train: Sequence[MeasuredConvolution], test: Sequence[MeasuredConvolution]) -> Array:
        return predict_convolution(fit_convolution(train, rates, precision), test, rates, precision)

    from dataclasses import replace

    return Errors(
        _held_out(rows, [row.kernel for row in rows], predict, folds),
        _held_out(rows, [replace(row.kernel, batch=1) for row in rows], predict, folds),
    )


def _held_out(
    rows: Sequence[Row],
    groups: Sequence[Hashable],
    predict: Callable[[Sequence[Row], Sequence[Row]], Array],
    folds: int,
) -> Array:
    """Relative errors when the rows of a group are always held out together (so repeated shapes never leak)."""
    distinct = list(dict.fromkeys(groups))
    order = np.random.default_rng(_SEED).permutation(len(distinct))
    fold_of = {group: int(position) % folds for group, position in zip(distinct, order, strict=True)}
    errors = np.zeros(len(rows))
    for fold in range(folds):
        held = [index for index, group in enumerate(groups) if fold_of[group] == fold]
        kept = [index for index, group in enumerate(groups) if fold_of[group] != fold]
        if held:
            predicted = predict([rows[index] for index in kept], [rows[index] for index in held])
            errors[held] = np.abs(predicted / np.array([rows[index].seconds for index in held]) - 1.0)
    return errors
