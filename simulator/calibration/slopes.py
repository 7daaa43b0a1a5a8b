"""How the time of a run answers to each uncertain parameter of its calibration, from a few short simulations.

Each parameter is moved one standard error down and up, and a parabola through the three times stands for the
simulator near the calibrated point. Times are nearly linear in seconds and in factors on times, and nearly inverse in
factors on rates, so the parabola of a rate is one in its inverse. Parameters are taken to act independently of one
another. The first steps of the run stand for all of them: shares of their time are shares of the run's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.calibration.applied import Calibration, calibration_of
from simulator.calibration.effects import with_effect
from simulator.calibration.parameters import parameter_kind
from simulator.scenario import Scenario
from simulator.simulation import Simulation

__all__ = [
    "Experiment",
    "Response",
    "experiment",
    "free_parameters",
    "relative_times",
    "responses",
    "short",
    "with_parameters",
]

#: Steps of the runs that stand for the whole one.
_STEPS = 8
#: Keys of [simulation] that come before the overlay's parameter.
_STATED_KEYS = {"jitter.compute": "jitter", "overlap.slowdown": "overlap_slowdown"}
#: A run never takes less than this share of its time, wherever a parabola may lead.
_LEAST = 0.05


@dataclass(frozen=True)
class Response:
    """Relative change of a time with one parameter: ``slope * x + curvature * x**2`` at a distance `x` from its value.

    Attributes
    ----------
    name : str
        The parameter.
    value, std : float
        As calibrated, in its unit.
    slope, curvature : float
        In 1 / unit and 1 / unit².
    """

    name: str
    value: float
    std: float
    slope: float
    curvature: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Relative change of the time at other values of the parameter, same shape."""
        moved = _distance(self.name, self.value, values)
        return moved * (self.slope + self.curvature * moved)


def _distance(name: str, centre: float, values: np.ndarray) -> np.ndarray:
    """How far values are from the calibrated one, in what times are nearly linear in: seconds, factors, inverse rates.

    Near the calibrated value all of them are the plain difference.
    """
    if name.endswith((".bandwidth", ".stream")):
        return centre * (1.0 - centre / values)
    return values - centre


@dataclass(frozen=True)
class Experiment:
    """The short runs that tell how a scenario's time answers to its uncertain parameters.

    Attributes
    ----------
    brief : Scenario
        Its first steps, as calibrated.
    moves : tuple of (str, float, float, float, float)
        Parameter, value, standard error, and how far it is moved down (negative) and up, within its bounds.
    """

    brief: Scenario
    moves: tuple[tuple[str, float, float, float, float], ...]

    @property
    def scenarios(self) -> list[Scenario]:
        """What to run: nothing, if nothing is uncertain; else as calibrated, and each parameter moved down and up."""
        moved = [
            with_parameters(self.brief, {name: value + by})
            for name, value, _, low, high in self.moves
            for by in (low, high)
        ]
        return [self.brief, *moved] if moved else []

    def responses(self, times: Sequence[float]) -> list[Response]:
        """The answers, from the times [s] of `scenarios` in their order; none of parameters that change nothing."""
        found = []
        for place, (name, value, std, low, high) in enumerate(self.moves):
            below, above = (times[1 + 2 * place + side] / times[0] - 1.0 for side in (0, 1))
            if below != 0.0 or above != 0.0:
                ends = _distance(name, value, np.array([value + low, value + high])).tolist()
                found.append(Response(name, value, std, *_parabola(ends[0], below, ends[1], above)))
        return found


def experiment(scenario: Scenario) -> Experiment:
    """What to run to learn how a scenario's time answers to every uncertain parameter of its overlay.

    What the scenario states itself is not uncertain, nor what has no effect on it.
    """
    calibration = calibration_of(scenario)
    overlay = calibration.overlay
    brief = short(scenario)
    if overlay is None:
        return Experiment(brief, ())
    errors = {name: overlay.parameters[name].std or 0.0 for name in free_parameters(scenario, calibration)}
    moves = []
    for name, std in with_effect({name: std for name, std in errors.items() if std > 0.0}, Simulation(brief)).items():
        kind, value = parameter_kind(name), overlay.values[name]
        moves.append((name, value, std, max(value - std, kind.lower) - value, min(value + std, kind.upper) - value))
    return Experiment(brief, tuple(moves))


def responses(scenario: Scenario, progress: Callable[[str], None] = lambda what: None) -> list[Response]:
    """The answer of a scenario's time to every uncertain parameter of its overlay; none without an overlay.

    Parameters
    ----------
    scenario : Scenario
    progress : callable
        Told which parameter is being looked at.
    """
    planned = experiment(scenario)
    names = ["", *(name for name, *_ in planned.moves for _ in range(2))]
    times = []
    for name, each in zip(names, planned.scenarios, strict=False):
        progress(name)
        times.append(Simulation(each).run().time)
    return planned.responses(times)


def _parabola(low: float, below: float, high: float, above: float) -> tuple[float, float]:
    """Slope and curvature of the parabola through the origin and two points; a line where one of them is the origin."""
    if low == 0.0 or high == 0.0:
        return (above - below) / (high - low), 0.0
    curvature = (above / high - below / low) / (high - low)
    return above / high - curvature * high, curvature


def free_parameters(scenario: Scenario, calibration: Calibration) -> list[str]:
    """Names of the overlay's identified parameters whose values the scenario does not state itself."""
    if calibration.overlay is None:
        return []
    simulation = scenario.tables.simulation
    stated = {name for name, key in _STATED_KEYS.items() if getattr(simulation, key)} | calibration.stated
    return [name for name in calibration.overlay.names if name not in stated]


def relative_times(found: Sequence[Response], draws: Sequence[Mapping[str, float]]) -> np.ndarray:
    """Time of a run over its calibrated time for each set of parameter values, shape (draws,)."""
    times = np.ones(len(draws))
    for response in found:
        times += response(np.array([draw[response.name] for draw in draws]))
    return np.maximum(times, _LEAST)


def short(scenario: Scenario) -> Scenario:
    """The scenario's first steps, without an end by what is learned."""
    steps = min(Simulation(scenario).steps, _STEPS)
    changes: dict[str, Any] = {"workload.steps": steps, "reliability": None}
    if scenario.tables.learning is not None:
        changes |= {"learning.target_accuracy": None, "learning.time_limit": None}
        workload = scenario.tables.workload
        if "learner" not in (workload.network, workload.dataset):
            changes = {**changes, "learning": None}
            del changes["learning.target_accuracy"], changes["learning.time_limit"]
    return scenario.override(changes)


def with_parameters(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """The scenario with other values of some calibration parameters, over those that it states itself."""
    table = scenario.tables.calibration
    return scenario.override({"calibration.parameters": {**(table.parameters if table else {}), **values}})
