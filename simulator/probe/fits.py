"""Kernel models from timed kernels, with their errors on times that the fit has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from simulator.cost.convolution import ConvolutionFit
from simulator.cost.fitting import fit_convolution, fit_gemm, predict_convolution, predict_gemm
from simulator.cost.gemm import GemmFit
from simulator.cost.rates import DeviceRates
from simulator.probe.convolutions import TimedConvolution
from simulator.probe.products import TimedGemm
from simulator.workload.kernels import Pass

__all__ = ["PRECISION", "Fit", "KernelFits", "fit_kernels"]

PRECISION = "fp64"  #: of the learners

Row = TypeVar("Row", TimedGemm, TimedConvolution)
Model = TypeVar("Model", GemmFit, ConvolutionFit)


@dataclass(frozen=True)
class Fit:
    """A fit, and how far it is off on rows that were left out of it.

    Attributes
    ----------
    model : GemmFit or ConvolutionFit
    rows : int
        Times that it was fitted to.
    median, p90 : float
        Of the absolute relative errors, every row being left out once.
    """

    model: Any
    rows: int
    median: float
    p90: float

    def errors(self) -> dict[str, float]:
        """As kernel documents have them; the shapes left out are all the families there are."""
        return {
            "rows": self.rows,
            "median": self.median,
            "p90": self.p90,
            "family_median": self.median,
            "family_p90": self.p90,
        }


@dataclass(frozen=True)
class KernelFits:
    """Fits of products, and of the passes of convolutions."""

    gemm: Fit
    convolution: Mapping[Pass, Fit]


def fit_kernels(
    gemms: Sequence[TimedGemm],
    convolutions: Mapping[Pass, Sequence[TimedConvolution]],
    rates: DeviceRates,
    folds: int = 4,
) -> KernelFits:
    """Fit all, to the rates of one core; errors are those of rows left out in so many parts."""
    return KernelFits(
        _fit(gemms, rates, folds, fit_gemm, predict_gemm),
        {
            direction: _fit(rows, rates, folds, _fit_direct, predict_convolution)
            for direction, rows in convolutions.items()
        },
    )


def _fit_direct(rows: Sequence[TimedConvolution], rates: DeviceRates, precision: str) -> ConvolutionFit:
    """The learners' layers multiply matrices, and know neither Winograd's transform nor Fourier's."""
    return fit_convolution(rows, rates, precision, transforms=False)


def _fit(
    rows: Sequence[Row],
    rates: DeviceRates,
    folds: int,
    fit: Callable[[Sequence[Row], DeviceRates, str], Model],
    predict: Callable[[Model, Sequence[Row], DeviceRates, str], Any],
) -> Fit:
    errors: list[float] = []
    for fold in range(folds):
        held_out = list(rows[fold::folds])
        kept = [row for place, row in enumerate(rows) if place % folds != fold]
        if not held_out or not kept:
            continue
        predicted = predict(fit(kept, rates, PRECISION), held_out, rates, PRECISION)
        errors += np.abs(predicted / np.array([row.seconds for row in held_out]) - 1.0).tolist()
    return Fit(fit(rows, rates, PRECISION), len(rows), float(np.median(errors)), float(np.quantile(errors, 0.9)))
