"""Traces of jobs that ran side by side, in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simulator.trace.spans import NO_CAUSE, RankInfo, Span, Trace

__all__ = ["joined", "moved"]


def moved(trace: Trace, by: float) -> Trace:
    """The trace with all times moved by so many seconds."""
    spans = [span._replace(start=max(span.start + by, 0.0), end=max(span.end + by, 0.0)) for span in trace.spans]
    return Trace(trace.ranks, spans, trace.metadata)


def joined(traces: Mapping[str, Trace]) -> Trace:
    """One trace of several jobs on one clock: ranks numbered on from job to job, the job's name before their role.

    Spans stay in the order in which they ended, so that causes come before what they caused.
    """
    ranks: list[RankInfo] = []
    keyed: list[tuple[float, str, int, Span]] = []
    for name, trace in traces.items():
        before = len(ranks)
        ranks += [replace(rank, index=rank.index + before, role=f"{name}: {rank.role}") for rank in trace.ranks]
        for index, span in enumerate(trace.spans):
            peer = span.peer if span.peer < 0 else span.peer + before
            keyed.append((span.end, name, index, span._replace(rank=span.rank + before, peer=peer)))
    # The sort is stable: of one job's spans that end together, a cause keeps its place before its effect.
    keyed.sort(key=lambda item: item[0])
    places = {(name, index): place for place, (_, name, index, _) in enumerate(keyed)}
    spans = [
        span._replace(cause=NO_CAUSE if span.cause == NO_CAUSE else places[name, span.cause])
        for _, name, _, span in keyed
    ]
    return Trace(tuple(ranks), spans, {"jobs": list(traces)})
