"""Why each span of a recorded trace began when it did, where the recorder could not know.

A simulator knows whose end let an operation start; a real program does not. What can be known afterwards: a rank that
runs one thing after another began a span when the last of what it did before had ended, and a message or a
synchronising collective could not proceed before the last of its members had come to it. So the cause of a span is the
span that ended latest among those that ended before it began, on any lane of its own rank, and for a message or
collective on the ranks of its other members, too, if those came later. This is the usual backward walk of critical-path
analysis of message-passing programs (Hollingsworth 1998, "Critical path profiling of message passing and shared-memory
programs", IEEE TPDS 9(10)).

Not realistic where the order of ends is not the order of reasons: one of several threads of a rank whose reason ended
earlier than something unrelated of another thread, or an operation that waited for a lock that another rank gave up.
With their causes stripped, simulated runs of the bundled examples and of all algorithms without such locks get the
breakdown back that was recorded; asynchronous masters behind a lock get 4 to 10 % of their time attributed otherwise.
"""

from __future__ import annotations

from bisect import bisect_right

from simulator.trace.messages import match_collectives, match_messages
from simulator.trace.spans import NO_CAUSE, Span, Trace

__all__ = ["infer_causes"]

#: Ends up to this share of the duration after a start are rounding of times.
_ROUNDING = 1e-12


class _Ended:
    """The spans of each rank in the order in which they ended, for "what had ended last by then"."""

    def __init__(self, spans: list[Span], rounding: float) -> None:
        self._rounding = rounding
        self._ends: dict[int, list[float]] = {}
        self._indices: dict[int, list[int]] = {}
        for index, span in enumerate(spans):
            self._ends.setdefault(span.rank, []).append(span.end)
            self._indices.setdefault(span.rank, []).append(index)

    def before(self, rank: int, time: float, index: int) -> int:
        """The span of `rank` that ended last until `time`, of those before `index` in the list; or `NO_CAUSE`."""
        indices = self._indices.get(rank, [])
        position = bisect_right(self._ends.get(rank, []), time + self._rounding) - 1
        while position >= 0 and indices[position] >= index:
            position -= 1
        return indices[position] if position >= 0 else NO_CAUSE


def infer_causes(trace: Trace) -> Trace:
    """The same spans in the order in which they ended, each with the cause that its times suggest.

    Causes that the trace had are not looked at. Times, names and sizes stay as they are; a receive that was posted long
    before its sender came keeps its early start, and `critical_path` counts it only from the end of its cause on.

    Parameters
    ----------
    trace : Trace
        With the clocks of its ranks aligned (see `simulator.trace.clocks`).

    Returns
    -------
    Trace
        A new one; each `cause` is the index of an earlier span, or `NO_CAUSE`.
    """
    ordered = sorted(trace.spans, key=lambda span: (span.end, span.start))
    made = Trace(trace.ranks, ordered, dict(trace.metadata))
    ended = _Ended(ordered, _ROUNDING * trace.duration)
    others = _members(made)
    for index, span in enumerate(ordered):
        cause = ended.before(span.rank, span.start, index)
        for other in others.get(index, ()):
            member = ordered[other]
            # What the other member did before it came; it counts unless this span was over by then.
            candidate = ended.before(member.rank, member.start, index)
            if candidate != NO_CAUSE and ordered[candidate].end <= span.end:
                cause = _later(ordered, cause, candidate)
        made.spans[index] = span._replace(cause=cause)
    return made


def _later(spans: list[Span], first: int, second: int) -> int:
    """Whichever ended later; the first if both did at once."""
    return second if first == NO_CAUSE or spans[second].end > spans[first].end else first


def _members(trace: Trace) -> dict[int, list[int]]:
    """For each span of a message or synchronising collective, the other spans of it."""
    others: dict[int, list[int]] = {}
    for sent, received in match_messages(trace).pairs:
        others[sent], others[received] = [received], [sent]
    for call in match_collectives(trace):
        last = max(call, key=lambda index: trace.spans[index].start)
        for index in call:
            others[index] = [last] if index != last else []
    return others
