"""Offsets between the clocks of processes, from exchanges of small messages (Cristian 1989).

Process 0 asks another for its time; half of the round trip later than asking, that time was read there, give or take
the other half. Of many exchanges the quickest says most. Done before and after the run, it also gives the drift, which
is taken as linear in between. Within one machine all processes share a clock, and the offset found is the check of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from validation.training.polling import wait

__all__ = ["Alignment", "Offset", "measure_offset"]

_EXCHANGES = 40


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to this process's clock to get that of process 0, at this process's time `at`; all in seconds.

    The true offset is within `uncertainty` of `value` for certain: half of the quickest round trip.
    """

    at: float
    value: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """The offset as a straight line through the one measured before a run and the one after it, if there is one."""

    before: Offset
    after: Offset | None = None

    def common(self, local: float) -> float:
        """Time on the clock of process 0 at which this process's clock shows `local`."""
        if self.after is None or self.after.at <= self.before.at:
            return local + self.before.value
        share = (local - self.before.at) / (self.after.at - self.before.at)
        return local + self.before.value + share * (self.after.value - self.before.value)


def measure_offset(world: Any) -> Offset:
    """Measure this process's offset; every process of the communicator calls it."""
    for other in range(1, world.size):
        if world.rank == 0:
            _answer_clock(world, other)
        elif world.rank == other:
            return _ask_clock(world)
    return Offset(time.perf_counter(), 0.0, 0.0)


def _ask_clock(world: Any) -> Offset:
    best = Offset(0.0, 0.0, float("inf"))
    for _ in range(_EXCHANGES):
        asked = time.perf_counter()
        world.send(None, dest=0)
        there = world.recv(source=0)
        answered = time.perf_counter()
        if (answered - asked) / 2 < best.uncertainty:
            middle = (asked + answered) / 2
            best = Offset(middle, there - middle, (answered - asked) / 2)
    return best


def _answer_clock(world: Any, other: int) -> None:
    for _ in range(_EXCHANGES):
        world.recv(source=other)
        world.send(time.perf_counter(), dest=other)


def barrier(world: Any) -> None:
    """Wait until every process has come here."""
    wait(world.Ibarrier())
