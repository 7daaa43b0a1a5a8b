"""Whether the steps of a run in lockstep have settled: see `simulator.execution.steady_state` for what that allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from simulator.execution.lockstep.record import Batch, CollectiveCall, LocalWork, Record
from simulator.execution.repetition import Repetition
from simulator.execution.steady_state import MARGIN, TOLERANCE, WINDOW

__all__ = ["settled_step"]


def settled_step(record: Record, steps: int, copies: int) -> Repetition | None:
    """A step of a run of `steps` steps repeated so often; None if the run has not settled."""
    last = steps - 1 - MARGIN
    first = last - WINDOW
    if first < 1:
        return None
    by_step: defaultdict[int, list[Batch]] = defaultdict(list)
    order = []
    for batch in record.batches:
        step = int(batch.step[0])
        if (batch.step != step).any():
            return None
        by_step[step].append(batch)
        order.append(step)
    if order != sorted(order) or len(by_step) != steps:
        return None
    # The moment that the last collective of a step began, or else its last span ended.
    period = _moment(by_step[last][-1]) - _moment(by_step[last - 1][-1])
    start = by_step[last][0].first
    found = Repetition(last, period, start, start - by_step[last - 1][0].first, copies)
    for step in range(first, last):
        now, following = by_step[step], by_step[step + 1]
        if len(now) != len(following) or not all(map(_moved_by(found), now, following)):
            return None
    # What comes later has to follow from these steps alone: it is moved with them. And nothing may be left of those
    # before them, which stay where they are.
    near, begun = by_step[last - 1][0].first, min(map(_start, by_step[last]))
    follows = all(_earliest_cause(batch) >= near for step in range(last, steps) for batch in by_step[step])
    over = all(_end(batch) <= begun for step in range(first) for batch in by_step[step])
    return found if follows and over else None


def _moved_by(found: Repetition) -> Callable[[Batch, Batch], bool]:
    """Tells whether two batches are one, moved by a period."""
    slack = TOLERANCE * found.period

    def equal(before: Batch, after: Batch) -> bool:
        if after.first - before.first != found.spans:
            return False
        if isinstance(before, CollectiveCall) and isinstance(after, CollectiveCall):
            return (
                before.played is after.played
                and before.kind == after.kind
                and abs(after.base - before.base - found.period) <= slack
                and bool((after.entry - before.entry == found.spans).all())
            )
        if isinstance(before, LocalWork) and isinstance(after, LocalWork):
            same = (before.lane, before.name, before.size) == (after.lane, after.name, after.size)
            return (
                same
                and bool(np.array_equal(before.rank, after.rank))
                and bool((abs(after.end - before.end - found.period) <= slack).all())
                and bool((abs(after.start - before.start - found.period) <= slack).all())
                and bool((after.cause - before.cause == found.spans).all())
            )
        return False

    return equal


def _moment(batch: Batch) -> float:
    return batch.base if isinstance(batch, CollectiveCall) else float(batch.end[0])


def _start(batch: Batch) -> float:
    return batch.base if isinstance(batch, CollectiveCall) else float(batch.start.min())


def _end(batch: Batch) -> float:
    return batch.base + float(batch.played.ready.max()) if isinstance(batch, CollectiveCall) else float(batch.end.max())


def _earliest_cause(batch: Batch) -> int:
    return int((batch.entry if isinstance(batch, CollectiveCall) else batch.cause).min())
