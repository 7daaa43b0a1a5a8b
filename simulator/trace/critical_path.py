"""The chain of spans that decided how long a run took, and the breakdown of its time along that chain.

Time that two lanes spend together must be counted once: what counts is the activity that everything else had to wait
for. Starting at the span that ended last, each span's `cause` is the one whose end let it start; a stretch between a
cause's end and the span's start is waiting that nothing in the trace explains, and counts as idle. A span that was
there before its cause ended, as a receive posted early in a recorded run, was waiting until then: it counts from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.instants import SAME_INSTANT
from simulator.trace.spans import NO_CAUSE, Category, Span, Trace

__all__ = ["ROUNDING", "Piece", "breakdown", "communication_ratio", "critical_path", "decisive", "last_span", "stretch"]

#: The categories whose share of the run is the paper's communication ratio.
COMMUNICATION = (
    Category.GPU_GPU_PARAMETERS,
    Category.CPU_GPU_DATA,
    Category.CPU_GPU_PARAMETERS,
    Category.NODE_NODE_PARAMETERS,
)


#: Gaps up to this share of the run are rounding of times, not waiting.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch [s] of the critical path; `span` is None while nothing that was recorded explains the time."""

    start: float
    end: float
    span: Span | None

    @property
    def category(self) -> str:
        """The span's category, or idle."""
        return self.span.category if self.span else Category.IDLE

    @property
    def duration(self) -> float:
        """Length [s]."""
        return self.end - self.start


def critical_path(trace: Trace) -> list[Piece]:
    """The pieces of the critical path in order of time, without gaps or overlaps, from 0 to the end of the run."""
    spans = trace.spans
    if not spans:
        return []
    index = last_span(spans)
    pieces: list[Piece] = []
    now = spans[index].end
    rounding = ROUNDING * now
    while index != NO_CAUSE:
        span = spans[index]
        # A cause always precedes its effect in the list, so this ends.
        index = span.cause if span.cause < index else NO_CAUSE
        cause = None if index == NO_CAUSE else spans[index]
        end, start = stretch(span, cause, now, rounding)
        if end < now:
            pieces.append(Piece(end, now, None))
        if start < end:
            pieces.append(Piece(start, end, span))
        now = start
    if now > rounding:
        pieces.append(Piece(0.0, now, None))
    pieces.reverse()
    return pieces


def last_span(spans: Sequence[Span]) -> int:
    """The span that ends last; of several, the one that `decisive` says."""
    latest = max(span.end for span in spans) / SAME_INSTANT
    return decisive((index, span) for index, span in enumerate(spans) if span.end >= latest)


def decisive(last: Iterable[tuple[int, Span]]) -> int:
    """Number of the span that the end of a run is put down to, of (number, span) pairs that end last.

    It is one of the last rank, the one that started last; of messages that start together, one that the rank sends
    before one that it receives. In which order simultaneous spans were recorded does not matter.
    """
    last = list(last)
    rank = max(span.rank for _, span in last)
    start = max(span.start for _, span in last if span.rank == rank) / SAME_INSTANT
    return max(
        (pair for pair in last if pair[1].rank == rank and pair[1].start >= start),
        key=lambda pair: (pair[1].name, pair[1].peer, pair[0]),
    )[0]


def stretch(span: Span, cause: Span | None, now: float, rounding: float) -> tuple[float, float]:
    """End and start [s] of what a span contributes to the critical path, of which everything from `now` on is known.

    Parameters
    ----------
    span, cause : Span
        The next span of the path, and what let it start.
    rounding : float
        Gaps up to this are none [s].
    """
    end = span.end if span.end < now - rounding else now
    start = min(span.start, end) if span.start > rounding else 0.0
    if cause is not None and cause.end > start + rounding:
        start = min(cause.end, end)
    return end, start


def breakdown(trace: Trace) -> dict[str, float]:
    """Seconds of the critical path in each `Category`; they add up to the duration of the run."""
    seconds = {category.value: 0.0 for category in Category}
    for piece in critical_path(trace):
        seconds[str(piece.category)] = seconds.get(str(piece.category), 0.0) + piece.duration
    return seconds


def communication_ratio(seconds: dict[str, float]) -> float:
    """Share of a breakdown's time spent moving parameters and data, between 0 and 1 (the paper's definition)."""
    total = sum(seconds.values())
    return sum(seconds[category] for category in COMMUNICATION) / total if total else 0.0
