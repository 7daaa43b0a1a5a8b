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

from simulator.errors import InputError, RunError
from simulator.processes import child_environment
from validation.training.guard import first_error
from validation.training.journal import read_step

__all__ = ["find_mpiexec", "last_words", "launch", "run_processes"]

_POLL = 0.1  #: seconds between looks at the processes
_GRACE = 5.0  #: seconds that processes have to end when they are asked to


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
    log = folder / "log"
    code = run_processes(
        "validation.training.process",
        [str(folder)],
        max(homes) + 1,
        log,
        lambda: progress(read_step(folder / "journal-0")),
        mpiexec,
        time_limit,
    )
    if code == 0:
        return
    if code is None:
        problem = f"the run had not come to its end after {time_limit:g} s,"
    else:
        problem = _failure(folder, homes, log)
    step = max(read_step(folder / f"journal-{rank}") for rank in range(len(homes)))
    raise RunError(f"{problem} in step {step} of {steps}")


def run_processes(
    module: str,
    arguments: Sequence[str],
    processes: int,
    log: Path,
    watch: Callable[[], None],
    mpiexec: str | None = None,
    time_limit: float | None = None,
) -> int | None:
    """Run a module in so many processes of one MPI world, and wait for them.

    Parameters
    ----------
    log : Path
        Gets what they print.
    watch : callable
        Called again and again while they run.

    Returns
    -------
    int or None
        The exit code of mpiexec; None if they were ended because the time was up.

    Raises
    ------
    InputError
        If there is no mpiexec.
    """
    command = [*find_mpiexec(mpiexec), "-n", str(processes), sys.executable, "-m", module, *arguments]
    begun = time.monotonic()
    with log.open("wb") as output:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment(),
            start_new_session=True,
        )
        try:
            while running.poll() is None:
                time.sleep(_POLL)
                watch()
                if time_limit is not None and time.monotonic() - begun > time_limit:
                    return None
        finally:
            _end(running)
    return running.returncode


def last_words(log: Path, otherwise: str) -> str:
    """The last line that processes have printed."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), otherwise)


def _end(running: subprocess.Popen[bytes]) -> None:
    """End mpiexec and with it all processes, if they still run."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if running.poll() is None:
            try:
                os.killpg(running.pid, how)
                running.wait(_GRACE)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def _failure(folder: Path, homes: Sequence[int], log: Path) -> str:
    """What ended the run, from what the processes and mpiexec have left."""
    found = first_error(folder, max(homes) + 1)
    if found:
        process, text = found
        return f"{_who(process, homes)} {text}"
    return f"the processes ended early ({last_words(log, 'they left no message')})"


def _who(process: int, homes: Sequence[int]) -> str:
    ranks = [rank for rank, home in enumerate(homes) if home == process]
    return f"rank {ranks[0]}" if len(ranks) == 1 else f"the master (ranks {ranks[0]} to {ranks[-1]})"
