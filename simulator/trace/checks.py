"""Whether the events of a trace can all be true, and making the best of a trace whose events cannot.

`check` lists what is wrong, event by event. `repair` puts right what can be put right without inventing anything:

====================================  ================================================================
wrong                                 repair
====================================  ================================================================
a time that is no number, or an end   the span is left out: which of its times is right is not known
before its start
a rank that the trace does not list   the rank is listed, as of unknown role and device
a size that is negative or no number  0 bytes
an unknown category                   idle
a receive that ends before its send   clocks are shifted within what messages in both directions allow
(or a collective that one rank left   (`simulator.trace.clocks`); refused if those contradict
before another came)
times before 0                        the whole trace is shifted
spans that overlap on one lane        the later one goes to a lane of its own
a message without its other half      its time stays, but it is no message any more
sizes that differ between both sides  the sender's
spans out of order, impossible causes sorted; causes are inferred anew (`simulator.trace.causes`)
====================================  ================================================================

Causes are inferred anew after any repair, because the recorded ones may rest on what was changed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum

from simulator.errors import InputError
from simulator.trace.causes import infer_causes
from simulator.trace.clocks import estimate_clocks, known_orders, set_clocks
from simulator.trace.lanes import separate
from simulator.trace.messages import collective_kind, match_messages
from simulator.trace.spans import NO_CAUSE, Category, RankInfo, Span, Trace

__all__ = ["Problem", "ProblemKind", "check", "refuse_problems", "repair"]

#: Differences of times up to this share of the duration are rounding.
_ROUNDING = 1e-9


class ProblemKind(StrEnum):
    """What can be wrong with an event."""

    TIME = "time"
    RANK = "rank"
    SIZE = "size"
    CATEGORY = "category"
    BEFORE_START = "before-start"
    CLOCK = "clock"
    OVERLAP = "overlap"
    PARTNER = "partner"
    UNEQUAL = "unequal-sizes"
    CAUSE = "cause"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be, at the span with that index; `text` says what and why."""

    kind: ProblemKind
    span: int
    text: str


def _named(trace: Trace, index: int) -> str:
    span = trace.spans[index]
    return f"span {index} ({span.name!r} of rank {span.rank})"


def check(trace: Trace) -> list[Problem]:
    """Everything that keeps the spans of a trace from being true together, in the order of the spans.

    Relations between spans (clocks, overlaps, partners) are looked at once each span for itself is possible.
    """
    problems = [*_impossible_spans(trace)]
    if any(problem.kind in (ProblemKind.TIME, ProblemKind.SIZE) for problem in problems):
        return problems
    rounding = _ROUNDING * max((abs(span.end) for span in trace.spans), default=0.0)
    problems += _before_start(trace, rounding)
    problems += _partners(trace)
    problems += _clocks(trace, rounding)
    problems += [
        Problem(ProblemKind.OVERLAP, later, _overlap(trace, earlier, later))
        for earlier, later in _overlaps(trace, rounding)
    ]
    problems += _causes(trace, rounding)
    return sorted(problems, key=lambda problem: problem.span)


def _impossible_spans(trace: Trace) -> list[Problem]:
    known, categories = {rank.index for rank in trace.ranks}, {category.value for category in Category}
    problems = []
    for index, span in enumerate(trace.spans):
        where = _named(trace, index)
        if not (math.isfinite(span.start) and math.isfinite(span.end)):
            text = f"{where}: runs from {span.start} to {span.end} s; expected numbers"
            problems.append(Problem(ProblemKind.TIME, index, text))
        elif span.end < span.start:
            text = f"{where}: ends at {span.end:.9g} s but starts at {span.start:.9g} s; expected no negative duration"
            problems.append(Problem(ProblemKind.TIME, index, text))
        if span.rank not in known:
            text = f"{where}: rank {span.rank} is not among the trace's ranks"
            problems.append(Problem(ProblemKind.RANK, index, text))
        if not 0 <= span.bytes < math.inf:
            text = f"{where}: {span.bytes} bytes; expected a size of at least 0"
            problems.append(Problem(ProblemKind.SIZE, index, text))
        if span.category not in categories:
            text = f"{where}: unknown category {span.category!r}; expected one of: {', '.join(sorted(categories))}"
            problems.append(Problem(ProblemKind.CATEGORY, index, text))
    return problems


def _before_start(trace: Trace, rounding: float) -> list[Problem]:
    return [
        Problem(
            ProblemKind.BEFORE_START,
            index,
            f"{_named(trace, index)}: starts at {span.start:.9g} s; expected no time before 0",
        )
        for index, span in enumerate(trace.spans)
        if span.start < -rounding
    ]


def _partners(trace: Trace) -> list[Problem]:
    problems = []
    matching = match_messages(trace)
    for index in matching.alone:
        span = trace.spans[index]
        other, side = ("receive", "receiver") if span.name.startswith("send") else ("send", "sender")
        text = f"{_named(trace, index)}: its {side}, rank {span.peer}, has no {other} that belongs to it"
        problems.append(Problem(ProblemKind.PARTNER, index, text))
    for sent, received in matching.pairs:
        carried, arrived = trace.spans[sent].bytes, trace.spans[received].bytes
        if carried != arrived:
            text = f"{_named(trace, received)}: {arrived:.9g} bytes, but {_named(trace, sent)} sent {carried:.9g}"
            problems.append(Problem(ProblemKind.UNEQUAL, received, text))
    return problems


def _clocks(trace: Trace, rounding: float) -> list[Problem]:
    return [
        Problem(
            ProblemKind.CLOCK,
            order.second,
            f"{_named(trace, order.second)}: ends at {order.end:.9g} s, before {_named(trace, order.first)} starts at "
            f"{order.start:.9g} s; the ranks' clocks differ",
        )
        for order in known_orders(trace)
        if order.end < order.start - rounding
    ]


def _takes_lane(span: Span) -> bool:
    """Whether nothing else can be done on the lane meanwhile; a network carries many messages at once."""
    return span.peer < 0 and not collective_kind(span)


def _overlaps(trace: Trace, rounding: float) -> list[tuple[int, int]]:
    """(earlier, later) spans that share time on one lane."""
    lanes: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for index, span in enumerate(trace.spans):
        if _takes_lane(span):
            lanes[span.rank, span.lane].append(index)
    found = []
    for indices in lanes.values():
        last = -1
        for index in sorted(indices, key=lambda i: (trace.spans[i].start, trace.spans[i].end)):
            if last >= 0 and trace.spans[index].start < trace.spans[last].end - rounding:
                found.append((last, index))
            if last < 0 or trace.spans[index].end > trace.spans[last].end:
                last = index
    return found


def _overlap(trace: Trace, earlier: int, later: int) -> str:
    one, other = trace.spans[earlier], trace.spans[later]
    return (
        f"{_named(trace, later)}: begins on lane {other.lane!r} at {other.start:.9g} s, "
        f"before {_named(trace, earlier)} there ends at {one.end:.9g} s"
    )


def _causes(trace: Trace, rounding: float) -> list[Problem]:
    problems, latest = [], -math.inf
    for index, span in enumerate(trace.spans):
        if not NO_CAUSE <= span.cause < index:
            text = f"{_named(trace, index)}: cause {span.cause} is not an earlier span"
            problems.append(Problem(ProblemKind.CAUSE, index, text))
        elif span.cause != NO_CAUSE and trace.spans[span.cause].end > span.end + rounding:
            text = f"{_named(trace, index)}: its cause, {_named(trace, span.cause)}, ends after it"
            problems.append(Problem(ProblemKind.CAUSE, index, text))
        if span.end < latest - rounding:
            text = f"{_named(trace, index)}: stands behind a span that ends {latest - span.end:.9g} s later"
            problems.append(Problem(ProblemKind.ORDER, index, text))
        latest = max(latest, span.end)
    return problems


def refuse_problems(trace: Trace, where: str) -> None:
    """Refuse a trace that `check` finds something wrong with.

    Raises
    ------
    InputError
        One line: `where` (a file), the first problem, how many more there are of which kind, and the remedy.
    """
    problems = check(trace)
    if not problems:
        return
    kinds = Counter(problem.kind for problem in problems[1:])
    more = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    raise InputError(f"{where}: {problems[0].text}{f' (and more: {more})' if more else ''}; --repair mends what it can")


def repair(trace: Trace) -> tuple[Trace, list[str]]:
    """The trace with all that `check` finds put right, and a line for each thing done.

    Raises
    ------
    InputError
        If no clocks put its messages in order, or if nothing would be left of it.
    """
    problems = check(trace)
    if not problems:
        return trace, []
    notes: list[str] = []
    made = _possible_spans(trace, problems, notes)
    if not made.spans:
        raise InputError(f"{problems[0].text}; no span of the trace is left to repair")
    made = _paired(made, notes)
    made = _in_order_of_clocks(made, notes)
    made = _on_lanes_of_their_own(made, notes)
    rest = Counter(problem.kind for problem in problems)
    if rest[ProblemKind.ORDER] or rest[ProblemKind.CAUSE]:
        first = next(p for p in problems if p.kind in (ProblemKind.ORDER, ProblemKind.CAUSE))
        notes.append(f"{first.text}; spans sorted by their ends, causes inferred from times")
    return infer_causes(made), notes


def _note(notes: list[str], found: list[str], done: str) -> None:
    """One line for all repairs of one kind: the first of them, how many more, and what was done."""
    if found:
        more = f" (and {len(found) - 1:,} more like it)" if len(found) > 1 else ""
        notes.append(f"{found[0]}{more}; {done}")


def _possible_spans(trace: Trace, problems: list[Problem], notes: list[str]) -> Trace:
    texts: defaultdict[ProblemKind, list[str]] = defaultdict(list)
    places: defaultdict[ProblemKind, set[int]] = defaultdict(set)
    for problem in problems:
        texts[problem.kind].append(problem.text)
        places[problem.kind].add(problem.span)
    spans = []
    for index, span in enumerate(trace.spans):
        if index in places[ProblemKind.TIME]:
            continue
        if index in places[ProblemKind.SIZE]:
            span = span._replace(bytes=0.0)
        if index in places[ProblemKind.CATEGORY]:
            span = span._replace(category=Category.IDLE.value)
        spans.append(span)
    _note(notes, texts[ProblemKind.TIME], "left out")
    _note(notes, texts[ProblemKind.SIZE], "taken as 0 bytes")
    _note(notes, texts[ProblemKind.CATEGORY], "counted as idle")
    known = {rank.index for rank in trace.ranks}
    added = sorted({span.rank for span in spans} - known)
    _note(
        notes, texts[ProblemKind.RANK], f"added {', '.join(f'rank {rank}' for rank in added) or 'no rank'} as unknown"
    )
    ranks = [*trace.ranks, *(RankInfo(rank, "unknown", "unknown", "unknown", 0) for rank in added)]
    origin = min((span.start for span in spans), default=0.0)
    if origin < 0.0:
        spans = [span._replace(start=span.start - origin, end=span.end - origin) for span in spans]
        _note(notes, texts[ProblemKind.BEFORE_START] or ["a span starts before 0"], f"all moved by {-origin:.9g} s")
    return Trace(tuple(ranks), spans, dict(trace.metadata))


def _paired(trace: Trace, notes: list[str]) -> Trace:
    matching = match_messages(trace)
    spans = list(trace.spans)
    texts: dict[ProblemKind, list[str]] = {ProblemKind.PARTNER: [], ProblemKind.UNEQUAL: []}
    for problem in _partners(trace):
        texts[problem.kind].append(problem.text)
    for index in matching.alone:
        spans[index] = spans[index]._replace(peer=-1)
    for sent, received in matching.pairs:
        if spans[sent].bytes != spans[received].bytes:
            spans[received] = spans[received]._replace(bytes=spans[sent].bytes)
    _note(notes, texts[ProblemKind.PARTNER], "kept as time spent, not as a message")
    _note(notes, texts[ProblemKind.UNEQUAL], "the sender's size is taken")
    return Trace(trace.ranks, spans, trace.metadata)


def _in_order_of_clocks(trace: Trace, notes: list[str]) -> Trace:
    rounding = _ROUNDING * max(abs(span.end) for span in trace.spans)
    found = _clocks(trace, rounding)
    if not found:
        return trace
    estimate = estimate_clocks(trace)
    _note(notes, [problem.text for problem in found], "clocks shifted")
    notes += estimate.describe()
    return set_clocks(trace, estimate)


def _on_lanes_of_their_own(trace: Trace, notes: list[str]) -> Trace:
    rounding = _ROUNDING * max(abs(span.end) for span in trace.spans)
    found = _overlaps(trace, rounding)
    crowded = {(trace.spans[later].rank, trace.spans[later].lane) for _, later in found}
    spans = list(trace.spans)
    for rank, lane in crowded:
        indices = [i for i in range(len(spans)) if spans[i][:2] == (rank, lane) and _takes_lane(spans[i])]
        for index, number in zip(indices, separate([spans[i] for i in indices], rounding), strict=True):
            if number:
                spans[index] = spans[index]._replace(lane=f"{lane} ({number + 1})")
    texts = [_overlap(trace, earlier, later) for earlier, later in found]
    _note(notes, texts, "moved to lanes of their own")
    return Trace(trace.ranks, spans, trace.metadata)
