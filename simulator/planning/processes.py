"""Points on processes of this machine: each has a thread here that feeds it one point and waits for its record.

A process that dies takes nothing with it but the point it was at, which is tried again in a fresh process. A point
whose process dies again and again, because it needs more memory than there is for example, has failed.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, TypeAlias, cast

from simulator.errors import RunError
from simulator.planning.outcome import Record
from simulator.planning.worker import read_message, write_message
from simulator.processes import child_environment

__all__ = ["ATTEMPTS", "Task", "on_processes"]

#: How often a point is tried whose process dies.
ATTEMPTS = 3

#: A number that names the point, and what `simulator.planning.outcome.simulated` takes.
Task: TypeAlias = tuple[int, tuple[Any, ...]]


def on_processes(
    tasks: Iterator[Task], processes: int, ready: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Record]]:
    """The numbers of the points and their records, as they finish; `ready` is called when the first process can begin.

    Tasks are taken as processes become free, so there may be any number. All processes are ended when the iterator is.

    Raises
    ------
    RunError
        If processes cannot be started.
    """
    pool = _Pool(tasks, processes, ready)
    try:
        yield from pool.records()
    finally:
        pool.stop()


class _Died(Exception):
    """A process ended in the middle of a point."""


class _Pool:
    """Threads that each look after one process."""

    def __init__(self, tasks: Iterator[Task], processes: int, ready: Callable[[], None]) -> None:
        self._tasks = tasks
        self._ready: Callable[[], None] | None = ready
        self._taking = threading.Lock()
        self._stopping = False
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        #: records; None from a thread that has no more to do; an exception that ends the study
        self._found: queue.SimpleQueue[tuple[int, Record] | BaseException | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._look_after, args=(n,), daemon=True) for n in range(processes)]

    def records(self) -> Iterator[tuple[int, Record]]:
        """What the threads find, until all have no more to do."""
        for thread in self._threads:
            thread.start()
        working = len(self._threads)
        while working:
            found = self._found.get()
            if isinstance(found, BaseException):
                raise found
            if found is None:
                working -= 1
            else:
                yield found

    def stop(self) -> None:
        """End all processes, whatever they are at."""
        with self._taking:
            self._stopping = True
            running = list(self._running.values())
        for process in running:
            process.kill()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _next(self) -> Task | None:
        with self._taking:
            return None if self._stopping else next(self._tasks, None)

    def _look_after(self, place: int) -> None:
        """Feed one process, and put another in its place when it dies."""
        process: subprocess.Popen[bytes] | None = None
        try:
            while (task := self._next()) is not None:
                number, point = task
                for attempt in range(1, ATTEMPTS + 1):
                    try:
                        process = process or self._start(place)
                        self._found.put((number, _asked(process, point)))
                        break
                    except _Died:
                        assert process is not None
                        code, process = _ended(process), None
                        if self._stopping:
                            return
                        if attempt == ATTEMPTS:
                            self._found.put((number, ("failed", None, _reason(code))))
        except BaseException as error:
            if not self._stopping:
                self._found.put(error)
        finally:
            if process is not None:
                process.kill()
                _ended(process)
            self._found.put(None)

    def _start(self, place: int) -> subprocess.Popen[bytes]:
        """A process that is ready for points."""
        command = [sys.executable, "-m", "simulator.planning.worker"]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment(), bufsize=-1
            )
        except OSError as error:
            raise RunError(f"a process of the study could not be started ({error.strerror or error})") from None
        with self._taking:
            self._running[place] = process
            stopping = self._stopping
        if stopping:
            process.kill()
        try:
            write_message(cast(BinaryIO, process.stdin), sys.path)
            read_message(cast(BinaryIO, process.stdout))
        except (EOFError, OSError):
            code = _ended(process)
            raise RunError(f"a process of the study ended before it began (exit code {code})") from None
        with self._taking:
            first, self._ready = self._ready, None
        if first is not None:
            first()
        return process


def _asked(process: subprocess.Popen[bytes], point: Sequence[Any]) -> Record:
    try:
        write_message(cast(BinaryIO, process.stdin), point)
        return cast(Record, read_message(cast(BinaryIO, process.stdout)))
    except (EOFError, OSError):
        raise _Died from None


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process, close what led to it, and give its exit code."""
    code = process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # what was still to be written finds no reader
            cast(BinaryIO, stream).close()
    return code


def _reason(code: int) -> str:
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    memory = "; is the machine out of memory?" if code == -9 else ""
    return f"the process that simulated it ended {how}, {ATTEMPTS} times in a row{memory}"
