"""Fitting parameters to observed times: values, standard errors, what the data cannot tell, how far the model is off.

An observed mean differs from its prediction for two reasons: noise, whose size the spread of the single measurements
tells, and the model's own error, which more measurements do not reduce. The second is estimated together with the
parameters, one relative size τ for each part of the breakdown: the one with which the residuals are as large as they
should be (Paule and Mandel 1982, J. Res. NBS 87(5), in its robust form). Each observation then counts by its noise and
τ together, so that thousands of measurements of one operation do not outvote a few of another; τ is what predictions
carry on as residual scatter.

Standard errors are those of an M-estimator at the solution, from the Jacobian and the errors above. They rest on the
model's errors being independent between observations.

A parameter is not identified when no observation depends on it, when its effect is that of others together (a singular
direction of the Jacobian), or when its error is as large as what it would explain. It then keeps its start value and
the others are fitted again. Of several that cannot be told apart, the one goes without which the others fit best; where
that is no matter, a rate stays rather than an overhead, and that rather than a fixed part or a latency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.optimize import brentq

from simulator.calibration.parameters import parameter_kind
from simulator.calibration.robust import EFFICIENCY, SPREAD, Solution, minimise, starting_points, weights

__all__ = ["Estimate", "Fit", "Observation", "Predictions", "fit"]

#: Columns of the Jacobian this near to a combination of others, relatively, are the same.
_SINGULAR = 1e-6
#: Nothing is known better than this, relatively; and an error that nothing tells is taken to be so large.
_LEAST_ERROR, _UNKNOWN = 1e-6, 0.05
#: The relative error of everything in the first fit, before anything is known of how large it is.
_ROUGH = 0.02
#: A parameter's share in a singular direction from which it is a part of it.
_PART = 0.05
#: The largest relative error of a prediction that is plausible for a model [1].
_LARGEST_SCATTER = 10.0
_ROUNDS = 12
#: Costs within this of each other are no reason to prefer one fit: half the log of a ratio of likelihoods.
_NO_WORSE = 1.0
#: A share, such as a slowdown, that is smaller than this need not be known to a share of itself.
_FACTOR = 1.0


class Observation(Protocol):
    """What a fit must know of one observed time: the part it belongs to, seconds, and its relative error."""

    @property
    def category(self) -> str:
        """The part of the breakdown."""
        ...

    @property
    def seconds(self) -> float:
        """Measured [s]."""
        ...

    @property
    def error(self) -> float:
        """Standard error of the measured, relative to it; NaN if unknown."""
        ...

    @property
    def count(self) -> int:
        """Measurements behind it."""
        ...


class Predictions(Protocol):
    """What the model says of all observations, for a vector of parameters."""

    def times(self, vector: Any) -> Any:
        """Seconds, shape (m,)."""
        ...

    def jacobian(self, vector: Any) -> Any:
        """Derivatives of the seconds, shape (m, n)."""
        ...


@dataclass(frozen=True)
class Estimate:
    """What a fit says of one parameter; see `simulator.calibration.overlay.FittedParameter`."""

    name: str
    value: float
    std: float | None
    start: float
    at_bound: bool
    identified: bool
    reason: str = ""


@dataclass(frozen=True)
class Fit:
    """The result of a fit.

    Attributes
    ----------
    estimates : tuple of Estimate
        In the order in which the parameters were given.
    names : tuple of str
        The identified ones, in the order of `correlation`, shape (k, k).
    scatter : mapping
        τ by part; parts without more observations than parameters are missing, as nothing can be said of them.
    predicted : ndarray, shape (m,)
        Seconds at the solution.
    cost : float
        Half the loss at the solution.
    freedom : int
        Observations less identified parameters.
    starts, agreeing : int
        Starting points, and fits that ended at the best cost.
    """

    estimates: tuple[Estimate, ...]
    names: tuple[str, ...]
    correlation: Any
    scatter: Mapping[str, float]
    predicted: Any
    cost: float
    freedom: int
    starts: int
    agreeing: int

    @property
    def values(self) -> dict[str, float]:
        """Value of every identified parameter."""
        return {each.name: each.value for each in self.estimates if each.identified}


class _Problem:
    """Observations, predictions, and which of the parameters are still free."""

    def __init__(self, observations: Sequence[Observation], predictions: Predictions, start: Mapping[str, float]):
        self.names = list(start)
        self.start = np.array([start[name] for name in self.names])
        kinds = [parameter_kind(name) for name in self.names]
        self.lower = np.array([kind.lower for kind in kinds])
        self.upper = np.array([kind.upper for kind in kinds])
        self.in_seconds = np.array([kind.unit == "s" for kind in kinds])
        self.measured = np.array([each.seconds for each in observations])
        errors = np.array([each.error for each in observations])
        self.unknown = np.isnan(errors)
        self.noise = np.maximum(np.where(self.unknown, 0.0, errors), _LEAST_ERROR)
        self.parts = np.array([each.category for each in observations])
        self.predictions = predictions
        self.free = list(range(len(self.names)))
        self.error = self.noise.copy()

    def whole(self, vector: Any) -> Any:
        """The vector of all parameters from that of the free ones."""
        whole = self.start.copy()
        whole[self.free] = vector
        return whole

    def times(self, vector: Any) -> Any:
        return np.maximum(self.predictions.times(self.whole(vector)), 1e-15)

    def logarithms(self, vector: Any) -> Any:
        """log(predicted / measured), shape (m,)."""
        return np.log(self.times(vector) / self.measured)

    def slopes(self, vector: Any) -> Any:
        """Derivatives of the logarithms, shape (m, free)."""
        return self.predictions.jacobian(self.whole(vector))[:, self.free] / self.times(vector)[:, None]

    def points(self, count: int, seed: int) -> Any:
        """Starting points of the free parameters."""
        typical = float(np.median(self.measured)) if len(self.measured) else 1.0
        spans = np.where(self.in_seconds, typical, 0.0)[self.free]
        return starting_points(self.start[self.free], self.lower[self.free], self.upper[self.free], spans, count, seed)

    def solve(self, points: Any) -> Solution:
        """The best of fits from those points, with the errors of the moment."""
        return minimise(
            lambda vector: self.logarithms(vector) / self.error,
            lambda vector: self.slopes(vector) / self.error[:, None],
            points,
            self.lower[self.free],
            self.upper[self.free],
        )


def fit(
    observations: Sequence[Observation],
    predictions: Predictions,
    start: Mapping[str, float],
    starts: int = 8,
    seed: int = 0,
    first: Mapping[str, float] | None = None,
) -> Fit:
    """Fit parameters to observed times.

    Parameters
    ----------
    observations : sequence of Observation
        m of them.
    predictions : Predictions
        Times of all observations, as functions of the parameters in the order of `start`.
    start : mapping
        Start value of every parameter; its bounds are those of its kind.
    starts, seed : int
        Points to start from, and seed of where they are.
    first : mapping, optional
        Values to begin at alone, where a near solution is known; those that turn out not to be identified still go back
        to `start`.
    """
    problem = _Problem(observations, predictions, start)
    reasons: dict[str, str] = {}
    problem.error = np.hypot(problem.noise, _ROUGH)
    begun = problem.solve(problem.points(starts, seed) if first is None else [[first[name] for name in problem.names]])
    solution, scatter = _with_scatter(problem, begun)
    while (lost := _unidentified(problem, solution.vector)) is not None:
        index, reason = lost
        reasons[problem.names[index]] = reason
        kept = [place for place, free in enumerate(problem.free) if free != index]
        problem.free.remove(index)
        solution, scatter = _with_scatter(problem, replace(solution, vector=solution.vector[kept]))
    covariance = _covariance(problem.slopes(solution.vector) / problem.error[:, None])
    std = np.sqrt(np.diag(covariance))
    vector, at_bound = _snapped(problem, solution.vector, std)
    estimates = []
    for index, name in enumerate(problem.names):
        if index in problem.free:
            place = problem.free.index(index)
            note = "at its bound, which decided more than the data" if at_bound[place] else ""
            value, error = float(vector[place]), float(std[place])
            estimates.append(Estimate(name, value, error, start[name], bool(at_bound[place]), True, note))
        else:
            estimates.append(Estimate(name, start[name], None, start[name], False, False, reasons[name]))
    scale = np.outer(std, std)
    return Fit(
        estimates=tuple(estimates),
        names=tuple(problem.names[index] for index in problem.free),
        correlation=np.divide(covariance, scale, out=np.eye(len(std)), where=scale > 0.0),
        scatter=scatter,
        predicted=problem.times(vector),
        cost=solution.cost,
        freedom=len(observations) - len(problem.free),
        starts=begun.starts,
        agreeing=begun.agreeing,
    )


def _with_scatter(problem: _Problem, solution: Solution) -> tuple[Solution, dict[str, float]]:
    """The solution, gone on from `solution`, and the model's own error τ of each part with which it was found."""
    scatter: dict[str, float] = {}
    for _ in range(_ROUNDS):
        found = _scatter(problem, solution.vector)
        change = max((abs(found.get(p, 0.0) - scatter.get(p, 0.0)) for p in {*found, *scatter}), default=0.0)
        scatter = found
        own = np.array([scatter.get(part, 0.0) for part in problem.parts])
        problem.error = np.hypot(problem.noise, own)
        solution = problem.solve([solution.vector])
        if change <= 0.01 * max(scatter.values(), default=0.0):
            break
    return solution, scatter


def _scatter(problem: _Problem, vector: Any) -> dict[str, float]:
    """τ of each part that has more observations than parameters, from the residuals at a solution."""
    logarithms, slopes = problem.logarithms(vector), problem.slopes(vector) / problem.error[:, None]
    leverage = np.clip(np.einsum("ij,ji->i", slopes, np.linalg.pinv(slopes, rcond=_SINGULAR)), 0.0, 1.0)
    found = {}
    for part in dict.fromkeys(problem.parts.tolist()):
        mine = problem.parts == part
        freedom = float(np.sum(1.0 - leverage[mine]))
        if freedom < 0.5:
            if problem.unknown[mine].any():
                found[part] = _UNKNOWN
            continue
        residuals, noise = logarithms[mine], problem.noise[mine]

        def excess(scatter: float, r: Any = residuals, e: Any = noise, f: float = freedom) -> float:
            z = r / np.hypot(e, scatter)
            return float(np.sum(weights(z) * z**2)) - SPREAD * f

        found[part] = 0.0 if excess(0.0) <= 0.0 else _root(excess)
    return found


def _root(excess: Any) -> float:
    if excess(_LARGEST_SCATTER) >= 0.0:
        return _LARGEST_SCATTER
    return float(brentq(excess, 0.0, _LARGEST_SCATTER, rtol=1e-6))


def _covariance(slopes: Any) -> Any:
    """Covariance of the parameters from derivatives in standard errors, shape (n, n)."""
    norms = np.linalg.norm(slopes, axis=0)
    inverse = np.linalg.pinv(slopes / norms, rcond=_SINGULAR)
    return EFFICIENCY * (inverse @ inverse.T) / np.outer(norms, norms)


def _unidentified(problem: _Problem, vector: Any) -> tuple[int, str] | None:
    """The free parameter that the data tell least of, and why; None if they tell of all."""
    if not problem.free:
        return None
    slopes = problem.slopes(vector)
    scaled = slopes / problem.error[:, None]
    norms = np.linalg.norm(scaled, axis=0) if len(scaled) else np.zeros(len(problem.free))
    size = np.maximum(np.abs(vector), np.where(problem.in_seconds[problem.free], 1e-9, 0.0))
    for place, norm in enumerate(norms):
        if norm * max(size[place], 1e-9) <= 1e-9:
            return problem.free[place], "no observation depends on it"
    _, values, directions = np.linalg.svd(scaled / norms, full_matrices=True)
    values = np.append(values, np.zeros(len(problem.free) - len(values)))
    if values[-1] <= _SINGULAR * values[0]:
        parts = [place for place, share in enumerate(directions[-1]) if abs(share) > _PART]
        last = _dispensable(problem, vector, parts)
        others = ", ".join(problem.names[problem.free[place]] for place in parts if place != last)
        return problem.free[last], f"its effect cannot be told from that of {others}, and is counted there"
    std = np.sqrt(np.diag(_covariance(scaled)))
    possible = np.abs(slopes).max(axis=0) * std
    # A factor that far from 1 that it has no effect any more is known no better for that.
    factors = ~problem.in_seconds[problem.free]
    possible[factors] = np.maximum(possible[factors], std[factors] / np.maximum(vector[factors], _FACTOR))
    if possible.max() <= 1.0:
        return None
    last = _dispensable(problem, vector, [place for place, share in enumerate(possible) if share > 1.0])
    return problem.free[last], f"its standard error, {std[last]:.2g}, is as large as what it would explain"


def _dispensable(problem: _Problem, vector: Any, places: Sequence[int]) -> int:
    """Of several free parameters, the one without which the others fit best; where that is no matter, by rank."""
    if len(places) == 1:
        return places[0]
    free, costs = problem.free, dict[int, float]()
    for place in places:
        kept = [other for other in range(len(free)) if other != place]
        problem.free = [free[other] for other in kept]
        costs[place] = problem.solve([vector[kept], problem.start[problem.free]]).cost if kept else 0.0
    problem.free = free
    least = min(costs.values())
    equal = [place for place in places if costs[place] <= least + _NO_WORSE]
    return max(equal, key=lambda place: (_rank(problem.names[free[place]]), -costs[place]))


def _rank(name: str) -> int:
    """Which of several parameters is left out first where they cannot be told apart: the highest."""
    quantity = name.partition("@")[0].split(".")
    if "latency" in quantity:
        return 3
    if "fixed" in quantity:
        return 2
    return 0 if "scale" in quantity or "bandwidth" in quantity else 1


def _snapped(problem: _Problem, vector: Any, std: Any) -> tuple[Any, Any]:
    """The vector with what is next to a bound put on it, and which parameters that are."""
    lower, upper = problem.lower[problem.free], problem.upper[problem.free]
    at_lower, at_upper = vector - lower <= 1e-2 * std, upper - vector <= 1e-2 * std
    return np.where(at_lower, lower, np.where(at_upper, upper, vector)), at_lower | at_upper
