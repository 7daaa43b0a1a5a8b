"""A smooth correction on top of a physical cost: what is left of the measured times, learned on log-shapes.

Libraries pick among hand-written kernels by rules no roofline knows. The logarithm of measured / physical time is
modelled as a Gaussian process (Rasmussen and Williams 2006, chapter 2) with a Matérn-3/2 kernel over base-2
logarithms of the shape, one length [octaves] an axis. Its mean goes to zero far from the measured shapes, so
extrapolation falls back to the physical model. Only the mean is kept: `anchors` (measured shapes) and `weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_CORRECTION", "Correction", "fit_correction"]

Array = NDArray[np.float64]
_ROUNDS = 6
_TOLERANCE = 1.5  # leave-one-out misses beyond this many standard deviations count as outliers


@dataclass(frozen=True, eq=False)
class Correction:
    """Mean of the fitted process.

    Attributes
    ----------
    lengths : array, shape (d,)
        Length scale of each axis [octaves].
    kinship : float
        Correlation between rows of different variants (transposes); 1 within a variant.
    anchors : array, shape (n, d)
        Base-2 logarithms of the measured shapes.
    variants : array, shape (n,)
        Variant of each anchor, a small whole number.
    weights : array, shape (n,)
        Contribution of each anchor, in natural-log units.
    """

    lengths: Array
    kinship: float
    anchors: Array
    variants: NDArray[np.int64]
    weights: Array

    def __call__(self, shapes: Array, variant: int = 0) -> Array:
        """Natural logarithm of the factor for `shapes` (m, d), given as base-2 logarithms; shape (m,)."""
        return self.of_variants(shapes, [variant])[0]

    def of_variants(self, shapes: Array, variants: Sequence[int]) -> list[Array]:
        """The same for several variants, each of shape (m,); how near shapes are to anchors is worked out once."""
        if not len(self.weights):
            return [np.zeros(len(shapes)) for _ in variants]
        kernel = _matern(shapes / self.lengths, self.anchors / self.lengths)
        return [(kernel * np.where(self.variants == each, 1.0, self.kinship)) @ self.weights for each in variants]


#: Factor one everywhere: the physical model as it is.
NO_CORRECTION = Correction(np.ones(1), 1.0, np.zeros((0, 1)), np.zeros(0, dtype=np.int64), np.zeros(0))


def fit_correction(
    shapes: Array,
    variants: NDArray[np.int64],
    residuals: Array,
    *,
    lengths: Array,
    spread: float,
    noise: float,
    kinship: float = 1.0,
) -> Correction:
    """Condition the process on measured residuals, trusting a row less the more its neighbours contradict it.

    Parameters
    ----------
    shapes : array, shape (n, d)
        Base-2 logarithms.
    residuals : array, shape (n,)
        Natural logarithm of measured / physical time.
    spread, noise : float
        Prior standard deviation of the correction and of the measurements, in natural-log units.
    """
    kernel = _matern(shapes / lengths, shapes / lengths)
    kernel *= np.where(variants[:, None] == variants, 1.0, kinship)
    variance = np.full(len(shapes), (noise / spread) ** 2)
    for _ in range(_ROUNDS):
        inverse = np.linalg.inv(kernel + np.diag(variance))
        # What leaving a row out would miss it by, in units of what it was expected to (Rasmussen and Williams, 5.4.2).
        surprise = np.abs(inverse @ residuals) / np.sqrt(np.diag(inverse)) / spread
        variance = (noise / spread) ** 2 * np.maximum(1.0, surprise / _TOLERANCE) ** 2
    weights = np.asarray(np.linalg.solve(kernel + np.diag(variance), residuals), dtype=np.float64)
    return Correction(lengths, kinship, shapes, variants, weights)


def _matern(left: Array, right: Array) -> Array:
    """(1 + d) exp(-d) of every pair of rows, with d the square root of three times their distance.

    In place as far as it goes: tables of products ask for millions of pairs at once.
    """
    distance: Array = (left**2).sum(1)[:, None] + (right**2).sum(1)
    distance -= 2.0 * left @ right.T
    np.maximum(distance, 0.0, out=distance)
    distance *= 3.0
    np.sqrt(distance, out=distance)
    decay = np.exp(-distance)
    distance += 1.0
    distance *= decay
    return distance
