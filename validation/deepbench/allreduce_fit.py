"""Least squares on relative errors with no negative parameter, its standard errors, and errors on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from validation.deepbench.allreduce_rows import MeasuredAllReduce
from validation.deepbench.allreduce_systems import Machine, Parameter

__all__ = ["Equations", "Fit", "Fitted", "fit", "held_out"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Equations:
    """Rows of one system as linear equations: known + matrix @ solution = seconds.

    Attributes
    ----------
    known, seconds : array, shape (rows,)
        [s]
    matrix : array, shape (rows, parameters)
        Coefficients of times, and bytes for the inverse of rates.
    """

    known: Array
    matrix: Array
    seconds: Array

    @classmethod
    def of(cls, machine: Machine, rows: Sequence[MeasuredAllReduce]) -> Equations:
        """The equations of `rows`."""
        terms = [machine.terms(row) for row in rows]
        names = [parameter.name for parameter in machine.measured.parameters]
        matrix = np.array([[term.coefficients[name] for name in names] for term in terms])
        return cls(
            np.array([term.known for term in terms]),
            matrix.reshape(len(rows), len(names)),
            np.array([row.seconds for row in rows]),
        )

    def part(self, chosen: Sequence[int]) -> Equations:
        """Those at the indices `chosen`."""
        index = np.array(chosen, dtype=np.intp)
        return Equations(self.known[index], self.matrix[index], self.seconds[index])

    def relative_errors(self, solution: Array) -> Array:
        """Predicted / measured - 1, shape (rows,)."""
        return np.asarray((self.known + self.matrix @ solution) / self.seconds - 1.0, dtype=np.float64)


@dataclass(frozen=True)
class Fitted:
    """A parameter and its standard error, in seconds or bytes per second.

    There is no standard error (nan) for a time at its bound of 0, or for a rate that no row is limited by.
    """

    parameter: Parameter
    value: float
    error: float


@dataclass(frozen=True)
class Fit:
    """Least-squares solution: seconds, and seconds per byte for rates; shape (parameters,) both."""

    solution: Array
    errors: Array

    def parameters(self, machine: Machine) -> list[Fitted]:
        """What it means for the parameters of the system, rates the right way up."""
        result = []
        for parameter, value, error in zip(machine.measured.parameters, self.solution, self.errors, strict=True):
            if parameter.quantity == "rate":
                value, error = (1.0 / value, error / value**2) if value else (inf, nan)
            result.append(Fitted(parameter, float(value), float(error)))
        return result


def fit(equations: Equations) -> Fit:
    """The solution without negative parameters that minimises the sum of squared relative errors."""
    relative = equations.matrix / equations.seconds[:, None]
    scale = relative.max(axis=0)
    scale[scale == 0.0] = 1.0
    relative = relative / scale
    target = 1.0 - equations.known / equations.seconds
    solution, _ = nnls(relative, target)
    free = solution > 0.0
    freedom = max(len(target) - int(free.sum()), 1)
    variance = float(np.sum((relative @ solution - target) ** 2)) / freedom
    errors = np.full(len(solution), nan)
    errors[free] = np.sqrt(variance * np.diag(np.linalg.inv(relative[:, free].T @ relative[:, free])))
    return Fit(solution / scale, errors / scale)


def held_out(
    machine: Machine, rows: Sequence[MeasuredAllReduce], group: Callable[[MeasuredAllReduce], Hashable]
) -> Array:
    """Relative errors of each row by a fit to the rows of the other groups, shape (rows,)."""
    equations = Equations.of(machine, rows)
    groups = [group(row) for row in rows]
    errors = np.empty(len(rows))
    for held in dict.fromkeys(groups):
        outside = [index for index, name in enumerate(groups) if name != held]
        inside = [index for index, name in enumerate(groups) if name == held]
        errors[inside] = equations.part(inside).relative_errors(fit(equations.part(outside)).solution)
    return errors
