"""Times of messages between two processes, sent as training sends them; for `clustersim probe`.

Every message is sent both as an algorithm's own (a header, then the numbers) and as a part of a collective (the numbers
alone), with the copies that go with it. In training, one side usually has been waiting for the other when a message
begins, and has come to sleep long between looks. So either side lets the other wait for some milliseconds, and times
the message from then on. ``python -m validation.training.message_times FILE ROUNDS`` is one of the processes.
"""

from __future__ import annotations

import functools
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.algorithms.vocabulary import Array
from simulator.errors import RunError
from simulator.learning.allocation import keep_freed_memory
from simulator.probe.messages import Messages, MessageTime
from simulator.probe.timing import Measured, summary
from validation.training.launch import last_words, run_processes
from validation.training.polling import FIRST_SLEEP, prompt_timers
from validation.training.transport import Transport

__all__ = ["measure_messages"]

_SIZES = tuple(8 * 4**power for power in range(11))  #: bytes, 8 B to 8.4 MB
_SMALL = 65536  #: bytes up to which what a header takes is a good part of a message's time
_LATE = (1e-3, 4e-3)  #: how long one side lets the other wait [s]
_LONG_WAIT = 0.2  #: seconds, for the share of a core that waiting takes


def measure_messages(
    rounds: int,
    time_limit: float = 60.0,
    progress: Callable[[float], None] = lambda share: None,
    mpiexec: str | None = None,
) -> Messages:
    """Measure messages of all sizes, `rounds` times each.

    Raises
    ------
    InputError
        If mpi4py or mpiexec is missing; the message says how to install them.
    RunError
        If a process fails, or they have not ended after `time_limit` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="clustersim-probe-") as folder:
        file, log = Path(folder, "times.json"), Path(folder, "log")
        arguments = [str(file), str(rounds)]
        code = run_processes(
            "validation.training.message_times", arguments, 2, log, lambda: progress(_share(file)), mpiexec, time_limit
        )
        if code is None:
            raise RunError(f"probe: messages were not all sent after {time_limit:g} s")
        if code or not file.exists():
            raise RunError(f"probe: the processes that send messages failed ({last_words(log, 'no message')})")
        return _read(json.loads(file.read_text(encoding="utf-8")))


def _share(file: Path) -> float:
    """How far the processes are."""
    try:
        return float(file.with_suffix(".share").read_text())
    except (OSError, ValueError):
        return 0.0


def _read(document: dict[str, Any]) -> Messages:
    rows = document["messages"]
    times = tuple(
        MessageTime(row["size"], _mean_of_kinds(row["late"], "part"), _mean_of_kinds(row["prompt"], "part"))
        for row in rows
    )
    more = [
        _mean_of_kinds(row["late"], "message").value - _mean_of_kinds(row["late"], "part").value
        for row in rows
        if row["size"] <= _SMALL
    ]
    announcement = summary([max(seconds, 0.0) for seconds in more])
    return Messages(times, announcement, document["waiting"], document["shortest_sleep"], document["library"])


def _mean_of_kinds(samples: dict[str, list[float]], of: str) -> Measured:
    """Mean over which side was late of the medians."""
    kinds = [summary(taken) for kind, taken in samples.items() if kind.startswith(of)]
    error = math.sqrt(sum(kind.std**2 for kind in kinds)) / len(kinds)
    return Measured(fmean(kind.value for kind in kinds), error, sum(kind.samples for kind in kinds))


# In the processes -----------------------------------------------------------------------------------------------------


class _Pair:
    """Process 0 sends to process 1."""

    def __init__(self, world: Any) -> None:
        self.sends = world.rank == 0
        self._transport = Transport(world, (0, 1))
        self.kinds = {"message": self.message, "part": self.part}

    def message(self, values: NDArray[np.float64]) -> None:
        """One message of an algorithm, from this side."""
        if self.sends:
            array = Array("probe", (len(values),), values.itemsize, values)
            self._transport.send(values, self._transport.announce(array, 0, 1), 1)
        else:
            header = self._transport.hear(0, 1)
            self._transport.receive(np.empty(header.numbers, np.dtype(header.dtype)), header, 1)

    def part(self, values: NDArray[np.float64]) -> None:
        """One message of a collective, from this side."""
        if self.sends:
            list(self._transport.exchange(0, [], [(values, 1)]))
        else:
            list(self._transport.exchange(1, [(np.empty_like(values), 0)], []))


def _keep_busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _measure(world: Any, rounds: int, note: Callable[[float], None]) -> list[dict[str, Any]]:
    """Rows of this side; the sizes take turns, so that a disturbance does not hit one alone."""
    pair, draws = _Pair(world), random.Random(0)
    arrays = [np.ones(size // 8) for size in _SIZES]
    rows: list[dict[str, Any]] = [{"size": size, "late": {}, "prompt": {}} for size in _SIZES]
    for done in range(-1, rounds):  # the first round warms up
        for values, row in zip(arrays, rows, strict=True):
            for kind, act in pair.kinds.items():
                for sender_is_late in (True, False):
                    late = draws.uniform(*_LATE)  # the same on both sides
                    mine = pair.sends == sender_is_late
                    if mine:
                        _keep_busy(late)
                    seconds = _timed(lambda act=act, values=values: act(values))  # type: ignore[misc]
                    if mine and done >= 0:
                        row["late"].setdefault(f"{kind} {'sent' if pair.sends else 'received'} late", []).append(
                            seconds
                        )
            for kind, act in pair.kinds.items():
                world.Barrier()
                seconds = _timed(lambda act=act, values=values: act(values))  # type: ignore[misc]
                if done >= 0:
                    row["prompt"].setdefault(kind, []).append(seconds)
        note(max(0.0, (done + 1) / rounds))
    return rows


def _waiting(world: Any) -> float:
    """Share of a core that process 1 uses while it waits for process 0."""
    pair, values = _Pair(world), np.ones(1)
    if pair.sends:
        time.sleep(_LONG_WAIT)
        pair.part(values)
        return 0.0
    used, passed = time.process_time(), time.perf_counter()
    pair.part(values)
    return (time.process_time() - used) / (time.perf_counter() - passed)


def _note(file: Path, share: float) -> None:
    file.write_text(str(share), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """One of the two processes."""
    from mpi4py import MPI

    prompt_timers()
    keep_freed_memory()
    world, file = MPI.COMM_WORLD, Path(arguments[0])
    note: Callable[[float], None] = lambda share: None  # noqa: E731
    if world.rank == 0:
        note = functools.partial(_note, file.with_suffix(".share"))
    sides: Any = world.gather(_measure(world, int(arguments[1]), note))
    waits: Any = world.gather(_waiting(world))
    if world.rank == 0:
        rows = [
            {"size": mine["size"], "late": mine["late"] | other["late"], "prompt": mine["prompt"]}
            for mine, other in zip(sides[0], sides[1], strict=True)
        ]
        document = {
            "messages": rows,
            "waiting": max(waits),
            "shortest_sleep": summary([_timed(lambda: time.sleep(FIRST_SLEEP)) for _ in range(50)]).value,
            "library": MPI.Get_library_version().splitlines()[0].strip("\x00 \t"),
        }
        file.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
