"""The calibration of the recorded machine, from the traces of a third of the grid and from nothing else.

In two stages. The first fits single operations, as `clustersim calibrate` does, of those runs in which every process
has a core of its own. Operations of processes that share cores take longer by what the others do meanwhile, which a
trace shows only mixed with all else, so the second stage fits whole steps of all runs: how much all cores do at once
(`cores.scale`), how long a process keeps one (`cores.slice`), what it loses when it has to make way (`cores.switch`)
and how long a core is idle before it takes a process that waits for another (`cores.balance`), and with these the
scales of arithmetic and messages, held near what the first stage has found.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.calibrate import calibrate, recording, start_of
from simulator.calibration.effects import with_effect
from simulator.calibration.overlay import Correlation, FittedParameter, Overlay, Source, load_overlay
from simulator.calibration.overlay_text import write_overlay
from simulator.calibration.parameters import parameter_kind
from simulator.errors import InputError
from simulator.processes import process_pool
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.trace.chrome import read_trace
from validation.training.grid import FOLDER, MACHINE, Case, fitted_third, read_measured, simulated_step

__all__ = ["PARAMETERS", "REFINED", "predicted_step", "refine", "refit"]

#: What the first stage fits. Each network has its own time of a gradient, whatever its width and batch; all else is the
#: machine's. No jitter: the spread of operations comes from processes that take turns, which the model has.
PARAMETERS = (
    "compute.scale.mlp",
    "compute.fixed.mlp",
    "compute.scale.lenet",
    "compute.fixed.lenet",
    "update.scale",
    "update.fixed",
    "load.scale",
    "load.fixed",
    "link.cpu-node-memory.bandwidth",
    "overhead.local",
    "overhead.announcement",
    "collective.call",
)
#: What the second stage fits, with the relative standard deviation that holds it near where it starts: what the first
#: stage has found, or what the probe has measured (the first two to a few per cent, the third with small arrays only,
#: the fourth between processes that sleep while they wait and never wake in between).
REFINED: Mapping[str, float] = {
    "cores.scale": 0.02,
    "cores.slice": 0.05,
    "cores.switch": 1.0,
    "cores.balance": 1.0,
    "compute.scale.mlp": 0.1,
    "compute.scale.lenet": 0.1,
    "update.scale": 0.1,
    "link.cpu-node-memory.bandwidth": 0.2,
    "overhead.local": 0.2,
    "overhead.announcement": 0.2,
}
#: Where the fit of ``cores.switch`` begins [s]: in which a core reads its own cache anew from the memory.
_SWITCH = 1e-4
#: Where that of ``cores.balance`` begins at least [s]: Linux balances at its ticks, some of 4 ms.
_BALANCE = 4e-3
_STEP_ERROR = 0.05  #: relative error of one measured step; runs repeated differ by about as much
#: Relative step of the slopes, to both sides: with time slices a step's time jumps where one more is needed.
_DIFFERENCE = 0.1
_LARGEST_MOVE = 0.5  #: of a round, of a logarithm
_ROUNDS = 6
_BOUNDS = (1e-6, 10.0)


def refit(folder: Path = FOLDER, progress: Callable[[str], None] = lambda what: None) -> Overlay:
    """Fit both stages, and write ``overlay.toml`` in the folder. Takes about ten minutes on two cores.

    Raises
    ------
    InputError
        If a trace of the fitted third is missing.
    """
    recordings = []
    for case in fitted_third():
        path, scenario = folder / "traces" / f"{case}.json.gz", case.scenario(MACHINE, folder)
        if not path.exists():
            raise InputError(f"{path}: no such file; the calibration is of all of the fitted third")
        if _core_for_each(scenario):
            recordings.append(recording(path, read_trace(path), scenario))
    first = calibrate(recordings, PARAMETERS, name="cpu-node", progress=progress).overlay
    write_overlay(first, folder / "overlay.toml")
    return refine(folder, progress)


def refine(folder: Path = FOLDER, progress: Callable[[str], None] = lambda what: None) -> Overlay:
    """The second stage, from the ``overlay.toml`` of the first, which it replaces.

    Gauss and Newton's method on the logarithms of step times and parameters, residuals beyond three standard errors
    counted less (Huber 1964). Of all rounds the best is kept, as step times are not smooth in the parameters.
    """
    overlay = load_overlay(folder / "overlay.toml")
    seen = set(fitted_third())
    measured = [row for row in read_measured(folder) if row.case in seen]
    observed = np.log([row.step_time for row in measured])
    names, errors = list(REFINED), np.array(list(REFINED.values()))
    cases = [row.case for row in measured]
    start = np.log(list(_starts(overlay, cases[0].scenario(MACHINE, folder)).values()))
    now, best = start, (inf, start, np.eye(len(names)))
    with process_pool(os.cpu_count() or 1, "calibration") as pool:

        def logs(vector: Any) -> Any:
            values = {**overlay.values, **dict(zip(names, np.exp(vector).tolist(), strict=True))}
            return np.log(list(pool.map(partial(predicted_step, values=values, folder=folder), cases, chunksize=4)))

        for round_ in range(_ROUNDS):
            left = observed - logs(now)
            weights = np.minimum(1.0, 3 * _STEP_ERROR / np.maximum(np.abs(left), 1e-12)) / _STEP_ERROR**2
            cost = float(weights @ left**2 + np.sum(((now - start) / errors) ** 2))
            progress(f"whole steps, round {round_ + 1} of {_ROUNDS}, median error {np.median(np.abs(left)):.1%}")
            around = [(logs(now + _DIFFERENCE * axis), logs(now - _DIFFERENCE * axis)) for axis in np.eye(len(names))]
            slopes = np.array([(above - below) / (2 * _DIFFERENCE) for above, below in around]).T
            precision = slopes.T @ (weights[:, None] * slopes) + np.diag(errors**-2)
            if cost < best[0]:
                best = (cost, now, precision)
            move = np.linalg.solve(precision, slopes.T @ (weights * left) + (start - now) / errors**2)
            now = np.clip(now + np.clip(move, -_LARGEST_MOVE, _LARGEST_MOVE), *np.log(_BOUNDS))
    _, found, precision = best
    overlay = overlay.model_copy(update={"traces": tuple(_sources(folder))})
    refined = _with(overlay, dict(zip(names, np.exp(start), strict=True)), np.exp(found), np.linalg.inv(precision))
    write_overlay(refined, folder / "overlay.toml")
    return refined


def _starts(overlay: Overlay, scenario: Scenario) -> dict[str, float]:
    """Where the parameters of the second stage begin: with what the first has found, or else the probe."""
    machine = [Simulation(scenario)]
    found = {name: overlay.values.get(name, start_of(name, machine)) for name in REFINED}
    least = {"cores.switch": _SWITCH, "cores.balance": _BALANCE}
    return {**found, **{name: max(found[name], value) for name, value in least.items()}}


def _sources(folder: Path) -> Iterator[Source]:
    """The traces of all runs whose whole steps were fitted."""
    for case in fitted_third():
        path = folder / "traces" / f"{case}.json.gz"
        yield Source(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _core_for_each(scenario: Scenario) -> bool:
    """Whether there are no more processes than cores."""
    simulation = Simulation(scenario)
    return len({place.name for place in simulation.devices}) <= simulation.workers[0].device.units.value


def predicted_step(case: Case, values: Mapping[str, float], folder: Path) -> float:
    """The simulated time of a step of a case [s] with these parameters."""
    scenario = case.scenario(MACHINE, folder)
    own = with_effect(values, Simulation(scenario))
    return simulated_step(scenario, {"calibration.parameters": own})


def _with(overlay: Overlay, starts: Mapping[str, float], values: Any, covariance: Any) -> Overlay:
    """The overlay with the refined parameters; their errors are relative, as they were fitted as logarithms."""
    parameters = dict(overlay.parameters)
    deviations = np.sqrt(np.diag(covariance))
    for (name, start), value, deviation in zip(starts.items(), values, deviations, strict=True):
        parameters[name] = FittedParameter(
            value=float(value),
            unit=parameter_kind(name).unit,
            std=float(value * deviation),
            start=float(start),
            bounds=_BOUNDS,
            at_bound=bool(np.isclose(value, _BOUNDS).any()),
        )
    matrix = covariance / np.outer(deviations, deviations)
    rows = tuple(tuple(float(entry) for entry in row) for row in (matrix + matrix.T) / 2)
    return overlay.model_copy(
        update={"parameters": parameters, "correlation": Correlation(names=tuple(starts), matrix=rows)}
    )
