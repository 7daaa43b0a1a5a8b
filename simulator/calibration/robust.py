"""Least squares that a few wrong measurements cannot bend, from several starting points.

Residuals are logarithms of predicted over measured, in units of how well the measured is known. Logarithms, because a
model is wrong by a share of what it predicts, whether that is microseconds or minutes, and because too long and too
short then count alike. The loss is soft-L1, 2 F² (√(1 + (z / F)²) − 1) (Charbonnier and others 1997, IEEE Trans. Image
Processing 6(2)): the square for small z, the absolute value for large ones, so that a measurement that is 30 % off
where others are 1 % off pulls no harder than one that is 3 % off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import qmc

__all__ = ["EFFICIENCY", "LOSS", "SPREAD", "Solution", "minimise", "starting_points", "weights"]

LOSS = "soft-L1 of log(predicted / measured)"
#: F: where the loss turns from square to absolute, in standard errors.
_TURN = 2.0
#: Costs that differ relatively by less are the same minimum.
_SAME = 1e-3


def _of_normal(function: Callable[[Any], Any]) -> float:
    """Expectation of a function of a standard normal."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(80)
    return float(np.sum(shares * function(nodes)) / np.sqrt(2.0 * np.pi))


#: By how much the variance of estimates exceeds that of least squares where errors are normal: E[ψ²] / E[ψ']², with
#: ψ = z / √(1 + (z / F)²), the derivative of the loss (Huber 1981, *Robust Statistics*, section 7.6).
EFFICIENCY = (
    _of_normal(lambda z: z**2 / (1 + (z / _TURN) ** 2)) / _of_normal(lambda z: (1 + (z / _TURN) ** 2) ** -1.5) ** 2
)
#: What `weights` leave of the mean square of a standard normal.
SPREAD = _of_normal(lambda z: z**2 / np.sqrt(1 + (z / _TURN) ** 2))


def weights(residuals: Any) -> Any:
    """How much each residual counts beside one that is zero."""
    return 1.0 / np.sqrt(1.0 + (residuals / _TURN) ** 2)


@dataclass(frozen=True)
class Solution:
    """The best of several fits: the vector, its cost, and how many of the fits ended there."""

    vector: Any
    cost: float
    starts: int
    agreeing: int


def starting_points(start: Any, lower: Any, upper: Any, spans: Any, count: int, seed: int) -> Any:
    """Where fits begin: at `start`, and at `count` − 1 points around it, shape (count, n).

    Factors (those whose `spans` entry is zero) between a quarter and four times the start; seconds from nothing to the
    typical time that they are a part of, which `spans` gives, and evenly in their logarithm over four decades below it.
    A scrambled Sobol sequence covers that evenly.
    """
    points = [start]
    if count > 1 and len(start):
        sampler = qmc.Sobol(len(start), seed=seed)
        unit = sampler.random_base2(int(np.ceil(np.log2(count - 1))))[: count - 1]
        factors = start * 4.0 ** (2.0 * unit - 1.0)
        seconds = spans * 10.0 ** (4.0 * (unit - 1.0))
        points.extend(np.clip(np.where(spans > 0.0, seconds, factors), lower, upper))
    return np.array(points)


def minimise(
    residuals: Callable[[Any], Any], jacobian: Callable[[Any], Any] | None, points: Any, lower: Any, upper: Any
) -> Solution:
    """The vector within bounds that minimises the loss, the best of fits from all `points`.

    Parameters
    ----------
    residuals : callable
        ``(n,) -> (m,)``, in standard errors.
    jacobian : callable or None
        ``(n,) -> (m, n)``; by finite differences if None.
    points : ndarray, shape (starts, n)
    lower, upper : ndarray, shape (n,)
    """
    found = []
    for point in points:
        inside = np.clip(point, lower + 1e-12 * (upper - lower), upper - 1e-12 * (upper - lower))
        result = least_squares(
            residuals,
            inside,
            jac="2-point" if jacobian is None else jacobian,
            bounds=(lower, upper),
            loss="soft_l1",
            f_scale=_TURN,
            x_scale="jac",
            xtol=1e-8,
            ftol=1e-8,
            gtol=1e-8,
            max_nfev=100,
        )
        found.append((float(result.cost), result.x))
    best_cost, best = min(found, key=lambda item: item[0])
    agreeing = sum(cost <= best_cost * (1.0 + _SAME) + 1e-9 for cost, _ in found)
    return Solution(_at_bounds(best, lower, upper), best_cost, len(found), agreeing)


def _at_bounds(vector: Any, lower: Any, upper: Any) -> Any:
    """The solver stays a hair inside its bounds; what is that near is at the bound."""
    near = 1e-9 * np.maximum(np.abs(upper), 1.0) * 1e-3
    vector = np.where(vector - lower <= near, lower, vector)
    return np.where(upper - vector <= near, upper, vector)
