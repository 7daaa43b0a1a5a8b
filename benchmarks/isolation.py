"""Each run in a process of its own: nothing is warm but what a workload prepares, and memory is of that run alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement
from benchmarks.workloads import Workload, stored
from simulator.errors import RunError

__all__ = ["answer", "calibrate", "run_alone"]

_ROOT = Path(__file__).parents[1]


def run_alone(workload: Workload, exact: bool, limit: float) -> Measurement:
    """Play a workload once on our side.

    Raises
    ------
    RunError
        If it fails or takes longer than `limit` seconds; the message is one line.
    """
    command = [sys.executable, "-m", "benchmarks.one_run", "exact" if exact else "fast"]
    return Measurement.of(answer(command, json.dumps(stored(workload)), limit))


def calibrate() -> float:
    """Bare SimPy's events a second."""
    return float(answer([sys.executable, "-m", "benchmarks.one_run", "calibrate"], "", 60.0)["events_per_s"])


def answer(command: Sequence[str], text: str, limit: float) -> dict[str, Any]:
    """The JSON object that a process prints on its last line.

    Raises
    ------
    RunError
        If it fails, takes too long, or prints something else.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=limit, check=False, cwd=_ROOT
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"more than {limit:g} s") from None
    except OSError as error:
        raise RunError(f"cannot run {name}: {error.strerror}") from None
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise RunError(f"{name}: exit code {done.returncode}: {said[-1] if said else 'it said nothing'}")
    try:
        document: dict[str, Any] = json.loads(lines[-1])
    except ValueError:
        raise RunError(f"{name}: it answered {lines[-1][:80]!r}") from None
    return document
