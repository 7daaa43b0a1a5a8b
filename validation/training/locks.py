"""Locks between the threads of a process: first come, first served, as in the simulator."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Lock"]


class Lock:
    """One lock; `holder` is the rank that has it, or None."""

    def __init__(self) -> None:
        self.holder: int | None = None
        self._waiting: deque[tuple[threading.Event, int]] = deque()
        self._changing = threading.Lock()

    def acquire(self, rank: int) -> None:
        """Wait for the lock."""
        with self._changing:
            if self.holder is None:
                self.holder = rank
                return
            turn = threading.Event()
            self._waiting.append((turn, rank))
        turn.wait()

    def release(self) -> None:
        """Give the lock to who has waited longest."""
        with self._changing:
            if not self._waiting:
                self.holder = None
                return
            turn, self.holder = self._waiting.popleft()
        turn.set()
