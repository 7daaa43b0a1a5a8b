"""A guard for each process of a real run, so that a sudden end is known for what it was.

When a process dies, MPI's launcher ends all others the same way, and nobody can tell afterwards which was first. So
each process is split in two at its start: the guard does nothing but wait for the other, and if that is killed, says so
in ``error-<process>.txt``, and when: files that are written in the same tick of the system bear the same time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

__all__ = ["first_error", "guarded_process", "note_error"]

_KILLED = "was killed"
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
#: Where launchers tell a process its number: MPICH and Intel, Open MPI, Slurm.
_NUMBERS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")


def note_error(folder: Path, process: int | str, text: str) -> None:
    """Leave what has ended a process, with the time of day."""
    (folder / f"error-{process}.txt").write_text(f"{time.time_ns()} {text}\n", encoding="utf-8")


def first_error(folder: Path, processes: int) -> tuple[int, str] | None:
    """Which of so many processes was ended first, and what it or its guard has said of it; None if none has.

    One that was killed goes before those that failed: they may have failed for want of it, and said so before its guard
    had woken up. Launchers end the others with SIGTERM, or by killing the guards, who then say nothing.
    """
    found = []
    for process in range(processes):
        path = folder / f"error-{process}.txt"
        if path.exists():
            at, _, text = path.read_text(encoding="utf-8").strip().partition(" ")
            if text:  # or else its writer was ended as well
                struck = text.startswith(_KILLED) and signal.SIGTERM.name not in text
                found.append((not struck, int(at), process, text))
    return min(found)[2:] if found else None


def guarded_process(folder: Path) -> None:
    """Go on in a child process; its parent waits and never returns from here."""
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        _die_with(guard)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        process = next((os.environ[name] for name in _NUMBERS if name in os.environ), "unknown")
        name = signal.Signals(os.WTERMSIG(status)).name
        note_error(folder, process, f"{_KILLED} ({name})")
    sys.stdout.flush()
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _die_with(guard: int) -> None:
    """Have the system kill this process when its guard is gone, for the launcher knows only the guard."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(1)
