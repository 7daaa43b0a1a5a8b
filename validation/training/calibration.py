"""The calibration of the recorded machine, from the traces of a third of the grid and from nothing else.

In two stages. The first fits single operations, as `clustersim calibrate` does. Operations of processes that share
cores take longer by what the others do meanwhile, which a trace shows only mixed with all else, so the second stage
fits whole steps: how much all cores do at once (`cores.scale`), how much less when more processes than cores compute
(`cores.crowded`), how long a message waits while all cores compute (`cores.turn`), and with these the scales of
arithmetic and messages, held near what the first stage has found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.calibrate import calibrate, recording
from simulator.calibration.effects import with_effect
from simulator.calibration.overlay import Correlation, FittedParameter, Overlay, load_overlay
from simulator.calibration.overlay_text import write_overlay
from simulator.calibration.parameters import parameter_kind
from simulator.errors import InputError
from simulator.processes import process_pool
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
    "collective.call",
)
#: What the second stage fits, with the relative standard deviation that holds it near the first stage's value.
REFINED: Mapping[str, float] = {
    "cores.scale": 0.3,
    "cores.crowded": 0.3,
    "cores.turn": 1.0,
    "compute.scale.mlp": 0.1,
    "compute.scale.lenet": 0.1,
    "update.scale": 0.1,
    "link.cpu-node-memory.bandwidth": 0.3,
}
_TURN = 2e-3  #: where the fit of ``cores.turn`` begins [s]: a time slice
_STEP_ERROR = 0.1  #: relative error of one measured step, runs repeated differ by about as much
_DIFFERENCE = 0.04  #: relative step of the slopes
_ROUNDS = 6
_BOUNDS = (1e-4, 10.0)


def refit(folder: Path = FOLDER, progress: Callable[[str], None] = lambda what: None) -> Overlay:
    """Fit both stages, and write ``overlay.toml`` in the folder. Takes about ten minutes on two cores.

    Raises
    ------
    InputError
        If a trace of the fitted third is missing.
    """
    recordings = []
    for case in fitted_third():
        path = folder / "traces" / f"{case}.json.gz"
        if not path.exists():
            raise InputError(f"{path}: no such file; the calibration is of all of the fitted third")
        recordings.append(recording(path, read_trace(path), case.scenario(MACHINE, folder)))
    first = calibrate(recordings, PARAMETERS, name="cpu-node", progress=progress).overlay
    write_overlay(first, folder / "overlay.toml")
    return refine(folder, progress)


def refine(folder: Path = FOLDER, progress: Callable[[str], None] = lambda what: None) -> Overlay:
    """The second stage, from the ``overlay.toml`` of the first, which it replaces.

    Gauss and Newton's method on the logarithms of step times and parameters, residuals beyond three standard errors
    counted less (Huber 1964).
    """
    overlay = load_overlay(folder / "overlay.toml")
    seen = set(fitted_third())
    measured = [row for row in read_measured(folder) if row.case in seen]
    observed = np.log([row.step_time for row in measured])
    names, errors = list(REFINED), np.array(list(REFINED.values()))
    start = np.log([overlay.values.get(name, _TURN if name == "cores.turn" else 1.0) for name in names])
    now = start.copy()
    cases = [row.case for row in measured]
    with process_pool(os.cpu_count() or 1, "calibration") as pool:

        def logs(vector: Any) -> Any:
            values = {**overlay.values, **dict(zip(names, np.exp(vector).tolist(), strict=True))}
            return np.log(list(pool.map(partial(predicted_step, values=values, folder=folder), cases, chunksize=4)))

        for round_ in range(_ROUNDS):
            progress(f"whole steps, round {round_ + 1} of {_ROUNDS}")
            here = logs(now)
            slopes = np.array([(logs(now + _DIFFERENCE * axis) - here) / _DIFFERENCE for axis in np.eye(len(names))]).T
            left = observed - here
            weights = np.minimum(1.0, 3 * _STEP_ERROR / np.maximum(np.abs(left), 1e-12)) / _STEP_ERROR**2
            precision = slopes.T @ (weights[:, None] * slopes) + np.diag(errors**-2)
            move = np.linalg.solve(precision, slopes.T @ (weights * left) + (start - now) / errors**2)
            now = np.clip(now + move, *np.log(_BOUNDS))
    refined = _with(overlay, names, np.exp(now), np.linalg.inv(precision))
    write_overlay(refined, folder / "overlay.toml")
    return refined


def predicted_step(case: Case, values: Mapping[str, float], folder: Path) -> float:
    """The simulated time of a step of a case [s] with these parameters."""
    scenario = case.scenario(MACHINE, folder)
    own = with_effect(values, Simulation(scenario))
    return simulated_step(scenario, {"calibration.parameters": own})


def _with(overlay: Overlay, names: Sequence[str], values: Any, covariance: Any) -> Overlay:
    """The overlay with the refined parameters; their errors are relative, as they were fitted as logarithms."""
    parameters = dict(overlay.parameters)
    deviations = np.sqrt(np.diag(covariance))
    for name, value, deviation in zip(names, values, deviations, strict=True):
        start = overlay.values.get(name, 1.0)
        parameters[name] = FittedParameter(
            value=float(value),
            unit=parameter_kind(name).unit,
            std=float(value * deviation),
            start=start,
            bounds=_BOUNDS,
            at_bound=bool(np.isclose(value, _BOUNDS).any()),
        )
    matrix = covariance / np.outer(deviations, deviations)
    rows = tuple(tuple(float(entry) for entry in row) for row in (matrix + matrix.T) / 2)
    return overlay.model_copy(
        update={"parameters": parameters, "correlation": Correlation(names=tuple(names), matrix=rows)}
    )
