"""Least squares on relative errors with no negative parameter, its standard errors, and errors on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from validation.deepbench.allreduce_rows import MeasuredAllReduce
from validation.deepbench.allreduce_systems import MeasuredSystem

__all__ = ["Fit", "Fitted", "fit", "held_out"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A parameter's value and standard error, in seconds or bytes per second.

    A time at its bound of 0, or a rate that no message was limited by, has no standard error (nan).
    """

    value: float
    error: float


@dataclass(frozen=True)
class Fit:
    """Parameters fitted to rows of one system.

    Attributes
    ----------
    solution : array, shape (parameters,)
        Seconds, and seconds per byte for rates.
    """

    system: MeasuredSystem
    solution: Array
    errors: Array

    @property
    def parameters(self) -> dict[str, Fitted]:
        """By name."""
        result = {}
        for parameter, value, error in zip(self.system.parameters, self.solution, self.errors, strict=True):
            if parameter.quantity == "rate":
                value, error = (1.0 / value, error / value**2) if value else (inf, float("nan"))
            result[parameter.name] = Fitted(float(value), float(error))
        return result

    def predict(self, rows: Sequence[MeasuredAllReduce]) -> Array:
        """Times [s] of rows."""
        known, matrix = _linear(self.system, rows)
        predicted: Array = known + matrix @ self.solution
        return predicted

    def relative_errors(self, rows: Sequence[MeasuredAllReduce]) -> Array:
        """Predicted / measured - 1, shape (rows,)."""
        return self.predict(rows) / np.array([row.seconds for row in rows]) - 1.0


def fit(system: MeasuredSystem, rows: Sequence[MeasuredAllReduce]) -> Fit:
    """The parameters of `system` that minimise the sum of squared relative errors on `rows`."""
    known, matrix = _linear(system, rows)
    seconds = np.array([row.seconds for row in rows])
    relative = matrix / seconds[:, None]
    scale = relative.max(axis=0)
    scale[scale == 0.0] = 1.0
    relative /= scale
    target = 1.0 - known / seconds
    solution, _ = nnls(relative, target)
    free = solution > 0.0
    errors = np.full(len(solution), np.nan)
    spread = float(np.sum((relative @ solution - target) ** 2)) / max(len(rows) - int(free.sum()), 1)
    covariance = spread * np.linalg.inv(relative[:, free].T @ relative[:, free])
    errors[free] = np.sqrt(np.diag(covariance))
    return Fit(system, solution / scale, errors / scale)


def held_out(
    system: MeasuredSystem,
    rows: Sequence[MeasuredAllReduce],
    group: Callable[[MeasuredAllReduce], Hashable],
) -> Array:
    """Relative errors of each row by a fit to the rows of the other groups, shape (rows,)."""
    errors = np.empty(len(rows))
    groups = [group(row) for row in rows]
    for held in dict.fromkeys(groups):
        outside = [row for row, name in zip(rows, groups, strict=True) if name != held]
        inside = [index for index, name in enumerate(groups) if name == held]
        errors[inside] = fit(system, outside).relative_errors([rows[index] for index in inside])
    return errors


def _linear(system: MeasuredSystem, rows: Sequence[MeasuredAllReduce]) -> tuple[Array, Array]:
    """Known seconds, shape (rows,), and coefficients, shape (rows, parameters)."""
    terms = [system.terms(row) for row in rows]
    names = [parameter.name for parameter in system.parameters]
    matrix = np.array([[term.coefficients[name] for name in names] for term in terms])
    return np.array([term.known for term in terms]), matrix
