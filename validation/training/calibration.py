"""The calibration of the recorded machine, from the traces of a third of the grid and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.calibration.calibrate import Calibrated, calibrate, recording
from simulator.calibration.overlay_text import write_overlay
from simulator.errors import InputError
from simulator.trace.chrome import read_trace
from validation.training.grid import FOLDER, MACHINE, fitted_third

__all__ = ["PARAMETERS", "refit"]

#: What is fitted. Each network has its own time of a gradient, whatever its width and batch; all else is the machine's.
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
    "jitter.compute",
)


def refit(folder: Path = FOLDER, progress: Callable[[str], None] = lambda what: None) -> Calibrated:
    """Fit, and write ``overlay.toml`` in the folder.

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
    found = calibrate(recordings, PARAMETERS, name="cpu-node", progress=progress)
    write_overlay(found.overlay, folder / "overlay.toml")
    return found
