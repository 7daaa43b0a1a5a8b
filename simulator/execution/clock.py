"""SimPy's clock without its detours: the time is an attribute, and an event costs no call before its callbacks.

Events, their order and their failures are SimPy's; whatever runs on a `simpy.Environment` runs on this, and the same.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.events import EventPriority

__all__ = ["Clock", "Delay", "happen"]

_NORMAL = EventPriority(1)


class Clock(simpy.Environment):
    """A `simpy.Environment` that is run until an event in half the time.

    Attributes
    ----------
    now : float
        Virtual time [s].
    """

    now = 0.0  # hides SimPy's property of that name, which is asked for several times an event

    def step(self) -> None:
        """Let the next event happen; see `simpy.Environment.step`."""
        if self._queue:
            self.now = self._queue[0][0]  # before any callback asks for it
        super().step()

    def run(self, until: float | simpy.Event | None = None) -> Any:
        """Let events happen until one or a time has come, or until there are none; see `simpy.Environment.run`.

        Raises
        ------
        RuntimeError
            If there are no events left, but `until` has not happened.
        """
        if not isinstance(until, simpy.Event):
            return super().run(until)
        queue = self._queue
        while until.callbacks is not None:  # which is how SimPy marks an event that has happened
            if not queue:
                raise RuntimeError(f"no events are left, and this one has not happened: {until}")
            self.now, _, _, event = heappop(queue)
            self._now = self.now
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]  # as SimPy does it
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value  # itself, where SimPy makes another of its arguments
        return until.value


class Delay(simpy.Event):
    """Succeeds after so many seconds, as `simpy.Timeout` does, made in half the time."""

    _ok = True
    _value = None

    def __init__(self, env: simpy.Environment, seconds: float) -> None:
        if seconds < 0.0:
            raise ValueError(f"time does not run back: a delay of {seconds} s")
        self.env = env
        self.callbacks = []
        heappush(env._queue, (env._now + seconds, _NORMAL, next(env._eid), self))


def happen(env: simpy.Environment, event: simpy.Event) -> None:
    """Let an event succeed now, as ``event.succeed()`` does, for the last callback of another event to call.

    Where nothing else is to happen at this moment, it would be the next event, and its callbacks are called at once.
    """
    if env.peek() <= env.now:
        event.succeed()
        return
    event._ok, event._value = True, None
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
    for callback in callbacks:
        callback(event)
