"""Several seeds of several scenarios, spread over processes, and what they say together.

A replicate is the same scenario under another seed: other jitter, other initial weights, another order of samples.
Intervals are Student's t over replicates, at 95 % unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.errors import InfeasibleError, InputError, RunError
from simulator.planning.runner import iterate_points
from simulator.planning.store import ResultStore
from simulator.scenario import Scenario

__all__ = ["Interval", "TimeToAccuracy", "interval", "run_replicates", "time_to_accuracy"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and half the width of its confidence interval; NaN where one replicate says nothing of the spread."""

    mean: float
    half_width: float
    replicates: int


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's t interval of the mean of `values`, assumed independent.

    Examples
    --------
    >>> found = interval([1.0, 2.0, 3.0])
    >>> found.mean, round(found.half_width, 3)
    (2.0, 2.484)
    """
    count = len(values)
    if count == 0:
        return Interval(math.nan, math.nan, 0)
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(mean, math.nan, 1)
    from scipy.stats import t

    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    quantile = float(t.ppf(0.5 + confidence / 2, count - 1))
    return Interval(mean, quantile * math.sqrt(variance / count), count)


@dataclass(frozen=True)
class TimeToAccuracy:
    """One method over its replicates: simulated seconds to the target, for those that reached it.

    Attributes
    ----------
    times : Interval
        Of the replicates that reached the target.
    reached, replicates : int
        How many did, of how many.
    gradients : Interval
        Gradients computed until then, of all workers.
    best_accuracy : Interval
        Over all replicates.
    results : tuple of mapping
        The JSON result of each replicate.
    """

    name: str
    target: float
    times: Interval
    reached: int
    replicates: int
    gradients: Interval
    best_accuracy: Interval
    results: tuple[Mapping[str, Any], ...]


def time_to_accuracy(name: str, target: float, results: Sequence[Mapping[str, Any]]) -> TimeToAccuracy:
    """What the replicates of one method say together."""
    reached = [r for r in results if r["learning"]["reached_at_s"] is not None]
    best = [r["learning"]["best_accuracy"] for r in results if r["learning"]["best_accuracy"] is not None]
    return TimeToAccuracy(
        name,
        target,
        interval([r["learning"]["reached_at_s"] for r in reached]),
        len(reached),
        len(results),
        interval([float(r["gradients"]) for r in reached]),
        interval(best),
        tuple(results),
    )


def run_replicates(
    scenarios: Sequence[tuple[str, Scenario]],
    replicates: int,
    jobs: int | None = None,
    finished: Callable[[str, int], None] = lambda name, done: None,
    store: ResultStore | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The JSON results of every scenario under `replicates` seeds, from its own seed upwards, in the order of seeds.

    Parameters
    ----------
    scenarios : sequence of (str, Scenario)
        With names that tell them apart.
    jobs : int, optional
        Processes; as many as there are cores if left out. Results do not depend on it.
    finished : callable
        Told the name and how many runs are done, after each run, those found in the store among them.
    store : ResultStore, optional
        Where finished runs are kept, and looked for before anything is run.

    Raises
    ------
    InputError
        If two names are the same, or the store cannot be used.
    InfeasibleError, RunError
        If a run has no result; those that finished before are in the store.
    """
    if len({name for name, _ in scenarios}) < len(scenarios):
        raise InputError("two of the compared runs have the same name; expected different algorithms or values")
    runs = [
        (name, scenario.override({"simulation.seed": scenario.tables.simulation.seed + index}))
        for name, scenario in scenarios
        for index in range(replicates)
    ]
    results: dict[str, list[dict[str, Any]]] = {name: [{}] * replicates for name, _ in scenarios}
    points = iterate_points([scenario for _, scenario in runs], store=store, jobs=jobs)
    for done, (place, outcome) in enumerate(points, start=1):
        name = runs[place][0]
        if outcome.result is None:
            raise (InfeasibleError if outcome.status == "infeasible" else RunError)(outcome.message)
        results[name][place % replicates] = outcome.result
        finished(name, done)
    return results
