"""One collective played by all ranks at once: its rounds as batches over vectors of times.

A rank begins a round when it has ended its part of the one before, so the times at which ranks are ready follow from
those of the round before by maxima and additions alone, as long as no two messages of different rounds are on one link
at the same time. That is checked, message by message; where it does not hold the collective is not played here.

Times are relative to the first rank's arrival, so that a collective that is called again with ranks as far apart is
the same one, moved in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from simulator.collectives.schedule import Schedule
from simulator.collectives.transfer import Flags, Round
from simulator.execution.lockstep.contention import Contention
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern, Patterns
from simulator.execution.lockstep.unsuited import Unsuited
from simulator.instants import SAME_INSTANT

__all__ = ["Additions", "Messages", "Played", "play"]

#: Of spans within a collective, of which there may be many.
Numbers = NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class Messages:
    """The messages of one round, arrays of shape (messages,).

    Attributes
    ----------
    played : Round
        How many elements each carries.
    first : int
        Number, in the collective, of the first of the spans: those of all senders, then those of all receivers.
    cause : array of int
        Number of the span that let each message start; ``-1 - rank`` for what the rank did before the collective.
    """

    pattern: Pattern
    played: Round
    start: Floats
    end: Floats
    cause: Numbers
    first: int

    @property
    def rank(self) -> Integers:
        """Whose lane each span is on, shape (2 · messages,)."""
        return np.concatenate([self.pattern.source, self.pattern.destination])


@dataclass(frozen=True, eq=False, slots=True)
class Additions:
    """What ranks add to their own numbers after a round, arrays of shape (ranks that add,)."""

    rank: Integers
    start: Floats
    end: Floats
    cause: Numbers
    first: int


@dataclass(eq=False)
class Played:
    """What happens in a collective, relative to the first arrival [s].

    Attributes
    ----------
    arrival : array, shape (ranks,)
        When each rank comes to it.
    parts : list
        Messages and additions in the order in which ranks play them.
    spans : int
        How many spans that makes.
    ready : array, shape (ranks,)
        When each rank is done.
    last : array of int, shape (ranks,)
        Number of the span that each rank did last, as in `Messages.cause`.
    carried : dict
        Bytes of all rounds by pattern, shape (messages,).
    resources, since, until : array, shape (resources in use,)
        When each resource is first and last in use.
    """

    arrival: Floats
    parts: list[Messages | Additions]
    spans: int
    ready: Floats
    last: Numbers
    carried: dict[Pattern, Floats]
    resources: Integers
    since: Floats
    until: Floats

    @cached_property
    def firsts(self) -> list[int]:
        """Number of the first span of each part."""
        return [part.first for part in self.parts]

    @cached_property
    def busy(self) -> Floats:
        """Seconds that each rank adds, shape (ranks,)."""
        total = np.zeros(len(self.ready))
        for part in self.parts:
            if isinstance(part, Additions):  # each rank once
                total[part.rank] += part.end - part.start
        return total

    @cached_property
    def adds(self) -> Flags:
        """Whether a rank adds anything, shape (ranks,)."""
        some = np.zeros(len(self.ready), dtype=bool)
        for part in self.parts:
            if isinstance(part, Additions):
                some[part.rank] = True
        return some


@dataclass
class _State:
    """Where the ranks and the resources are between two rounds."""

    ready: Floats
    last: Numbers
    since: Floats
    until: Floats
    base: float
    parts: list[Messages | Additions] = field(default_factory=list)
    carried: dict[Pattern, Floats] = field(default_factory=dict)
    spans: int = 0

    def same_as(self, time: Floats) -> Floats:
        """The latest moments that are the same as these times: see `simulator.instants`."""
        return time * SAME_INSTANT + self.base * (SAME_INSTANT - 1.0)


def play(
    schedule: Schedule,
    arrival: Floats,
    element_size: int,
    patterns: Patterns,
    contention: Contention,
    additions: Callable[[Integers, Integers], Floats],
    base: float,
) -> Played:
    """Play a collective in which everybody takes part.

    Parameters
    ----------
    schedule : Schedule
    arrival : array, shape (ranks,)
        When each rank comes to it [s], 0 for the first.
    element_size : int
        Bytes an element.
    patterns, contention
        Where routes are looked up, and messages that share links are timed.
    additions : callable
        ``(ranks, elements) -> seconds`` that each rank takes to add so many elements.
    base : float
        The time of day that times count from [s]: the later, the more they differ by rounding.

    Raises
    ------
    Unsuited
        If messages of different rounds meet on a link.
    """
    ranks = len(arrival)
    seen = [patterns.between(played.source, played.destination) for played in schedule.rounds]
    resources = len(patterns.capacities)
    state = _State(
        ready=arrival.copy(),
        last=-1 - np.arange(ranks, dtype=np.int32),
        since=np.full(resources, inf),
        until=np.full(resources, -inf),
        base=base,
    )
    before: Pattern | None = None
    adds: dict[int, tuple[bool, bool]] = {}  # whether some transfers of a round are added, and whether all are
    for index, (played, pattern) in enumerate(zip(schedule.rounds, seen, strict=True)):
        after = seen[index + 1] if index + 1 < len(seen) else None
        elements = played.elements
        size = elements * np.float64(element_size)
        _messages(state, played, pattern, size, contention, before is pattern, after is pattern)
        if id(played.reduce) not in adds:
            adds[id(played.reduce)] = bool(played.reduce.any()), bool(played.reduce.all())
        some, every = adds[id(played.reduce)]
        if some:
            _additions(state, pattern, elements, None if every else played.reduce, additions)
        before = pattern
    used = np.flatnonzero(state.until > -inf)
    return Played(
        arrival,
        state.parts,
        state.spans,
        state.ready,
        state.last,
        state.carried,
        used,
        state.since[used],
        state.until[used],
    )


def _messages(
    state: _State,
    played: Round,
    pattern: Pattern,
    size: Floats,
    contention: Contention,
    follows_itself: bool,
    is_followed_by_itself: bool,
) -> None:
    """Let the messages of a round pass."""
    source, destination = pattern.source, pattern.destination
    sender, receiver = state.ready[source], state.ready[destination]
    start = np.maximum(sender, receiver)
    cause = np.where(receiver > state.same_as(sender), state.last[destination], state.last[source])
    begin = start + pattern.delay
    end = begin + size / pattern.bandwidth
    if pattern.contended:
        end = contention.ends(pattern, begin, size, end, state.base)
    # Where a pattern follows itself and nothing is shared, a link waits for the very rank that used it before.
    alone = not pattern.contended
    if not (alone and follows_itself):
        _begin_on_resources(state, pattern, begin)
    if not (alone and is_followed_by_itself):
        _end_on_resources(state, pattern, end)
    state.parts.append(Messages(pattern, played, start, end, cause, state.spans))
    known = state.carried.get(pattern)
    state.carried[pattern] = size if known is None else known + size
    _arrive(state, pattern, end)
    state.spans += 2 * len(end)


def _begin_on_resources(state: _State, pattern: Pattern, begin: Floats) -> None:
    at = begin[pattern.message]
    if (state.until[pattern.resource] > state.same_as(at)).any():
        raise Unsuited("messages of different rounds of a collective meet on a link")
    if pattern.contended:
        np.minimum.at(state.since, pattern.resource, at)
    else:
        state.since[pattern.resource] = np.minimum(state.since[pattern.resource], at)


def _end_on_resources(state: _State, pattern: Pattern, end: Floats) -> None:
    at = end[pattern.message]
    if pattern.contended:
        np.maximum.at(state.until, pattern.resource, at)
    else:
        state.until[pattern.resource] = at


def _arrive(state: _State, pattern: Pattern, end: Floats) -> None:
    """Each rank is ready when its last message has arrived; of those that arrive together the first counts as last."""
    source, destination = pattern.source, pattern.destination
    if not pattern.distinct:
        rank, ends = np.concatenate([source, destination]), np.concatenate([end, end])
        latest = np.full(len(state.ready), -inf)
        np.maximum.at(latest, rank, ends)
        state.ready[rank] = latest[rank]
        decides = np.flatnonzero(state.same_as(ends) >= latest[rank])[::-1]
        state.last[rank[decides]] = state.spans + decides  # the one that is assigned last stays: the first of them
        return
    if len(pattern.only_sends):
        some = pattern.only_sends
        state.ready[source[some]] = end[some]
        state.last[source[some]] = state.spans + some
    sent = pattern.sent
    if sent is None:
        state.ready[destination] = end
        state.last[destination] = state.spans + pattern.received
        return
    before = end[sent] if pattern.everyone_sends else np.where(sent < 0, -inf, end[sent])
    state.ready[destination] = np.maximum(before, end)
    state.last[destination] = state.spans + np.where(end > state.same_as(before), pattern.received, sent)


def _additions(
    state: _State,
    pattern: Pattern,
    elements: Integers,
    chosen: Flags | None,
    additions: Callable[[Integers, Integers], Floats],
) -> None:
    """Let ranks add what they have received; if not all of it, the messages that are `chosen`."""
    rank = pattern.destination
    if chosen is not None:
        rank, elements = rank[chosen], elements[chosen]
    if not pattern.distinct:
        totals = np.zeros(len(state.ready), dtype=np.int64)
        np.add.at(totals, rank, elements)
        rank = np.flatnonzero(totals)
        elements = totals[rank]
    start = state.ready[rank]
    end = start + additions(rank, elements)
    state.parts.append(Additions(rank, start, end, state.last[rank], state.spans))
    state.ready[rank] = end
    state.last[rank] = np.arange(state.spans, state.spans + len(rank))
    state.spans += len(rank)
