"""The spans of a run in lockstep, made all at once when somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from simulator.errors import RunError
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern
from simulator.execution.lockstep.played import Additions, Messages
from simulator.execution.lockstep.record import CollectiveCall, LocalWork, Record
from simulator.execution.memory import uncollected
from simulator.execution.repetition import Repetition
from simulator.trace.spans import NO_CAUSE, Span

__all__ = ["MOST_SPANS", "make_spans"]

#: Beyond this a trace as Python objects would not fit into the memory of most machines: some 400 bytes a span.
MOST_SPANS = 20_000_000
#: Spans that are made at once.
_AT_ONCE = 100_000


class _Block(NamedTuple):
    """Spans of one name with consecutive numbers; arrays of shape (spans,)."""

    lane: str
    name: str
    category: Sequence[str]
    rank: Integers
    step: Integers
    peer: Integers
    start: Floats
    end: Floats
    size: Floats
    cause: Integers


def make_spans(record: Record, repetition: Repetition) -> list[Span]:
    """Every span of the whole run, in the order in which they end.

    Parameters
    ----------
    record : Record
        Of the steps that were simulated.
    repetition : Repetition
        Of one of them.

    Raises
    ------
    RunError
        If they are too many to be held.
    """
    count = record.spans + repetition.copies * repetition.spans
    if count > MOST_SPANS:
        raise RunError(
            f"a trace of this run has {count:,} spans, more than the {MOST_SPANS:,} that are kept at once: "
            "simulate fewer steps (--set workload.steps=2) to look at them"
        )
    blocks = list(_blocks(record))
    if not blocks:
        return []
    block = np.repeat(np.arange(len(blocks)), [len(each.rank) for each in blocks])
    lane, name = (np.array(column, dtype=object) for column in ([b.lane for b in blocks], [b.name for b in blocks]))
    category = np.array([each for b in blocks for each in b.category], dtype=object)
    rank, step, peer, start, end, size, cause = (
        np.concatenate(column) for column in list(zip(*blocks, strict=True))[3:]
    )

    place, copy = repetition.unrolled(record.spans)
    later = copy * repetition.period
    # What let a span of a copy start is in the same copy, or in the one before.
    cause = np.where(cause[place] == NO_CAUSE, NO_CAUSE, cause[place] + copy * repetition.spans)
    order = np.argsort(_not_before_causes(end[place] + later, cause), kind="stable")
    index = np.empty(count + 1, dtype=np.int64)
    index[order], index[NO_CAUSE] = np.arange(count), NO_CAUSE
    spans: list[Span] = []
    with uncollected():
        for first in range(0, count, _AT_ONCE):
            some = order[first : first + _AT_ONCE]
            here = place[some]
            fields = (
                rank[here],
                lane[block[here]],
                category[here],
                name[block[here]],
                start[here] + later[some],
                end[here] + later[some],
                size[here],
                step[here] + copy[some],
                peer[here],
                index[cause[some]],
            )
            spans += map(Span._make, zip(*(column.tolist() for column in fields), strict=True))
    return spans


def _not_before_causes(ends: Floats, cause: Integers) -> Any:
    """Ends by which to sort: no span comes before its cause, though rounding may have it end a hair earlier."""
    moved = ends.tolist()
    for number, before in enumerate(cause.tolist()):
        if before != NO_CAUSE and moved[before] > moved[number]:
            moved[number] = moved[before]
    return np.array(moved)


def _blocks(record: Record) -> Iterator[_Block]:
    """All spans that were simulated, in the order of their numbers."""
    categories: dict[Pattern, list[str]] = {}
    for batch in record.batches:
        if isinstance(batch, LocalWork):
            yield _of_work(batch)
            continue
        for part in batch.played.parts:
            if isinstance(part, Additions):
                yield _of_additions(batch, part)
            else:
                yield from _of_messages(batch, part, categories)


def _of_work(work: LocalWork) -> _Block:
    count = work.spans
    category = work.categories if len(work.categories) == count else [*work.categories] * count
    alone, size = np.full(count, -1), np.full(count, work.size)
    return _Block(work.lane, work.name, category, work.rank, work.step, alone, work.start, work.end, size, work.cause)


def _of_additions(call: CollectiveCall, part: Additions) -> _Block:
    rank, start, end = part.rank, call.base + part.start, call.base + part.end
    category = [call.update_categories[each] for each in rank.tolist()]
    alone, size = np.full(len(rank), -1), np.zeros(len(rank))
    return _Block(call.lane, "add", category, rank, call.step[rank], alone, start, end, size, call.numbers(part.cause))


def _of_messages(call: CollectiveCall, part: Messages, categories: dict[Pattern, list[str]]) -> Iterator[_Block]:
    source, destination = part.pattern.source, part.pattern.destination
    if part.pattern not in categories:
        categories[part.pattern] = list(map(call.category, source.tolist(), destination.tolist()))
    times = call.base + part.start, call.base + part.end
    size = part.played.elements * np.float64(call.element_size)
    for what, rank, peer in (("send", source, destination), ("receive", destination, source)):
        yield _Block(
            call.lane,
            f"{what} {call.kind}",
            categories[part.pattern],
            rank,
            call.step[rank],
            peer,
            *times,
            size,
            call.numbers(part.cause),
        )
