"""A settled step that is repeated: the sums of a long run from those of a short one.

Spans are numbered step by step. The copies of the settled step come right behind it, so a number in the long run is one
in the short run and that of a copy, and a time in the long run is one in the short run and some periods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.trace.critical_path import ROUNDING
from simulator.trace.spans import NO_CAUSE, Category

__all__ = ["Repetition", "Stretch", "path_sums"]

#: Start and end of a span [s], the part of the breakdown that it belongs to, and the number of what let it start.
Stretch = tuple[float, float, str, int]


@dataclass(frozen=True, slots=True)
class Repetition:
    """Which step is repeated, and how often; of a run in which every step is simulated, none and never.

    Attributes
    ----------
    step : int
        The settled step.
    period : float
        Its length [s].
    first, spans : int
        Number of its first span, and how many it has.
    copies : int
        How often it is repeated.
    """

    step: int = 0
    period: float = 0.0
    first: int = 0
    spans: int = 0
    copies: int = 0

    def times(self, step: int) -> int:
        """How often a step takes place."""
        return 1 + (self.copies if step == self.step else 0)

    def shift(self, step: int) -> float:
        """By how much later [s] a step ends in the long run than in the short one."""
        return self.copies * self.period if self.copies and step > self.step else 0.0

    def copy_of(self, number: int) -> tuple[int, int]:
        """The copy that a span of the long run is in, or how many come before it, and its number in the short run."""
        if not self.copies or number < self.first + self.spans:
            return 0, number
        copy = min((number - self.first) // self.spans, self.copies)
        return copy, number - copy * self.spans

    def unrolled(self, spans: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of every span of the long run, its number in the short one, which has so many, and its copy."""
        last = self.first + self.spans
        settled = np.arange(self.first, last)
        place = np.concatenate([np.arange(last), np.tile(settled, self.copies), np.arange(last, spans)])
        copy = np.repeat(np.arange(self.copies + 1), [last, *[self.spans] * self.copies])
        return place, np.concatenate([copy, np.full(spans - last, self.copies)])

    def in_long_run(self, number: int) -> int:
        """Number in the long run of a span of the short one; of the settled step, the one that is simulated."""
        return number + self.copies * self.spans if number >= self.first + self.spans else number

    def step_ends(self, ends: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ends of all steps [s] from those that were simulated."""
        if not self.copies:
            return ends
        repeated = ends[self.step] + self.period * np.arange(1, self.copies + 1)
        later = ends[self.step + 1 :] + self.copies * self.period
        return np.concatenate([ends[: self.step + 1], repeated, later])


def path_sums(
    number: int, now: float, repetition: Repetition, back: Callable[[int], Iterable[Stretch]]
) -> dict[str, float]:
    """Seconds of the critical path in each category, as `simulator.trace.critical_path` finds it.

    Parameters
    ----------
    number : int
        Of the span that ends last, in the long run.
    now : float
        When that is [s].
    repetition : Repetition
    back : callable
        A span of the short run, by its number, and some of those before it on the path.
    """
    seconds = {category.value: 0.0 for category in Category}
    rounding = ROUNDING * now
    # Where the path comes through a span of the settled step as it did in a later copy, it runs in circles from there:
    # (copy, seconds so far) by that span.
    passed: dict[int, tuple[int, dict[str, float]]] = {}
    while number != NO_CAUSE:
        copy, place = repetition.copy_of(number)
        if copy and place < repetition.first + repetition.spans:
            if place in passed:
                circle = passed[place][0] - copy
                turns = (copy - 1) // circle
                for category, sofar in passed[place][1].items():
                    seconds[category] += turns * (seconds[category] - sofar)
                copy -= turns * circle
                now -= turns * circle * repetition.period
                passed.clear()
            else:
                passed[place] = copy, dict(seconds)
        later = copy * repetition.period
        for start, end, category, cause in back(place):
            end = min(end + later, now)
            if end < now - rounding:
                seconds[Category.IDLE] += now - end
            else:
                end = now
            start += later
            now = min(start, end) if start > rounding else 0.0
            seconds[category] += end - now
            number = cause
        if number != NO_CAUSE:
            # A cause in the step before the settled one is, in a copy, the settled step's of the copy before.
            number += copy * repetition.spans
    if now > rounding:
        seconds[Category.IDLE] += now
    return seconds
