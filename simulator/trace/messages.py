"""Which send belongs to which receive, and which spans are one rank's part of the same collective call.

Simulated and recorded traces alike name the two spans of a message ``send LABEL`` and ``receive LABEL``, and each
other's rank as `peer`. Between two ranks, messages of one label arrive in the order in which they were sent (MPI's
non-overtaking rule, and the simulator's), so the k-th send is the k-th receive. Traces of programs that leave single
messages to a library (NCCL, Gloo) hold one span a rank for a whole collective, named after its kind and without a peer;
every rank calls the collectives of one kind and size in the same order, so the k-th of one rank is the k-th of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from statistics import median

from simulator.trace.spans import Span, Trace

__all__ = ["COLLECTIVES", "Matching", "collective_kind", "match_collectives", "match_messages"]

#: Kinds of collectives that a span may be named after.
COLLECTIVES = frozenset(
    ("all_gather", "all_reduce", "all_to_all", "barrier", "broadcast", "gather", "reduce", "reduce_scatter", "scatter")
)
#: Kinds in which nobody can end before everybody has begun.
_SYNCHRONISING = frozenset(("all_gather", "all_reduce", "all_to_all", "barrier", "reduce_scatter"))
#: Beyond so many comparisons of times, messages without a partner are taken to be the last ones.
_MOST_COMPARISONS = 1_000_000

_Sides = tuple[list[int], list[int]]


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
        sent, received = sends[key], receives[key]
        labels_agree = {_label(spans[i]) for i in sent} == {_label(spans[i]) for i in received}
        uneven: list[_Sides] = []
        for sides in _grouped(spans, (sent, received), _label if labels_agree else lambda span: None):
            uneven += _pair(sides, matching)
        # Where one is missing, those of the other steps still belong together.
        left = [s for sides in uneven for s in _grouped(spans, sides, lambda span: span.step)]
        left = [s for sides in left for s in _pair(sides, matching)]
        if left:
            sure = [
                spans[second].end - spans[first].end
                for first, second in matching.pairs
                if (spans[first].rank, spans[first].peer) == key
            ]
            usual = median(sure) if sure else 0.0
            for sides in left:
                _pair_by_time(spans, sides, usual, matching)
    matching.pairs.sort()
    matching.alone.sort()
    return matching


def _label(span: Span) -> str:
    return span.name.partition(" ")[2]


def _grouped(spans: list[Span], sides: _Sides, key: Callable[[Span], Hashable]) -> list[_Sides]:
    """Sends and receives with the same key, each in the order of their starts."""
    groups: defaultdict[Hashable, _Sides] = defaultdict(lambda: ([], []))
    for side, indices in enumerate(sides):
        for index in sorted(indices, key=lambda i: (spans[i].start, spans[i].end, i)):
            groups[key(spans[index])][side].append(index)
    return list(groups.values())


def _pair(sides: _Sides, matching: Matching) -> list[_Sides]:
    """Pair in order, if both sides hold equally many; else give them back."""
    if len(sides[0]) != len(sides[1]):
        return [sides]
    matching.pairs.extend(zip(*sides, strict=True))
    return []


def _pair_by_time(spans: list[Span], sides: _Sides, usual: float, matching: Matching) -> None:
    """Leave those of the longer side alone without which the ends of the others lie nearest together.

    Dynamic programming over how many have been left out so far; `usual` is by how much receives end later than sends.
    """
    shift = (usual, 0.0)
    longer = int(len(sides[1]) > len(sides[0]))
    many, few = sides[longer], sides[1 - longer]
    spare = len(many) - len(few)
    ends = [spans[i].end + shift[longer] for i in many], [spans[i].end + shift[1 - longer] for i in few]
    if not few or len(few) * (spare + 1) > _MOST_COMPARISONS:
        left_out = set(range(len(few), len(many)))
    else:
        cost = [0.0] * (spare + 1)
        choices: list[list[bool]] = []
        for position in range(len(few)):
            best: list[float] = []
            skipped: list[bool] = []
            for skips in range(spare + 1):
                here = cost[skips] + abs(ends[0][position + skips] - ends[1][position])
                skip = skips > 0 and best[skips - 1] <= here
                best.append(best[skips - 1] if skip else here)
                skipped.append(skip)
            cost = best
            choices.append(skipped)
        left_out, skips = set(), spare
        for position in range(len(few) - 1, -1, -1):
            while choices[position][skips]:
                skips -= 1
                left_out.add(position + skips + 1)
        left_out |= set(range(skips))
    kept = [index for number, index in enumerate(many) if number not in left_out]
    matching.alone.extend(many[number] for number in sorted(left_out))
    pairs = zip(few, kept, strict=True) if longer else zip(kept, few, strict=True)
    matching.pairs.extend(pairs)


def collective_kind(span: Span) -> str:
    """The kind of collective that a span is one rank's whole part of; empty if it is none."""
    kind = span.name.partition(" ")[0]
    return kind if span.peer < 0 and kind in COLLECTIVES else ""


def match_collectives(trace: Trace, synchronising: bool = True) -> list[list[int]]:
    """Indices of the spans of each collective call, where at least two ranks recorded theirs.

    Where ranks hold unequally many spans of a name and size (a recorder that began late on one), only those of the
    steps are matched in which they hold equally many; of the others it is not known which belong together.

    Parameters
    ----------
    synchronising : bool
        Leave out kinds in which a rank may end before another begins (broadcast, reduce, …).
    """
    calls: defaultdict[tuple[str, float], defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, span in enumerate(trace.spans):
        kind = collective_kind(span)
        if kind and (kind in _SYNCHRONISING or not synchronising):
            calls[span.name, span.bytes][span.rank].append(index)
    groups: list[list[int]] = []
    for by_rank in calls.values():
        if len(by_rank) < 2:
            continue
        if len({len(indices) for indices in by_rank.values()}) == 1:
            groups += _calls_in_order(trace.spans, list(by_rank.values()))
            continue
        steps = [_by_step(trace.spans, indices) for indices in by_rank.values()]
        for step in set.intersection(*(set(of_rank) for of_rank in steps)):
            sides = [of_rank[step] for of_rank in steps]
            if len({len(indices) for indices in sides}) == 1:
                groups += _calls_in_order(trace.spans, sides)
    return sorted(groups)


def _by_step(spans: list[Span], indices: list[int]) -> dict[int, list[int]]:
    steps: defaultdict[int, list[int]] = defaultdict(list)
    for index in indices:
        steps[spans[index].step].append(index)
    return dict(steps)


def _calls_in_order(spans: list[Span], of_ranks: list[list[int]]) -> list[list[int]]:
    ordered = [sorted(indices, key=lambda i: (spans[i].start, i)) for indices in of_ranks]
    return [list(call) for call in zip(*ordered, strict=True)]
