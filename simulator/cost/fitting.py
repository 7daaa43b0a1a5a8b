"""Fitting the kernel models to measured rows: weights by non-negative least squares, then the correction.

Every function is deterministic and knows nothing of files, so that cross-validation calls exactly what the published
fit calls, on fewer rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from simulator.cost.convolution import ConvolutionFit, convolution_features, convolution_terms, convolution_time
from simulator.cost.correction import fit_correction
from simulator.cost.gemm import VARIANTS, GemmFit, gemm_terms, gemm_time
from simulator.cost.rates import DeviceRates
from simulator.workload.kernels import Convolution, Gemm

__all__ = [
    "MeasuredConvolution",
    "MeasuredGemm",
    "Prior",
    "fit_convolution",
    "fit_gemm",
    "predict_convolution",
    "predict_gemm",
]

Array = NDArray[np.float64]


class MeasuredGemm(Protocol):
    """A product and how long it took [s]."""

    @property
    def kernel(self) -> Gemm:
        """The product."""
        ...

    @property
    def seconds(self) -> float:
        """Its time [s]."""
        ...


class MeasuredConvolution(Protocol):
    """One pass of a convolution and how long it took [s]."""

    @property
    def kernel(self) -> Convolution:
        """The pass."""
        ...

    @property
    def seconds(self) -> float:
        """Its time [s]."""
        ...


@dataclass(frozen=True)
class Prior:
    """What is assumed of a correction before seeing data; the same for every device, chosen once from a dozen settings.

    `lengths` in octaves an axis, `spread` and `noise` in natural-log units.
    """

    lengths: tuple[float, ...]
    spread: float
    noise: float
    kinship: float = 1.0


GEMM_PRIOR = Prior(lengths=(4.0, 2.0, 4.0), spread=0.8, noise=0.06, kinship=0.5)
CONVOLUTION_PRIOR = Prior(lengths=(5.0, 4.0, 4.0, 4.0, 3.0, 2.0), spread=0.6, noise=0.07)


def fit_gemm(rows: Sequence[MeasuredGemm], rates: DeviceRates, precision: str, narrow_columns: int = 0) -> GemmFit:
    """Weights and correction for one device and precision."""
    shapes = np.array([(row.kernel.m, row.kernel.n, row.kernel.k) for row in rows], dtype=float)
    names = [VARIANTS[(row.kernel.transpose_a, row.kernel.transpose_b)] for row in rows]
    seconds = np.array([row.seconds for row in rows])
    terms = gemm_terms(shapes[:, 0], shapes[:, 1], shapes[:, 2], rates, precision)
    columns = dict(terms)
    for variant in ("tn", "nt"):
        mask = np.array([name == variant for name in names], dtype=float)
        columns |= {f"{variant}.{name}": mask * values for name, values in terms.items() if name != "launch"}
    weights = _non_negative(columns, seconds)
    fit = GemmFit(weights)
    physical = np.array(
        [fit.physical(shape[None], name, rates, precision)[0] for shape, name in zip(shapes, names, strict=True)]
    )
    prior = GEMM_PRIOR
    correction = fit_correction(
        np.log2(shapes),
        np.array([list(VARIANTS.values()).index(name) for name in names]),
        np.log(seconds / physical),
        lengths=np.array(prior.lengths),
        spread=prior.spread,
        noise=prior.noise,
        kinship=prior.kinship,
    )
    return GemmFit(weights, correction, narrow_columns=narrow_columns)


def predict_gemm(fit: GemmFit, rows: Sequence[MeasuredGemm], rates: DeviceRates, precision: str) -> Array:
    """Predicted times [s] of `rows`."""
    tables = {variant: fit.table(variant, rates, precision) for variant in {_variant(row) for row in rows}}
    return np.array([gemm_time(row.kernel, tables[_variant(row)]) for row in rows])


def _variant(row: MeasuredGemm) -> tuple[bool, bool]:
    return (row.kernel.transpose_a, row.kernel.transpose_b)


def fit_convolution(
    rows: Sequence[MeasuredConvolution], rates: DeviceRates, precision: str, transforms: bool = True
) -> ConvolutionFit:
    """Weights and correction for one device, precision and pass; `transforms` says whether its library knows any."""
    seconds = np.array([row.seconds for row in rows])
    batches = [np.array([float(row.kernel.batch)]) for row in rows]
    terms = [convolution_terms(row.kernel, batch, rates, precision) for row, batch in zip(rows, batches, strict=True)]
    fast = np.array([transforms and "fast.arithmetic" in term for term in terms])
    direct_names = [name for name in terms[0] if not name.startswith("fast.")]
    fast_names = sorted({name for term in terms for name in term if name.startswith("fast.")})
    takes_fast = fast.copy()
    for _ in range(4):
        weights = _on_rows(terms, direct_names, seconds, ~takes_fast)
        if takes_fast.sum() >= 5:
            weights |= _on_rows(terms, fast_names, seconds, takes_fast)
        direct = _total(terms, weights, direct_names)
        winograd = _total(terms, weights, fast_names)
        nearer = np.abs(np.log(np.maximum(winograd, 1e-12) / seconds)) < np.abs(np.log(direct / seconds))
        takes_fast = fast & nearer
    fit = ConvolutionFit(weights)
    physical = np.array(
        [fit.physical(row.kernel, batch, rates, precision)[0] for row, batch in zip(rows, batches, strict=True)]
    )
    prior = CONVOLUTION_PRIOR
    features = np.vstack([convolution_features(row.kernel, batch) for row, batch in zip(rows, batches, strict=True)])
    correction = fit_correction(
        features,
        np.zeros(len(rows), dtype=np.int64),
        np.log(seconds / physical),
        lengths=np.array(prior.lengths),
        spread=prior.spread,
        noise=prior.noise,
    )
    return ConvolutionFit(weights, correction)


def predict_convolution(
    fit: ConvolutionFit, rows: Sequence[MeasuredConvolution], rates: DeviceRates, precision: str
) -> Array:
    """Predicted times [s] of `rows`."""
    return np.array([convolution_time(row.kernel, fit, rates, precision) for row in rows])


def _on_rows(
    terms: list[dict[str, Array]], names: list[str], seconds: Array, mask: NDArray[np.bool_]
) -> dict[str, float]:
    chosen = [term for term, taken in zip(terms, mask, strict=True) if taken]
    return _non_negative({name: np.array([term[name][0] for term in chosen]) for name in names}, seconds[mask])


def _total(terms: list[dict[str, Array]], weights: dict[str, float], names: list[str]) -> Array:
    return np.array(
        [sum(weights.get(name, 0.0) * float(term[name][0]) for name in names if name in term) for term in terms]
    )


def _non_negative(columns: dict[str, Array], seconds: Array, ridge: float = 1e-3) -> dict[str, float]:
    """Weights >= 0 that make the columns sum to the times, in relative error, robustly; a launch weighs exactly one.

    The launch is pinned because the smallest measured kernels are long serial sums, and would pass for a slow launch.
    Iteratively re-weighted towards the least sum of absolute relative errors, so that a few rows where the library
    misbehaves do not bend the rest; the small ridge spreads weight over equivalent columns.
    """
    launches = {name: values for name, values in columns.items() if name.endswith("launch")}
    columns = {name: values for name, values in columns.items() if name not in launches}
    target = 1.0 - sum(launches.values(), np.zeros(len(seconds))) / seconds
    matrix = np.column_stack(list(columns.values())) / seconds[:, None]
    scale = matrix.mean(axis=0)
    scale[scale == 0.0] = np.inf
    matrix = matrix / scale
    importance = np.ones(len(seconds))
    solution = np.zeros(matrix.shape[1])
    for _ in range(8):
        left = np.vstack([matrix * importance[:, None], np.sqrt(ridge) * np.eye(matrix.shape[1])])
        solution, _ = nnls(left, np.concatenate([importance * target, np.zeros(matrix.shape[1])]))
        miss = np.abs(np.log(np.maximum(matrix @ solution + 1.0 - target, 1e-9)))
        importance = 1.0 / np.sqrt(np.maximum(miss, 0.05))
        importance /= importance.mean()
    weights = {name: float(weight) for name, weight in zip(columns, solution / scale, strict=True) if weight > 0.0}
    return dict.fromkeys(launches, 1.0) | weights
