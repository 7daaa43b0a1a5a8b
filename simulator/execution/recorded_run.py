"""A run that was simulated event by event, of which a settled step may be repeated: its sums and its trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simulator.execution.repetition import Repetition, Stretch, path_sums
from simulator.execution.steady_state import extend
from simulator.trace.critical_path import last_span
from simulator.trace.spans import NO_CAUSE, Span, Trace, TraceOnDemand
from simulator.trace.summary import Summary, busy_seconds, step_ends, summarize

__all__ = ["RecordedRun"]


@dataclass
class RecordedRun:
    """A short run's trace that stands for a long one.

    Attributes
    ----------
    simulated : Trace
        Of the steps that were simulated.
    step : int
        The settled one.
    period : float
        Its length [s].
    copies : int
        How often it is repeated; 0 if the trace stands for itself.
    """

    simulated: Trace
    step: int = 0
    period: float = 0.0
    copies: int = 0

    @property
    def trace(self) -> Trace:
        """Of the whole run."""
        if not self.copies:
            return self.simulated
        simulated = self.simulated
        return TraceOnDemand(simulated.ranks, self.make_spans, simulated.metadata, self.duration)

    def make_spans(self) -> list[Span]:
        """All spans of the whole run."""
        return extend(self.simulated, self.step, self.period, self.copies).spans

    @cached_property
    def duration(self) -> float:
        """End of the last span [s]."""
        return max((span.end + self._repetition.shift(span.step) for span in self.simulated.spans), default=0.0)

    def summary(self, workers: int) -> Summary:
        """The sums of the whole run."""
        if not self.copies:
            return summarize(self.simulated, workers)
        spans, repetition = self.simulated.spans, self._repetition
        return Summary(
            self.duration,
            sum(repetition.times(span.step) for span in spans if span.name == "gradient"),
            repetition.step_ends(step_ends(self.simulated, workers)),
            path_sums(self._last(), self.duration, repetition, self._back),
            self._busy(),
        )

    @cached_property
    def _order(self) -> list[int]:
        """Places in the trace by number: step by step."""
        spans = self.simulated.spans
        return sorted(range(len(spans)), key=lambda place: spans[place].step)

    @cached_property
    def _numbers(self) -> Any:
        """Number of the span at each place in the trace."""
        numbers = np.empty(len(self._order), dtype=np.int64)
        numbers[self._order] = np.arange(len(self._order))
        return numbers

    @cached_property
    def _repetition(self) -> Repetition:
        steps = [span.step for span in self.simulated.spans]
        first, spans = sum(step < self.step for step in steps), steps.count(self.step)
        return Repetition(self.step, self.period, first, spans, self.copies)

    def _last(self) -> int:
        """Number in the long run of the span that ends last there."""
        later = [span._replace(end=span.end + self._repetition.shift(span.step)) for span in self.simulated.spans]
        return self._repetition.in_long_run(int(self._numbers[last_span(later)]))

    def _back(self, number: int) -> Iterable[Stretch]:
        spans = self.simulated.spans
        span = spans[self._order[number]]
        if span.cause == NO_CAUSE:
            return ((span.start, span.end, span.category, NO_CAUSE),)
        # What was there before its cause had ended was waiting until then.
        start = max(span.start, spans[span.cause].end)
        return ((start, span.end, span.category, int(self._numbers[span.cause])),)

    def _busy(self) -> dict[int, float]:
        """Every copy adds to what came before it as much as the settled step does."""
        spans = self.simulated.spans
        total = busy_seconds(spans)
        upto = busy_seconds(span for span in spans if span.step <= self.step)
        before = busy_seconds(span for span in spans if span.step < self.step)
        return {
            rank: seconds + self.copies * (upto.get(rank, 0.0) - before.get(rank, 0.0))
            for rank, seconds in total.items()
        }
