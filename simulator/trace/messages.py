"""Which send belongs to which receive, and which spans are one rank's part of the same collective call.

Simulated and recorded traces alike name the two spans of a message ``send LABEL`` and ``receive LABEL``, and each
other's rank as `peer`. Between two ranks, messages of one label arrive in the order in which they were sent (MPI's
non-overtaking rule, and the simulator's), so the k-th send is the k-th receive. Traces of programs that leave single
messages to a library (NCCL, Gloo) hold one span a rank for a whole collective, named after its kind and without a peer;
every rank calls the collectives of one kind in the same order, so the k-th of one rank is the k-th of another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from simulator.trace.spans import Span, Trace

__all__ = ["COLLECTIVES", "Matching", "collective_kind", "match_collectives", "match_messages"]

#: Kinds of collectives that a span may be named after.
COLLECTIVES = frozenset(
    ("all_gather", "all_reduce", "all_to_all", "barrier", "broadcast", "gather", "reduce", "reduce_scatter", "scatter")
)
#: Kinds in which nobody can end before everybody has begun.
_SYNCHRONISING = frozenset(("all_gather", "all_reduce", "all_to_all", "barrier", "reduce_scatter"))


@dataclass(frozen=True, slots=True)
class Matching:
    """Indices in the trace: `pairs` of (send, receive), and the spans that have no partner."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)


def _side(span: Span) -> str:
    """``"send"``, ``"receive"``, or nothing where the span is no message."""
    word = span.name.partition(" ")[0]
    return word if span.peer >= 0 and word in ("send", "receive") else ""


def match_messages(trace: Trace) -> Matching:
    """Pair sends with receives, in the order in which either side began.

    Where the labels of the two sides differ as a whole (a recorder that cannot know the sender's label), all messages
    from one rank to another are paired in order, whatever their labels.
    """
    sends: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    receives: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    spans = trace.spans
    for index, span in enumerate(spans):
        side = _side(span)
        if side == "send":
            sends[span.rank, span.peer].append(index)
        elif side == "receive":
            receives[span.peer, span.rank].append(index)
    matching = Matching()
    for key in sorted(sends.keys() | receives.keys()):
        by_label: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        labels_agree = _labels(spans, sends[key]).keys() == _labels(spans, receives[key]).keys()
        for side_number, side_indices in enumerate((sends[key], receives[key])):
            for index in sorted(side_indices, key=lambda i: (spans[i].start, spans[i].end, i)):
                label = spans[index].name.partition(" ")[2] if labels_agree else ""
                by_label[label][side_number].append(index)
        for sent, received in by_label.values():
            both = min(len(sent), len(received))
            matching.pairs.extend(zip(sent, received, strict=False))
            matching.alone.extend([*sent[both:], *received[both:]])
    matching.pairs.sort()
    matching.alone.sort()
    return matching


def _labels(spans: list[Span], indices: list[int]) -> Counter[str]:
    return Counter(spans[index].name.partition(" ")[2] for index in indices)


def collective_kind(span: Span) -> str:
    """The kind of collective that a span is one rank's whole part of; empty if it is none."""
    kind = span.name.partition(" ")[0]
    return kind if span.peer < 0 and kind in COLLECTIVES else ""


def match_collectives(trace: Trace, synchronising: bool = True) -> list[list[int]]:
    """Indices of the spans of each collective call, where at least two ranks recorded theirs.

    Calls whose name and number of spans differ between ranks are left out: which of them belong together is not known.

    Parameters
    ----------
    synchronising : bool
        Leave out kinds in which a rank may end before another begins (broadcast, reduce, …).
    """
    calls: defaultdict[str, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, span in enumerate(trace.spans):
        kind = collective_kind(span)
        if kind and (kind in _SYNCHRONISING or not synchronising):
            calls[span.name][span.rank].append(index)
    groups: list[list[int]] = []
    for by_rank in calls.values():
        counts = {len(indices) for indices in by_rank.values()}
        if len(by_rank) < 2 or len(counts) != 1:
            continue
        ordered = [sorted(indices, key=lambda i: (trace.spans[i].start, i)) for indices in by_rank.values()]
        groups.extend([list(call) for call in zip(*ordered, strict=True)])
    return sorted(groups)
