"""One collective played by all ranks at once: its rounds as batches over vectors of times.

A rank begins a round when it has ended its part of the one before, so the times at which ranks are ready follow from
those of the round before by maxima and additions alone, as long as no two messages of different rounds are on one link
at the same time. That is checked, message by message; where it does not hold the collective is not played here.

Times are relative to the first rank's arrival, so that a collective that is called again with ranks as far apart is
the same one, moved in time.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from math import inf

import numpy as np

from simulator.collectives.schedule import Schedule
from simulator.collectives.transfer import Round
from simulator.execution.lockstep.contention import Contention
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern, Patterns
from simulator.execution.lockstep.played import Additions, Messages, Played, Progress
from simulator.execution.lockstep.rotation import is_rotation, rotate

__all__ = ["play"]


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
    state = Progress(
        ready=arrival.copy(),
        last=-1 - np.arange(ranks, dtype=np.int32),
        since=np.full(resources, inf),
        until=np.full(resources, -inf),
        base=base,
    )
    # A link that only one message crosses waits, in the next round of the same pattern, for the very rank that used it.
    for pattern, group in groupby(zip(seen, schedule.rounds, strict=True), key=lambda pair: pair[0]):
        rounds = [played for _, played in group]
        if is_rotation(pattern, rounds):
            rotate(state, pattern, rounds, element_size, additions)
        else:
            for index, played in enumerate(rounds):
                begins, ends = index == 0 or bool(pattern.contended), played is rounds[-1] or bool(pattern.contended)
                _messages(state, played, pattern, element_size, contention, begins, ends)
                _additions(state, played, pattern, additions)
    return state.played(arrival)


def _messages(
    state: Progress,
    played: Round,
    pattern: Pattern,
    element_size: int,
    contention: Contention,
    begins: bool,
    ends: bool,
) -> None:
    """Let the messages of a round pass, one of several with its pattern that `begins` or `ends` to use their links."""
    source, destination = pattern.source, pattern.destination
    sender, receiver = state.ready[source], state.ready[destination]
    start = np.maximum(sender, receiver)
    cause = np.where(receiver > state.same_as(sender), state.last[destination], state.last[source])
    begin = start + pattern.delay
    size = played.elements * np.float64(element_size)
    end = begin + size / pattern.bandwidth
    if pattern.contended:
        end = contention.ends(pattern, begin, size, end, state.base)
    if begins:
        state.begin_on_links(pattern, begin)
    if ends:
        state.end_on_links(pattern, end)
    state.parts.append(Messages(cause, pattern, played, start, end, state.spans))
    state.carry(pattern, size)
    _arrive(state, pattern, end)
    state.spans += 2 * len(end)


def _arrive(state: Progress, pattern: Pattern, end: Floats) -> None:
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
    state: Progress, played: Round, pattern: Pattern, additions: Callable[[Integers, Integers], Floats]
) -> None:
    """Let ranks add what they have received, where the round says so."""
    if not played.reduce.any():
        return
    rank, elements = pattern.destination, played.elements
    if not played.reduce.all():
        rank, elements = rank[played.reduce], elements[played.reduce]
    if not pattern.distinct:
        totals = np.zeros(len(state.ready), dtype=np.int64)
        np.add.at(totals, rank, elements)
        rank = np.flatnonzero(totals)
        elements = totals[rank]
    start = state.ready[rank]
    end = start + additions(rank, elements)
    state.parts.append(Additions(state.last[rank], rank, start, end, state.spans))
    state.ready[rank] = end
    state.last[rank] = np.arange(state.spans, state.spans + len(rank))
    state.spans += len(rank)
