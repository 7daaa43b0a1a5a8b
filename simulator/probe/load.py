"""One process that keeps a core busy now and then: ``python -m simulator.probe.load SCHEDULE``.

The schedule, as JSON, is a list of turns ``[kind, start, seconds]``: from the time of day `start` on the process does
work of that kind. At its end it prints how many pieces of work a second it has done in each turn, as JSON; of a turn of
`BALANCE`, how long it took for its piece. Several such processes with the same turns are a machine whose cores are
shared.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

from simulator.learning.allocation import keep_freed_memory

__all__ = ["BALANCE", "INTERRUPTIONS", "KINDS", "copy_bytes", "main", "stream_bytes", "threads_rate"]

_STREAMED = 4_000_000  #: elements of each of three arrays: far more than a core's own cache
_CACHED = 131_072  #: elements of a copy that stays in a core's own cache
_INTERRUPTED = 0.3e-3  #: a look at the clock that comes so late [s] had another process before it
_UPDATED = 100_000  #: elements of an update by a master's thread
_SIDE = 96  #: of a matrix product that stays in a core's own cache


def stream_bytes() -> float:
    """Bytes that a piece of work of kind ``"memory"`` moves: two arrays read, one written."""
    return 3.0 * 8 * _STREAMED


def copy_bytes(kind: str = "copy") -> float:
    """Bytes that a piece of work of kind ``"copy"`` or ``"small copy"`` copies; it moves twice as many."""
    return 8.0 * (_STREAMED if kind == "copy" else _CACHED)


def _product() -> Callable[[], object]:
    left = np.ones((_SIDE, _SIDE))
    result = np.empty_like(left)
    return lambda: np.matmul(left, left, out=result)


def _stream() -> Callable[[], object]:
    first, second, result = np.ones(_STREAMED), np.ones(_STREAMED), np.ones(_STREAMED)
    return lambda: np.add(first, second, out=result)


def _copy() -> Callable[[], object]:
    return _copying(_STREAMED)


def _small_copy() -> Callable[[], object]:
    return _copying(_CACHED)


def _copying(elements: int) -> Callable[[], object]:
    """Copies as processes make them: each into an array of its own, while the one before is still there."""
    source = np.ones(elements)
    held = [source, source]

    def copy() -> None:
        held.append(source.copy())
        del held[0]

    return copy


#: What a process can be busy with: arithmetic, reading and writing memory, copying, copying within a core's own cache.
KINDS = {"compute": _product, "memory": _stream, "copy": _copy, "small copy": _small_copy}
#: Or: looking at the clock, to see how often it is interrupted.
INTERRUPTIONS = "interruptions"
#: Or: one piece of work of so many seconds of a core, and how long it took.
BALANCE = "balance"


def _interruptions(seconds: float) -> float:
    """How often a second another process gets this one's core."""
    begun = last = now = time.perf_counter()
    seen = 0
    while now - begun < seconds:
        now = time.perf_counter()
        if now - last > _INTERRUPTED:
            seen += 1
        last = now
    return seen / (now - begun)


def _elapsed(work: Callable[[], object], seconds: float) -> float:
    """How long [s] it takes to get so many seconds of a core for some work."""
    begun, had = time.perf_counter(), time.process_time()
    while time.process_time() - had < seconds:
        work()
    return time.perf_counter() - begun


def _rate(work: Callable[[], object], seconds: float) -> float:
    """Pieces of work a second."""
    begun = now = time.perf_counter()
    done = 0
    while now - begun < seconds:
        work()
        done += 1
        now = time.perf_counter()
    return done / (now - begun)


def threads_rate(threads: int, seconds: float) -> float:
    """Updates a second that so many threads of this process make together, each of arrays of its own."""
    rates = [0.0] * threads
    start = threading.Barrier(threads)

    def busy(index: int) -> None:
        weights, gradient = np.ones(_UPDATED), np.ones(_UPDATED)

        def update() -> None:
            weights[...] = weights - 1e-9 * gradient

        start.wait()
        rates[index] = _rate(update, seconds)

    workers = [threading.Thread(target=busy, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(rates)


def main(arguments: list[str]) -> None:
    """Be busy by the schedule."""
    turns = json.loads(arguments[0])
    keep_freed_memory()
    works = {kind: KINDS[kind]() for kind, _, _ in turns if kind in KINDS}
    works[BALANCE] = _product()
    for work in works.values():
        work()
    rates = []
    for kind, start, seconds in turns:
        time.sleep(max(0.0, start - time.time()))
        if kind == INTERRUPTIONS:
            rates.append(_interruptions(seconds))
        else:
            rates.append((_elapsed if kind == BALANCE else _rate)(works[kind], seconds))
    print(json.dumps(rates))


if __name__ == "__main__":
    main(sys.argv[1:])
