"""One process that keeps a core busy now and then: ``python -m simulator.probe.load SCHEDULE``.

The schedule, as JSON, is a list of turns ``[kind, start, seconds]``: from the time of day `start` on the process does
work of that kind. At its end it prints how many pieces of work a second it has done in each turn, as JSON. Several such
processes with the same turns are a machine whose cores are shared.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

__all__ = ["KINDS", "copy_bytes", "main", "stream_bytes", "threads_rate"]

_STREAMED = 4_000_000  #: elements of each of three arrays: far more than a core's own cache
_UPDATED = 100_000  #: elements of an update by a master's thread
_SIDE = 96  #: of a matrix product that stays in a core's own cache


def stream_bytes() -> float:
    """Bytes that a piece of work of kind ``"memory"`` moves: two arrays read, one written."""
    return 3.0 * 8 * _STREAMED


def copy_bytes() -> float:
    """Bytes that a piece of work of kind ``"copy"`` copies; it moves twice as many."""
    return 8.0 * _STREAMED


def _product() -> Callable[[], object]:
    left = np.ones((_SIDE, _SIDE))
    result = np.empty_like(left)
    return lambda: np.matmul(left, left, out=result)


def _stream() -> Callable[[], object]:
    first, second, result = np.ones(_STREAMED), np.ones(_STREAMED), np.ones(_STREAMED)
    return lambda: np.add(first, second, out=result)


def _copy() -> Callable[[], object]:
    source, target = np.ones(_STREAMED), np.ones(_STREAMED)
    return lambda: np.copyto(target, source)


#: What a process can be busy with: arithmetic, reading and writing memory, copying.
KINDS = {"compute": _product, "memory": _stream, "copy": _copy}


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
    works = {kind: KINDS[kind]() for kind, _, _ in turns}
    for work in works.values():
        work()
    rates = []
    for kind, start, seconds in turns:
        time.sleep(max(0.0, start - time.time()))
        rates.append(_rate(works[kind], seconds))
    print(json.dumps(rates))


if __name__ == "__main__":
    main(sys.argv[1:])
