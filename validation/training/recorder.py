"""Writing what a rank does to its journal, under the names that the simulator uses."""

from __future__ import annotations

import time

from simulator.execution.cursor import Cursor
from validation.training.journal import Journal

__all__ = ["Recorder"]


class Recorder:
    """Spans of one rank."""

    #: The process's clock [s].
    now = staticmethod(time.perf_counter)

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def span(self, cursor: Cursor, category: str, name: str, start: float, size: float = 0.0) -> None:
        """Something that this rank did by itself, and that ends now."""
        self._journal.add(cursor.lane, category, name, start, self.now(), size, cursor.step)

    def message(
        self, cursor: Cursor, category: str, name: str, ready: float, size: float, peer: int, channel: int, index: int
    ) -> None:
        """A message that this side was ready for at `ready`, and that is over now."""
        self._journal.add(cursor.lane, category, name, ready, self.now(), size, cursor.step, peer, channel, index)

    def at_step(self, step: int) -> None:
        """The rank has come to a new step."""
        self._journal.at_step(step)
