"""Long runs from short ones: a run whose steps have become equal is a short run with one step repeated.

Without randomness the state of a run at the end of a step determines the rest. Once all spans of two consecutive
steps are equal but for a shift in time, everything in flight is equal too, and so is every later step until the run's
end comes into sight. So a run of N steps is simulated with n < N, and N − n copies of a settled step are put in.
Nothing is approximated; what is left is the rounding of sums, held below `TOLERANCE` of a step for each step. Runs
whose steps do not settle, or carry different bytes, are simulated in full; so are those of algorithms whose ranks said
that their steps are not alike, because they exchange something every so many steps only, or at random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from simulator.trace.spans import NO_CAUSE, Span, Trace

__all__ = ["MARGIN", "SHORTEST", "TOLERANCE", "WINDOW", "extend", "settled_step", "shortened_lengths"]

#: Largest difference between the same moments of consecutive settled steps, in steps.
TOLERANCE = 1e-11
#: Steps of the first attempt; each further one takes four times as many. None takes more than a quarter of the run, so
#: failing costs a third of it at most.
SHORTEST = 12
#: Consecutive equal steps that are asked for, and steps at the end that are not looked at: they see the end coming.
WINDOW, MARGIN = 4, 4


def shortened_lengths(steps: int) -> list[int]:
    """Numbers of steps worth simulating instead of `steps`, shortest first; empty if nothing would be saved."""
    lengths = []
    length = SHORTEST
    while length <= steps // 4:
        lengths.append(length)
        length *= 4
    return lengths


def settled_step(trace: Trace, steps: int) -> tuple[int, float] | None:
    """A step that can be repeated, and its length [s]; None if the run has not settled.

    Parameters
    ----------
    trace : Trace
        Of a run of `steps` steps.
    """
    if not trace.metadata.get("steps_alike", True):
        return None
    last = steps - 1 - MARGIN
    first = last - WINDOW
    if first < 1:
        return None
    by_step = _by_step(trace)
    if len(by_step) != steps or not _all_carry_the_same(trace, by_step):
        return None
    spans = trace.spans
    period = spans[by_step[last][0]].end - spans[by_step[last - 1][0]].end
    slack = TOLERANCE * period
    for step in range(first, last):
        now, following = by_step[step], by_step[step + 1]
        if len(now) != len(following):
            return None
        for before, after in ((spans[i], spans[j]) for i, j in zip(now, following, strict=True)):
            same = before[:4] == after[:4] and before.bytes == after.bytes and before.peer == after.peer
            late = max(abs(after.end - before.end - period), abs(after.start - before.start - period))
            if not same or late > slack:
                return None
    # What comes later has to follow from these steps alone: it is moved with them. And nothing may be left of those
    # before them, which stay where they are.
    causes = {spans[i].cause for i in by_step[last]} - {NO_CAUSE}
    causes |= {spans[i].cause for step in range(last + 1, steps) for i in by_step[step]}
    if any(cause == NO_CAUSE or spans[cause].step < last - 1 for cause in causes):
        return None
    begun = min(spans[i].start for i in by_step[last])
    if any(spans[i].end > begun for step in range(first) for i in by_step[step]):
        return None
    return last, period


def extend(trace: Trace, step: int, period: float, copies: int) -> Trace:
    """The trace with `copies` more copies of `step` behind it, and everything later moved by as many periods."""
    by_step = _by_step(trace)
    spans, settled = trace.spans, by_step[step]
    # Where a span's cause is found in the copy of the step: in the same copy, or in the one before.
    within = {index: (0, index) for index in settled}
    before = {index: (-1, settled[place]) for place, index in enumerate(by_step[step - 1])}
    relocated = {**before, **within}

    keyed: list[tuple[tuple[int, int], Span, tuple[int, int] | None]] = []
    for index, span in enumerate(spans):
        if span.step <= step:
            keyed.append(((0, index), span, None if span.cause == NO_CAUSE else (0, span.cause)))
    in_order = sorted(settled)
    for copy in range(1, copies + 1):
        for index in in_order:
            keyed.append(
                ((copy, index), _shifted(spans[index], period, copy), _moved(spans[index].cause, copy, relocated))
            )
    for index, span in enumerate(spans):
        if span.step > step:
            keyed.append(((0, index), _shifted(span, period, copies), _moved(span.cause, copies, relocated)))

    # The sort is stable: of spans that end together, a cause keeps its place before its effect; where rounding has it
    # end a hair later, the effect waits for it.
    ends: dict[tuple[int, int] | None, float] = {None: 0.0}
    for key, span, cause in keyed:
        ends[key] = max(span.end, ends.get(cause, 0.0))
    keyed.sort(key=lambda item: ends[item[0]])
    place_of = {key: place for place, (key, _, _) in enumerate(keyed)}
    extended = Trace(trace.ranks, metadata=trace.metadata)
    extended.spans = [span._replace(cause=NO_CAUSE if cause is None else place_of[cause]) for _, span, cause in keyed]
    return extended


def _moved(cause: int, copy: int, relocated: Mapping[int, tuple[int, int]]) -> tuple[int, int] | None:
    """The cause of a span in the copy numbered `copy`, as (copy, index)."""
    if cause == NO_CAUSE:
        return None
    if cause not in relocated:
        return 0, cause
    back, index = relocated[cause]
    return copy + back, index


def _shifted(span: Span, period: float, copies: int) -> Span:
    shift = copies * period
    return span._replace(start=span.start + shift, end=span.end + shift, step=span.step + copies)


def _all_carry_the_same(trace: Trace, by_step: Mapping[int, list[int]]) -> bool:
    """Whether every step has the same messages: only then do the network's accounts grow with the steps."""
    spans = trace.spans
    carried = (
        sorted((spans[i].rank, spans[i].peer, spans[i].bytes) for i in indices if spans[i].bytes)
        for indices in by_step.values()
    )
    first = next(carried)
    return all(step == first for step in carried)


def _by_step(trace: Trace) -> dict[int, list[int]]:
    """Indices of the spans of each step, by rank, lane and name, those that share all three as they ended."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for index, span in enumerate(trace.spans):
        found[span.step].append(index)
    for indices in found.values():
        indices.sort(key=lambda i: (trace.spans[i].rank, trace.spans[i].lane, trace.spans[i].name))
    return dict(found)
