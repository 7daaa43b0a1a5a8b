"""Starting the processes of a real run with mpiexec, watching them, and saying what became of them."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import simulator
from simulator.errors import InputError, RunError
from validation.training.journal import read_step

__all__ = ["find_mpiexec", "launch"]

_POLL = 0.1  #: seconds between looks at the processes
_GRACE = 5.0  #: seconds that processes have to end when they are asked to
#: One thread a process: processes are what shares the cores.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def find_mpiexec(given: str | None = None) -> list[str]:
    """The command that starts processes: `given`, or the mpiexec beside this Python, or the one on the path.

    Raises
    ------
    InputError
        If there is none, or Python has no mpi4py.
    """
    remedy = "pip install 'clustersim[training]' installs mpi4py and an MPI"
    if importlib.util.find_spec("mpi4py") is None:
        raise InputError(f"training for real needs the package mpi4py: {remedy}")
    if given is not None:
        command = shlex.split(given)
        if not command or shutil.which(command[0]) is None:
            raise InputError(f"--mpiexec: no such command: {given!r}")
        return command
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise InputError(f"training for real needs mpiexec: {remedy}")
    return [found]


def launch(
    folder: Path,
    homes: Sequence[int],
    steps: int,
    progress: Callable[[int], None],
    mpiexec: str | None = None,
    time_limit: float | None = None,
) -> None:
    """Run one process for each of `homes`, to the end.

    Parameters
    ----------
    folder : Path
        Holds ``scenario.json``; the processes leave their files there.
    homes : sequence of int
        The process of each rank.
    steps : int
        Of the run.
    progress : callable
        Told the step of the first rank as it goes on.
    mpiexec : str, optional
        Command with arguments of its own, such as hosts.
    time_limit : float, optional
        Seconds after which the run is ended.

    Raises
    ------
    InputError
        If there is no mpiexec.
    RunError
        If a process died, failed, or the time was up; the message says which rank, in which step, and why.
    """
    processes = max(homes) + 1
    command = [*find_mpiexec(mpiexec), "-n", str(processes), sys.executable, "-m", "validation.training.process"]
    log = folder / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [*command, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
        try:
            problem = _watch(running, folder, progress, time_limit)
        except BaseException:
            _end(running)
            raise
    if running.returncode == 0 and problem is None:
        return
    step = max(read_step(folder / f"journal-{rank}") for rank in range(len(homes)))
    raise RunError(f"{problem or _failure(folder, homes, log)} in step {step} of {steps}")


def _environment() -> dict[str, str]:
    here = str(Path(simulator.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **dict.fromkeys(_ONE_THREAD, "1")}


def _watch(
    running: subprocess.Popen[bytes], folder: Path, progress: Callable[[int], None], time_limit: float | None
) -> str | None:
    """Wait for the end; why it was brought about here, if it was."""
    begun = time.monotonic()
    while running.poll() is None:
        time.sleep(_POLL)
        progress(read_step(folder / "journal-0"))
        if time_limit is not None and time.monotonic() - begun > time_limit:
            _end(running)
            return f"the run had not come to its end after {time_limit:g} s,"
    return None


def _end(running: subprocess.Popen[bytes]) -> None:
    """End mpiexec and with it all processes."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if running.poll() is None:
            try:
                os.killpg(running.pid, how)
                running.wait(_GRACE)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def _failure(folder: Path, homes: Sequence[int], log: Path) -> str:
    """What ended the run, from what the processes and mpiexec have left."""
    errors = {process: folder / f"error-{process}.txt" for process in range(max(homes) + 1)}
    written = {process: error.stat().st_mtime_ns for process, error in errors.items() if error.exists()}
    if written:
        first = min(written, key=lambda process: written[process])
        return f"{_who(first, homes)} {errors[first].read_text(encoding='utf-8').strip()}"
    text = log.read_text(encoding="utf-8", errors="replace")
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "they left no message")
    return f"the processes ended early ({last})"


def _who(process: int, homes: Sequence[int]) -> str:
    ranks = [rank for rank, home in enumerate(homes) if home == process]
    return f"rank {ranks[0]}" if len(ranks) == 1 else f"the master (ranks {ranks[0]} to {ranks[-1]})"
