"""Locks in virtual time: first come, first served, and who let whom in."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

import simpy

from simulator.execution.cursor import Cursor
from simulator.trace.spans import NO_CAUSE

__all__ = ["Lock"]


class Lock:
    """One lock; `holder` is the rank that has it."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._waiting: deque[tuple[simpy.Event, int]] = deque()
        self._released_by = NO_CAUSE
        self.holder: int | None = None

    def acquire(self, cursor: Cursor) -> Generator[simpy.Event, Any, None]:
        """Wait for the lock; if it was taken, whoever gave it up is why the rank goes on now."""
        if self.holder is None:
            self.holder = cursor.rank
            return
        turn = simpy.Event(self._env)
        self._waiting.append((turn, cursor.rank))
        yield turn
        cursor.last = self._released_by

    def release(self, cursor: Cursor) -> None:
        """Give the lock to the one that has waited longest."""
        if self.holder != cursor.rank:
            raise RuntimeError(f"rank {cursor.rank} releases a lock that rank {self.holder} holds")
        self._released_by = cursor.last
        if self._waiting:
            turn, self.holder = self._waiting.popleft()
            turn.succeed()
        else:
            self.holder = None
