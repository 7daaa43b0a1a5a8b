"""Axes of plots: from values to places on a picture, and where ticks belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Protocol

__all__ = ["Axis", "LinearAxis", "LogAxis"]

#: More ticks than that do not fit.
_MOST = 7


class Axis(Protocol):
    """Values from `low` to `high` on the pixels from `start` to `stop`."""

    @property
    def low(self) -> float:
        """The value at `start`."""

    @property
    def high(self) -> float:
        """The value at `stop`."""

    @property
    def start(self) -> float:
        """First pixel."""

    @property
    def stop(self) -> float:
        """Last pixel."""

    def __call__(self, value: float) -> float:
        """The pixel of a value."""

    def ticks(self) -> list[float]:
        """Round values on the axis, in order."""


@dataclass(frozen=True)
class LogAxis:
    """Values from `low` to `high` (both positive) on the pixels from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, stop: float) -> LogAxis:
        """With a margin of a tenth of a decade or of a twentieth of their span, whichever is more."""
        low, high = log10(min(values)), log10(max(values))
        margin = max(0.04, 0.05 * (high - low))
        return cls(10 ** (low - margin), 10 ** (high + margin), start, stop)

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """At most seven: powers of ten, with 2 and 5 between them or finer where the axis is short."""
        first, last = floor(log10(self.low)), ceil(log10(self.high))
        for steps in ((1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
            found = [
                step * 10.0**power
                for power in range(first, last + 1)
                for step in steps
                if self.low <= step * 10.0**power <= self.high
            ]
            if len(found) <= _MOST:
                return found
        every = ceil(len(found) / _MOST)
        return found[::every]


@dataclass(frozen=True)
class LinearAxis:
    """Values from `low` to `high` on the pixels from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def from_zero(cls, values: Sequence[float], start: float, stop: float) -> LinearAxis:
        """From 0 to a little beyond the largest value; to 1 where there is none above 0."""
        high = max(values, default=0.0)
        return cls(0.0, 1.05 * high if high > 0.0 else 1.0, start, stop)

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Multiples of 1, 2 or 5 times a power of ten, at most seven.

        Examples
        --------
        >>> LinearAxis(0.0, 105.0, 0.0, 1.0).ticks()
        [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        """
        step = (self.high - self.low) / _MOST
        power = 10.0 ** floor(log10(step))
        step = next(width * power for width in (1.0, 2.0, 5.0, 10.0) if width * power >= step * (1.0 - 1e-12))
        return [place * step for place in range(ceil(self.low / step), floor(self.high / step * (1.0 + 1e-12)) + 1)]
