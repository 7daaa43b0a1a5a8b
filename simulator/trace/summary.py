"""The sums of a trace that results are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.trace.critical_path import breakdown
from simulator.trace.spans import Category, Span, Trace

__all__ = ["WORK", "Summary", "busy_seconds", "step_ends", "summarize"]

#: What a device's power goes into; copies and messages are waiting.
WORK = frozenset({Category.FORWARD_BACKWARD, Category.DEVICE_UPDATE, Category.HOST_UPDATE})


@dataclass(frozen=True)
class Summary:
    """Sums of a run.

    Attributes
    ----------
    duration : float
        End of the last span [s].
    gradients : int
        How many whole gradients were computed.
    step_ends : array, shape (steps,)
        When the last of the workers had ended its last span of each step [s].
    breakdown : mapping
        Seconds of the critical path in each `Category`.
    busy : mapping
        Seconds in which each rank that works at all works, however many of its lanes do at once.
    """

    duration: float
    gradients: int
    step_ends: NDArray[np.float64]
    breakdown: Mapping[str, float]
    busy: Mapping[int, float]

    @property
    def steps(self) -> int:
        """How many steps were made, or begun."""
        return len(self.step_ends)

    @cached_property
    def step_times(self) -> NDArray[np.float64]:
        """Time from the end of each step to the end of the next, shape (steps,) [s]."""
        return np.diff(np.maximum.accumulate(self.step_ends), prepend=0.0)


def summarize(trace: Trace, workers: int) -> Summary:
    """The sums of a trace whose ranks below `workers` are workers."""
    gradients = sum(1 for span in trace.spans if span.name == "gradient")
    return Summary(trace.duration, gradients, step_ends(trace, workers), breakdown(trace), busy_seconds(trace.spans))


def step_ends(trace: Trace, workers: int) -> NDArray[np.float64]:
    """When the last of the workers (ranks below `workers`) has ended its last span of each step [s]."""
    ends = np.zeros(1 + max((span.step for span in trace.spans), default=-1))
    for span in trace.spans:
        if span.rank < workers and span.end > ends[span.step]:
            ends[span.step] = span.end
    return ends


def busy_seconds(spans: Iterable[Span]) -> dict[int, float]:
    """Seconds in which each rank works, however many of its lanes do at once.

    Examples
    --------
    >>> gradient = Span(0, "compute", Category.FORWARD_BACKWARD, "gradient", 0.0, 2.0, 0.0, 0, -1, -1)
    >>> busy_seconds([gradient, gradient._replace(lane="network", start=1.0, end=3.0)])
    {0: 3.0}
    """
    work: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for span in spans:
        if span.category in WORK:
            work[span.rank].append((span.end, span.start))
    return {rank: _covered(intervals) for rank, intervals in work.items()}


def _covered(intervals: list[tuple[float, float]]) -> float:
    """Length of the union of (end, start) intervals: from the last end on, what lies before any start so far."""
    intervals.sort(reverse=True)
    covered, earliest = 0.0, float("inf")
    for end, start in intervals:
        if start < earliest:
            covered += min(end, earliest) - start
            earliest = start
    return covered
