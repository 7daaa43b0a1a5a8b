"""Putting spans that share time on lanes of their own."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.trace.spans import Span

__all__ = ["separate"]


def separate(spans: Sequence[Span], rounding: float = 0.0) -> list[int]:
    """The number of a lane for each span, so that spans with the same number share no more time than `rounding` [s].

    In the order of their starts, each gets the first lane that is free, so as few lanes are used as can be.

    Examples
    --------
    >>> from simulator.trace.spans import Span
    >>> spans = [Span(0, "", "", "", start, start + 2.0, 0.0, 0, -1, -1) for start in (0.0, 1.0, 2.0)]
    >>> separate(spans)
    [0, 1, 0]
    """
    lanes = [0] * len(spans)
    free_at: list[float] = []
    for index in sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].end)):
        span = spans[index]
        number = next((n for n, time in enumerate(free_at) if time <= span.start + rounding), len(free_at))
        if number == len(free_at):
            free_at.append(span.end)
        free_at[number] = max(free_at[number], span.end)
        lanes[index] = number
    return lanes
