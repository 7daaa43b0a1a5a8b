"""How sure a prediction is that rests on a calibration: what the fit left open, carried through to the time of a run.

Two things are uncertain. The parameters: the time's slope in each is found by moving it one standard error up and down,
and the slopes with the fit's covariance give a variance. And the model: calibrated as it is, it still missed what it
was fitted to by some share (`residual_scatter`), part by part of the breakdown; the same share of those parts is taken
to be uncertain here, alike for the whole run. Both together, taken as normal, give the interval.

The slopes cost two short simulations for each parameter that has an effect (`simulator.calibration.slopes`). Not in
the interval: noise that averages out over the steps of a run, and being wrong about what was never measured.
Several scenarios, and noise with them, are held against one another by `simulator.planning.uncertainty`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import hypot, sqrt
from statistics import NormalDist

import numpy as np

from simulator.calibration.applied import calibration_of
from simulator.calibration.slopes import responses
from simulator.result import Prediction, Result
from simulator.scenario import Scenario

__all__ = ["LEVEL", "prediction", "with_interval"]

LEVEL = 0.9


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
    overlay = calibration_of(scenario).overlay
    if overlay is None:
        return None
    slopes = responses(scenario, progress)
    names = [slope.name for slope in slopes]
    places = [overlay.names.index(name) for name in names]
    vector = np.array([slope.slope for slope in slopes])
    variance = float(vector @ overlay.covariance[np.ix_(places, places)] @ vector) if names else 0.0
    parameters = result.time * sqrt(max(variance, 0.0))
    residual = _residual(result, overlay.residual_scatter)
    return Prediction(
        level=LEVEL,
        low=max(result.time - _width(parameters, residual), 0.0),
        high=result.time + _width(parameters, residual),
        std_parameters=parameters,
        std_residual=residual,
        sensitivities={slope.name: slope.slope * result.time * slope.std for slope in slopes},
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
