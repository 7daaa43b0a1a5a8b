"""When two moments of simulated time are one."""

from __future__ import annotations

__all__ = ["SAME_INSTANT"]

#: Moments closer than this, relative to the time of day, are one: they differ by rounding alone.
SAME_INSTANT = 1.0 + 1e-12
