"""Calibration of a system: from traces and measured times of it to an overlay over its profile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.closed_form import ClosedForms
from simulator.calibration.effects import link_profiles, overheads_in_use
from simulator.calibration.fit import Estimate, Fit, fit
from simulator.calibration.observations import Observation
from simulator.calibration.observed_times import Simulated, observed_times
from simulator.calibration.overlay import Correlation, FitRecord, FittedParameter, Overlay, Source
from simulator.calibration.parameters import GROUPS, KINDS, parameter_kind
from simulator.calibration.robust import LOSS
from simulator.calibration.trace_model import Observed, TraceModel, scenario_of
from simulator.errors import InputError
from simulator.resolved import ResolvedScenario
from simulator.scenario import Scenario
from simulator.trace import Trace

__all__ = ["Calibrated", "Recording", "calibrate", "parameters_to_fit", "recording"]

JITTER = "jitter.compute"
#: Relative step of finite differences of simulated times, and the least one of parameters in seconds [s].
_STEP, _LEAST_STEP = 1e-3, 1e-8


@dataclass(frozen=True)
class Recording:
    """One file of measurements, and the scenario that was run."""

    source: str
    measured: Trace | Sequence[Observation]
    scenario: Scenario
    sha256: str = ""


@dataclass(frozen=True)
class Calibrated:
    """A finished calibration.

    Attributes
    ----------
    overlay : Overlay
    fit : Fit
    rows : tuple
        Every observation of the fit, in the order of ``fit.predicted``.
    """

    overlay: Overlay
    fit: Fit
    rows: tuple[Observed | Simulated, ...]


def recording(
    path: Path, measured: Trace | Sequence[Observation], scenario: Scenario | None = None, system: str | None = None
) -> Recording:
    """Measurements that were read from a file, with the scenario they belong to.

    Parameters
    ----------
    path : Path
        The file.
    measured : Trace or sequence of Observation
        Its content.
    scenario : Scenario, optional
        What was run; by default what the trace itself says.
    system : str, optional
        The system profile to calibrate, instead of the scenario's.

    Raises
    ------
    InputError
        If nothing says what was run.
    """
    if scenario is None:
        if not isinstance(measured, Trace):
            raise InputError(f"{path}: holds times but not what was run; name its scenario with --scenario")
        scenario = scenario_of(measured, str(path))
    if system is not None:
        scenario = scenario.override({"cluster.system": system})
    return Recording(str(path), measured, scenario, _digest(path))


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the files of a folder one after the other."""
    files = [path] if path.is_file() else sorted(each for each in path.iterdir() if each.is_file())
    digest = hashlib.sha256()
    for each in files:
        digest.update(each.read_bytes())
    return digest.hexdigest()


def parameters_to_fit(wanted: Iterable[str], resolved: Iterable[ResolvedScenario]) -> list[str]:
    """Names of parameters from what a user asks for: groups, or single parameters.

    Raises
    ------
    UnknownNameError
        If something is neither.
    """
    platforms = [each.platform for each in resolved]
    media = sorted({profile for platform in platforms for profile in link_profiles(platform)})
    used = {name for platform in platforms for name in overheads_in_use(platform)}
    names: dict[str, None] = {}
    for text in wanted:
        if text not in GROUPS:
            parameter_kind(text, "--fit")
            names[text] = None
            continue
        for pattern, kind in KINDS.items():
            if kind.group != text:
                continue
            base = pattern.partition("[")[0]
            if "<medium>" in base:
                names |= dict.fromkeys(base.replace("<medium>", medium) for medium in media)
            elif not base.startswith("overhead.") or base.removeprefix("overhead.") in used:
                names[base] = None
    return list(names)


def calibrate(
    recordings: Sequence[Recording],
    wanted: Sequence[str] = GROUPS,
    *,
    name: str = "overlay",
    starts: int = 8,
    seed: int = 0,
    progress: Callable[[str], None] = lambda what: None,
) -> Calibrated:
    """Fit parameters to recordings of one system.

    Parameters
    ----------
    recordings : sequence of Recording
    wanted : sequence of str
        Groups (``compute``, ``network``, ``overhead``, ``jitter``) or names of parameters.
    name : str
        Of the overlay.
    starts, seed : int
        Fits from different points, and the seed of where they are.
    progress : callable
        Told what is being done.

    Raises
    ------
    InputError
        If the recordings are of different systems, do not fit their scenarios, or say nothing of what is wanted.
    """
    systems = {each.scenario.tables.cluster.system: each for each in recordings}
    if not recordings:
        raise InputError("calibration: expected at least one trace or table of times")
    if len(systems) > 1:
        first, second = list(systems.values())[:2]
        raise InputError(
            f"{second.source}: is of the system {second.scenario.tables.cluster.system!r}, but {first.source} is of "
            f"{first.scenario.tables.cluster.system!r}; an overlay is for one system (--profile names it)"
        )
    models: list[TraceModel] = []
    resolved: list[ResolvedScenario] = []
    for each in recordings:
        progress(f"reading {each.source}")
        if isinstance(each.measured, Trace):
            models.append(TraceModel(each.measured, each.scenario, each.source))
            resolved.append(models[-1].resolved)
        else:
            resolved.append(ResolvedScenario(each.scenario.override({"calibration": None})))
    names = parameters_to_fit(wanted, resolved)
    fitted = [each for each in names if each != JITTER]
    rows: list[Observed | Simulated] = []
    for model in models:
        rows += model.observed(fitted)
        rows += observed_times(model.collectives(), model.scenario, model.source, fitted)
    for each in recordings:
        if not isinstance(each.measured, Trace):
            rows += observed_times(each.measured, each.scenario, each.source, fitted)
    if fitted and not rows:
        raise InputError(f"{recordings[0].source}: holds no measurement that any of {', '.join(fitted)} has a part in")
    progress("fitting")
    start = {each: _start(each, resolved) for each in fitted}
    found = fit(rows, _Times(rows, fitted), start, starts, seed)
    estimates = [*found.estimates, *([_jitter(models)] if JITTER in names else [])]
    return Calibrated(_overlay(name, recordings, estimates, found, rows, seed), found, tuple(rows))


def _start(name: str, resolved: Sequence[ResolvedScenario]) -> float:
    """Where a fit begins: what changes nothing."""
    neutral = parameter_kind(name).neutral
    if neutral is not None:
        return neutral
    figure = "collective" if name == "collective.call" else name.removeprefix("overhead.")
    return max(each.platform.overheads()[figure] for each in resolved)


class _Times:
    """Predicted times of formulas and of simulations together; see `simulator.calibration.fit.Predictions`."""

    def __init__(self, rows: Sequence[Observed | Simulated], names: Sequence[str]) -> None:
        self._names = names
        self._closed = [place for place, row in enumerate(rows) if isinstance(row, Observed)]
        self._forms = ClosedForms([row.form for row in rows if isinstance(row, Observed)], names)
        self._simulated = [(place, row) for place, row in enumerate(rows) if isinstance(row, Simulated)]
        self._size = len(rows)
        self._known: dict[tuple[int, tuple[float, ...]], float] = {}

    def times(self, vector: Any) -> Any:
        """Seconds, shape (m,)."""
        times = np.empty(self._size)
        times[self._closed] = self._forms.times(vector)
        for place, row in self._simulated:
            times[place] = self._predict(place, row, vector)
        return times

    def jacobian(self, vector: Any) -> Any:
        """Derivatives, shape (m, n); of simulations by differences."""
        slopes = np.zeros((self._size, len(self._names)))
        slopes[self._closed] = self._forms.jacobian(vector)
        for place, row in self._simulated:
            here = self._predict(place, row, vector)
            for column, name in enumerate(self._names):
                if name in row.names:
                    kind = parameter_kind(name)
                    step = max(_STEP * abs(vector[column]), _LEAST_STEP if kind.unit == "s" else _STEP)
                    step = step if vector[column] + step <= kind.upper else -step
                    moved = vector.copy()
                    moved[column] += step
                    slopes[place, column] = (self._predict(place, row, moved) - here) / step
        return slopes

    def _predict(self, place: int, row: Simulated, vector: Any) -> float:
        values = {name: float(value) for name, value in zip(self._names, vector, strict=True) if name in row.names}
        key = (place, tuple(values.values()))
        if key not in self._known:
            self._known[key] = row.predict(values)
        return self._known[key]


def _jitter(models: Iterable[TraceModel]) -> Estimate:
    """Coefficient of variation of gradients from step to step, of each rank about its own mean.

    For a log-normal it is that of the logarithms, with the error that such an estimate from so many values has.
    """
    groups = [group for model in models for group in model.gradient_spreads()]
    freedom = sum(group.count - 1 for group in groups)
    if freedom < 2:
        reason = "no rank recorded three gradients after the first"
        return Estimate(JITTER, 0.0, None, 0.0, False, False, reason)
    value = sqrt(sum((group.count - 1) * group.spread**2 for group in groups) / freedom)
    std = value * sqrt((1.0 + 2.0 * value**2) / (2.0 * freedom))
    return Estimate(JITTER, min(value, parameter_kind(JITTER).upper), std, 0.0, False, True)


def _overlay(
    name: str,
    recordings: Sequence[Recording],
    estimates: Sequence[Estimate],
    found: Fit,
    rows: Sequence[Observed | Simulated],
    seed: int,
) -> Overlay:
    parameters = {each.name: _parameter(each) for each in estimates}
    matrix = tuple(tuple(round(float(value), 12) for value in row) for row in found.correlation)
    try:
        release = version("clustersim")
    except PackageNotFoundError:
        release = "source"
    document: Mapping[str, Any] = {
        "schema": "clustersim/overlay/1",
        "name": name,
        "system": recordings[0].scenario.tables.cluster.system,
        "scenarios": tuple(dict.fromkeys(_told(each.scenario) for each in recordings)),
        "date": date.today().isoformat(),
        "version": release,
        "parameters": parameters,
        "correlation": Correlation(names=found.names, matrix=matrix),
        "residual_scatter": dict(found.scatter),
        "fit": FitRecord(
            loss=LOSS,
            observations=len(rows),
            measurements=sum(row.count for row in rows),
            degrees_of_freedom=found.freedom,
            cost=found.cost,
            starts=found.starts,
            agreeing=found.agreeing,
            seed=seed,
        ),
        "traces": tuple(Source(file=Path(each.source).name, sha256=each.sha256) for each in recordings if each.sha256),
    }
    return Overlay.model_validate(document)


def _told(scenario: Scenario) -> str:
    """A scenario in one line."""
    tables = scenario.tables
    return (
        f"{tables.algorithm.name} of {tables.workload.network} on {tables.cluster.nodes} × {tables.cluster.system}, "
        f"{tables.workload.batch_size} a worker"
    )


def _parameter(each: Estimate) -> FittedParameter:
    kind = parameter_kind(each.name)
    return FittedParameter(
        value=each.value,
        std=each.std,
        unit=kind.unit,
        start=each.start,
        bounds=(kind.lower, kind.upper),
        at_bound=each.at_bound,
        identified=each.identified,
        reason=each.reason,
    )
