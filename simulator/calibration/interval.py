"""How sure a prediction is that rests on a calibration: what the fit left open, carried through to the time of a run.

Two things are uncertain. The parameters: the time's slope in each is found by moving it one standard error up and down,
and the slopes with the fit's covariance give a variance. And the model: calibrated as it is, it still missed what it
was fitted to by some share (`residual_scatter`), part by part of the breakdown; the same share of those parts is taken
to be uncertain here, alike for the whole run. Both together, taken as normal, give the interval.

The slopes are found on a short run and taken as shares of its time, which costs two short simulations for each
parameter that has an effect on the scenario. Not in the interval: noise that averages out over the steps of a run, and
being wrong about what was never measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from simulator.calibration.applied import calibration_of
from simulator.calibration.effects import with_effect
from simulator.calibration.overlay import Overlay
from simulator.calibration.parameters import parameter_kind
from simulator.result import Prediction, Result
from simulator.scenario import Scenario
from simulator.simulation import Simulation

__all__ = ["LEVEL", "prediction", "with_interval"]

LEVEL = 0.9
#: Steps of the runs that slopes are taken from.
_STEPS = 8


@dataclass(frozen=True)
class _Slope:
    """Relative change of the time with one parameter, in 1 / the parameter's unit."""

    name: str
    value: float


def with_interval(result: Result, scenario: Scenario, progress: Callable[[str], None] = lambda what: None) -> Result:
    """The result with its prediction interval, where the scenario has an overlay; else the same result."""
    found = prediction(result, scenario, progress)
    return result if found is None else replace(result, prediction=found)


def prediction(
    result: Result, scenario: Scenario, progress: Callable[[str], None] = lambda what: None
) -> Prediction | None:
    """The prediction interval of a simulated run; None if its scenario has no overlay.

    Parameters
    ----------
    result : Result
    scenario : Scenario
        What was run.
    progress : callable
        Told which parameter is being looked at.
    """
    calibration = calibration_of(scenario)
    overlay = calibration.overlay
    if overlay is None:
        return None
    slopes = _slopes(scenario, overlay, calibration.stated, progress)
    names = [slope.name for slope in slopes]
    places = [overlay.names.index(name) for name in names]
    vector = np.array([slope.value for slope in slopes])
    variance = float(vector @ overlay.covariance[np.ix_(places, places)] @ vector) if names else 0.0
    parameters = result.time * sqrt(max(variance, 0.0))
    residual = _residual(result, overlay.residual_scatter)
    return Prediction(
        level=LEVEL,
        low=max(result.time - _width(parameters, residual), 0.0),
        high=result.time + _width(parameters, residual),
        std_parameters=parameters,
        std_residual=residual,
        sensitivities={
            slope.name: slope.value * result.time * (overlay.parameters[slope.name].std or 0.0) for slope in slopes
        },
        unknown_scatter=tuple(
            part
            for part, seconds in result.breakdown.items()
            if seconds > 0.01 * result.time and part != "idle" and not {part, "step"} & overlay.residual_scatter.keys()
        ),
    )


def _width(parameters: float, residual: float) -> float:
    return NormalDist().inv_cdf(0.5 + LEVEL / 2.0) * hypot(parameters, residual)


def _residual(result: Result, scatter: Mapping[str, float]) -> float:
    """Standard deviation [s] from the model's own error: of steps where those were observed, else of their parts."""
    if "step" in scatter:
        return scatter["step"] * result.time
    return sqrt(sum((scatter.get(part, 0.0) * seconds) ** 2 for part, seconds in result.breakdown.items()))


def _slopes(
    scenario: Scenario, overlay: Overlay, stated: frozenset[str], progress: Callable[[str], None]
) -> list[_Slope]:
    """Slopes in every uncertain parameter that has an effect; what the scenario states itself is not uncertain."""
    short = _short(scenario)
    plain = Simulation(short)
    uncertain = {name: overlay.parameters[name].std or 0.0 for name in overlay.names if name not in stated}
    slopes = []
    time = None
    for name in with_effect({name: std for name, std in uncertain.items() if std > 0.0}, plain):
        progress(name)
        time = plain.run().time if time is None else time
        kind, centre, std = parameter_kind(name), overlay.values[name], uncertain[name]
        low, high = max(centre - std, kind.lower), min(centre + std, kind.upper)
        times = [_time(short, name, value) for value in (low, high)]
        if times[0] != times[1]:
            slopes.append(_Slope(name, (times[1] - times[0]) / (high - low) / time))
    return slopes


def _short(scenario: Scenario) -> Scenario:
    """The scenario's first steps, without an end by what is learned."""
    steps = min(Simulation(scenario).steps, _STEPS)
    changes: dict[str, Any] = {"workload.steps": steps, "workload.epochs": None}
    if scenario.tables.learning is not None:
        changes |= {"learning.target_accuracy": None, "learning.time_limit": None}
        workload = scenario.tables.workload
        if "learner" not in (workload.network, workload.dataset):
            changes = {**changes, "learning": None}
            del changes["learning.target_accuracy"], changes["learning.time_limit"]
    return scenario.override(changes)


def _time(scenario: Scenario, name: str, value: float) -> float:
    table = scenario.tables.calibration
    stated = table.parameters if table else {}
    return Simulation(scenario.override({"calibration.parameters": {**stated, name: value}})).run().time
