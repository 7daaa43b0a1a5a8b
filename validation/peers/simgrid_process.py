"""SimGrid in an interpreter of its own: finding one, having it play an experiment, saying what went wrong.

SimGrid is compiled and bound to one Python, often the system's and not the one that runs this project. So it stays a
separate process, to which `simgrid_driver.py` is given as a script; nothing of it is imported here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from simulator.errors import InputError, RunError
from validation.peers.experiment import Experiment, Times

__all__ = ["CONFIGURATION", "HOW_TO_INSTALL", "INTERPRETER_VARIABLE", "SimGrid", "find_simgrid"]

#: Names an interpreter that has SimGrid, for those who have it in neither place where it is looked for.
INTERPRETER_VARIABLE = "CLUSTERSIM_SIMGRID_PYTHON"

#: SimGrid as plain max-min sharing: no correction of latencies and bandwidths, no acknowledgements that take bandwidth,
#: no windows, all rates anew at every change. Times are kept to 1e-15 s: by default SimGrid rounds what is less than a
#: nanosecond away, which is 0.04 % of a message of two microseconds, and lets flows end a nanosecond early.
CONFIGURATION: Mapping[str, str] = {
    "network/model": "CM02",
    "network/latency-factor": "1",
    "network/bandwidth-factor": "1",
    "network/weight-S": "0",
    "network/crosstraffic": "0",
    "network/TCP-gamma": "0",
    "network/optim": "Full",
    "surf/precision": "1e-15",
}

HOW_TO_INSTALL = (
    "SimGrid's Python bindings were not found. On Debian and Ubuntu: apt install python3-simgrid, which is for "
    '/usr/bin/python3 and found there. Elsewhere: pip install "pybind11<3" setuptools, then pip install '
    "--no-build-isolation simgrid, which compiles for about 12 minutes. An interpreter elsewhere that has it is named "
    f"by {INTERPRETER_VARIABLE}=/path/to/python3."
)

_DRIVER = Path(__file__).with_name("simgrid_driver.py")
_SYSTEM_PYTHON = "/usr/bin/python3"
_NO_SIMGRID = 3  #: the driver's exit code where there is none


@dataclass(frozen=True)
class SimGrid:
    """An interpreter with SimGrid.

    Attributes
    ----------
    python : str
        Path of the interpreter.
    version : str
        Of SimGrid.
    limit : float
        Seconds that one experiment may take.
    """

    python: str
    version: str
    limit: float = 60.0

    def play(self, experiment: Experiment, configuration: Mapping[str, str] = CONFIGURATION) -> Times:
        """When SimGrid starts and ends the messages.

        Raises
        ------
        RunError
            If it fails, takes longer than `limit`, or answers something else; the message is one line.
        """
        text = _run(self.python, [], json.dumps(experiment.document(configuration)), self.limit)
        return _times(text)


def find_simgrid(interpreter: str | None = None) -> SimGrid | None:
    """The first interpreter that has SimGrid, or None if none has.

    Parameters
    ----------
    interpreter : str, optional
        The only one to look at; if left out, the one that the environment names, or else this one and the system's.

    Raises
    ------
    InputError
        If an interpreter that was named has no SimGrid, or is none.
    """
    named = interpreter or os.environ.get(INTERPRETER_VARIABLE)
    for python in [named] if named else _candidates():
        try:
            return SimGrid(python, _version(python))
        except (_Absent, RunError) as error:
            if named:
                raise InputError(f"{python}: expected a Python interpreter that has SimGrid: {error}") from None
    return None


def _version(python: str) -> str:
    text = _run(python, ["--version"], "", 20.0)
    try:
        return str(json.loads(text)["simgrid"])
    except (ValueError, KeyError, TypeError):
        raise RunError(f"it answered {text[:80]!r} when asked for the version") from None


def _candidates() -> Iterable[str]:
    return dict.fromkeys([sys.executable, _SYSTEM_PYTHON])


class _Absent(Exception):
    """The interpreter is there, SimGrid is not."""


def _run(python: str, arguments: list[str], text: str, limit: float) -> str:
    """Standard output of the driver."""
    try:
        done = subprocess.run(
            [python, str(_DRIVER), *arguments], input=text, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"SimGrid did not finish within {limit:g} s") from None
    except OSError as error:
        raise RunError(f"cannot run {python}: {error.strerror}") from None
    if done.returncode == _NO_SIMGRID:
        raise _Absent(_complaint(done.stderr))
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise RunError(f"SimGrid failed with {how}: {_complaint(done.stderr)}")
    return done.stdout


def _complaint(text: str) -> str:
    """The line of standard error that says what is wrong: SimGrid's own, or Python's, or the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for pattern in (r".*/CRITICAL\] (.*)", r"(\w*(?:Error|Exception)\b.*)"):
        for line in lines:
            found = re.fullmatch(pattern, line)
            if found:
                return found[1]
    return lines[-1] if lines else "it said nothing"


def _times(text: str) -> Times:
    try:
        messages: dict[str, Any] = json.loads(text)["messages"]
        times = {name: [(float(start), float(end)) for start, end in each] for name, each in messages.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RunError(f"SimGrid's driver answered something else than times: {text[:80]!r}") from None
    wrong = [name for name, each in times.items() for pair in each if not all(map(isfinite, pair))]
    if wrong:
        raise RunError(f"SimGrid's driver gave no time to message {wrong[0]}")
    return times
