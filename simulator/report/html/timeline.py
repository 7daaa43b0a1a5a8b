"""The timeline of a few steps: which spans of which ranks it shows, on which rows; see `timeline_page` for the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.errors import InputError
from simulator.trace import Trace, critical_path
from simulator.trace.lanes import separate
from simulator.trace.messages import match_messages
from simulator.trace.spans import RankInfo, Span

__all__ = ["LIMIT", "Timeline", "few_steps", "timeline"]

#: Spans that a page holds with ease.
LIMIT = 3000
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a timeline shows.

    Attributes
    ----------
    first, last : int
        Steps, both included.
    ranks : tuple of RankInfo
        Those that are shown.
    lanes : sequence of (int, str)
        Rank and name of each row, from the top.
    spans : sequence of Span
        In order of their starts.
    rows, partners, causes : sequence of int
        For each span: its row; the other end of its message and the span that let it start, or -1.
    critical : sequence of bool
        For each span: whether it is on the critical path of the run.
    left_out : int
        Ranks with spans in these steps that are not shown.
    """

    first: int
    last: int
    ranks: tuple[RankInfo, ...]
    lanes: Sequence[tuple[int, str]]
    spans: Sequence[Span]
    rows: Sequence[int]
    partners: Sequence[int]
    causes: Sequence[int]
    critical: Sequence[bool]
    left_out: int = 0

    @property
    def start(self) -> float:
        """When the first span began, in seconds since the start of the run."""
        return min(span.start for span in self.spans)

    @property
    def duration(self) -> float:
        """From there to the end of the last one [s]."""
        return max(span.end for span in self.spans) - self.start


def few_steps(trace: Trace, limit: int = LIMIT) -> tuple[int, int]:
    """First and last of up to three steps in the middle of a run, fewer where they hold more than `limit` spans."""
    counts: defaultdict[int, int] = defaultdict(int)
    for span in trace.spans:
        counts[span.step] += 1
    end = max(counts, default=0)
    first = last = end // 2
    while last - first + 1 < min(_STEPS, end + 1):
        following = last + 1 if last < end else first - 1
        if sum(counts[step] for step in range(min(first, following), max(last, following) + 1)) > limit:
            break
        first, last = min(first, following), max(last, following)
    return first, last


def timeline(trace: Trace, steps: tuple[int, int] | None = None, limit: int = LIMIT) -> Timeline:
    """The timeline of the steps, or of a few in the middle of the run.

    Where they hold more than `limit` spans, it shows as many ranks as do not: first those on the critical path, then
    by number.

    Raises
    ------
    InputError
        If the trace has no such steps.
    """
    first, last = steps or few_steps(trace, limit)
    chosen = [place for place, span in enumerate(trace.spans) if first <= span.step <= last]
    if not chosen:
        known = max((span.step for span in trace.spans), default=0)
        raise InputError(f"steps {first} to {last}: expected steps between 0 and {known}")
    pieces = critical_path(trace)
    decisive = {id(piece.span) for piece in pieces if piece.span is not None}
    on_path = {piece.span.rank for piece in pieces if piece.span is not None and first <= piece.span.step <= last}
    kept = _ranks(trace.spans, chosen, on_path, limit)
    everybody = {trace.spans[place].rank for place in chosen}
    chosen = sorted(
        (place for place in chosen if trace.spans[place].rank in kept),
        key=lambda place: (trace.spans[place].start, place),
    )
    number = {place: order for order, place in enumerate(chosen)}
    spans = [trace.spans[place] for place in chosen]
    lanes, rows = _rows(spans)
    return Timeline(
        first,
        last,
        tuple(rank for rank in trace.ranks if rank.index in kept),
        lanes,
        spans,
        rows,
        _partners(trace.ranks, spans),
        [number.get(span.cause, -1) for span in spans],
        [id(span) in decisive for span in spans],
        len(everybody) - len(kept),
    )


def _ranks(spans: Sequence[Span], chosen: Sequence[int], on_path: set[int], limit: int) -> set[int]:
    """Ranks whose spans are no more than `limit` together, and at least one."""
    counts: defaultdict[int, int] = defaultdict(int)
    for place in chosen:
        counts[spans[place].rank] += 1
    kept: set[int] = set()
    held = 0
    for rank in sorted(counts, key=lambda rank: (rank not in on_path, rank)):
        if kept and held + counts[rank] > limit:
            break
        kept.add(rank)
        held += counts[rank]
    return kept


def _rows(spans: Sequence[Span]) -> tuple[list[tuple[int, str]], list[int]]:
    """Rank and lane of each row, and each span's row; spans of a lane that share time get rows of their own."""
    by_lane: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for order, span in enumerate(spans):
        by_lane[span.rank, span.lane].append(order)
    lanes: list[tuple[int, str]] = []
    rows = [0] * len(spans)
    rounding = 1e-9 * max(span.end for span in spans)
    for lane, orders in sorted(by_lane.items()):
        numbers = separate([spans[order] for order in orders], rounding)
        for order, number in zip(orders, numbers, strict=True):
            rows[order] = len(lanes) + number
        lanes += [lane] * (1 + max(numbers))
    return lanes, rows


def _partners(ranks: tuple[RankInfo, ...], spans: Sequence[Span]) -> list[int]:
    partners = [-1] * len(spans)
    for send, receive in match_messages(Trace(ranks, list(spans))).pairs:
        partners[send], partners[receive] = receive, send
    return partners
