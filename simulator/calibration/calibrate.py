"""Calibration of a system: from traces and measured times of it to an overlay over its profile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from math import log, sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simulator.calibration.effects import link_profiles, overheads_in_use, why_without_effect
from simulator.calibration.fit import Estimate, Fit
from simulator.calibration.linearised import fit_rows
from simulator.calibration.observations import Observation
from simulator.calibration.observed_times import STEP, Simulated, observed_times
from simulator.calibration.overlay import Correlation, FitRecord, FittedParameter, Overlay, Source
from simulator.calibration.parameters import GROUPS, KINDS, parameter_kind
from simulator.calibration.robust import LOSS
from simulator.calibration.trace_model import Observed, TraceModel, scenario_of
from simulator.calibration.whole_steps import JITTER, whole_steps
from simulator.errors import InputError
from simulator.resolved import ResolvedScenario
from simulator.scenario import Scenario
from simulator.trace import Trace

__all__ = ["Calibrated", "Recording", "Residual", "calibrate", "parameters_to_fit", "recording", "start_of"]

#: Traces whose whole steps, when only checked, say how far off predictions are.
_ENOUGH = 3
#: Where the profile of a system states what a parameter replaces, of ranks that are processes.
_OF_PROCESSES = MappingProxyType(
    {"cores.slice": "time_slice", "cores.switch": "switch_time", "cores.balance": "balance_delay"}
)


@dataclass(frozen=True)
class Recording:
    """One file of measurements, and the scenario that was run."""

    source: str
    measured: Trace | Sequence[Observation]
    scenario: Scenario
    sha256: str = ""


@dataclass(frozen=True)
class Residual:
    """One observation, what the calibrated model says of it [s], and whether the fit saw it."""

    observed: Observed | Simulated
    predicted: float
    fitted: bool = True


@dataclass(frozen=True)
class Calibrated:
    """A finished calibration.

    Attributes
    ----------
    overlay : Overlay
    fit : Fit
    rows : tuple of Residual
        Every observation beside its prediction; those that were only checked come last.
    """

    overlay: Overlay
    fit: Fit
    rows: tuple[Residual, ...]


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
    """Names of parameters from what a user asks for: groups, or single parameters, of which some belong to no group.

    Raises
    ------
    UnknownNameError
        If something is neither.
    """
    systems = list(resolved)
    platforms = [each.platform for each in systems]
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
            elif base == "overlap.slowdown":
                names |= dict.fromkeys([base] if any(not why_without_effect(base, each) for each in systems) else [])
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
    fit_steps: bool = False,
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
    fit_steps : bool
        Whether the whole steps of traces take part in the fit, by simulation, instead of only checking it.
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
        _check_machine(each)
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
    varying = _jitter(models) if JITTER in names else None
    steps = _steps(models, fitted, varying)
    if fit_steps:
        rows += steps
    if fitted and not rows:
        raise InputError(f"{recordings[0].source}: holds no measurement that any of {', '.join(fitted)} has a part in")
    progress("fitting")
    start = {each: start_of(each, resolved) for each in fitted}
    found = fit_rows(rows, start, starts, seed, progress)
    residuals = [Residual(row, float(seconds)) for row, seconds in zip(rows, found.predicted, strict=True)]
    scatter = dict(found.scatter)
    if not fit_steps:
        progress("checking whole steps")
        checked = [Residual(row, row.predict(found.values), fitted=False) for row in steps]
        residuals += checked
        if len(checked) >= _ENOUGH and STEP not in scatter:
            # The mean square, not the spread: what is always too long is wrong as well.
            logarithms = [log(each.predicted / each.observed.seconds) for each in checked]
            scatter[STEP] = sqrt(sum(each**2 for each in logarithms) / len(checked))
    estimates = [*found.estimates, *([varying] if varying else [])]
    found = replace(found, scatter=scatter)
    return Calibrated(_overlay(name, recordings, estimates, found, rows, seed), found, tuple(residuals))


def _check_machine(measured: Recording) -> None:
    """Refuse what would be fitted into the machine's own figures: another machine, and others that use it."""
    tables = measured.scenario.tables
    reason = {
        "what_if": "an overlay is of the machine as it is" if tables.what_if else "",
        "background": "what others on the machine cost would be taken for slow links" if tables.background else "",
    }
    for table, why in reason.items():
        if why:
            raise InputError(f"{measured.source}: {table}: {why}; take a scenario without the table")


def _steps(models: Iterable[TraceModel], names: Sequence[str], varying: Estimate | None) -> list[Simulated]:
    """The whole steps of every trace."""
    jitter = varying.value if varying and varying.identified else 0.0
    found = (whole_steps(model, names, jitter) for model in models)
    return [each for each in found if each is not None]


def start_of(name: str, resolved: Sequence[ResolvedScenario]) -> float:
    """Where a fit begins: what changes nothing."""
    neutral = parameter_kind(name).neutral
    if neutral is not None:
        return neutral
    if name in _OF_PROCESSES:
        nodes = [each.platform.system.node.processes for each in resolved]
        return max((getattr(node, _OF_PROCESSES[name]) for node in nodes if node is not None), default=0.0)
    figure = "collective" if name == "collective.call" else name.removeprefix("overhead.")
    return max(each.platform.overheads()[figure] for each in resolved)


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
