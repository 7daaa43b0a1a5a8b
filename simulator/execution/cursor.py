"""Where one thread of a rank's activity stands: its rank, lane and step, and the span it did last."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.trace.spans import NO_CAUSE

__all__ = ["Cursor"]


@dataclass(slots=True)
class Cursor:
    """`last` is the span to name as the cause of whatever this thread does next."""

    rank: int
    lane: str
    step: int = 0
    last: int = NO_CAUSE
