"""One collective whose messages of different rounds meet on links, message by message.

Ranks follow the schedule as in `simulator.execution.message_operations`: a message starts when both ends have come to
its round, and shares links max-min fairly with whatever else is on its way. There are no processes and no other
operations here, only ranks that count what they still wait for, so a message costs little more than the network asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf

import numpy as np
import simpy

from simulator.collectives.schedule import Schedule
from simulator.collectives.transfer import Round
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern, Patterns
from simulator.execution.lockstep.played import Additions, Messages, Played, Progress
from simulator.instants import SAME_INSTANT
from simulator.network.base import Network
from simulator.platform.links import Route

__all__ = ["play_with_contention"]


@dataclass
class _Round:
    """A round while it is played: start and end of each message, and of each addition by rank [s]; causes by number."""

    played: Round
    pattern: Pattern
    first: int
    start: list[float]
    end: list[float]
    cause: list[int]
    there: list[int]  # ends of each message that have come to the round
    route: list[Route]
    size: list[float]
    adds: dict[int, tuple[int, float]]  # by rank: which addition of the round it is, and its seconds
    first_addition: int
    addition: dict[int, tuple[float, float, int]] = field(default_factory=dict)


@dataclass
class _Member:
    """A rank: the rounds that it takes part in with its messages there, sends first, and where it is."""

    rounds: list[tuple[_Round, list[int]]] = field(default_factory=list)
    next: int = 0
    waits_for: int = 0
    ready: float = 0.0
    last: int = 0


class _Play:
    """A collective on its way."""

    def __init__(self, env: simpy.Environment, network: Network, members: list[_Member], base: float) -> None:
        self._env = env
        self._network = network
        self._members = members
        self._base = base

    def _rounding(self, now: float) -> float:
        """Times [s] that differ by less are the same: see `simulator.instants`."""
        return (self._base + now) * (SAME_INSTANT - 1.0)

    def enter(self, rank: int, _: object = None) -> None:
        """A rank has done with all that came before its next round."""
        member = self._members[rank]
        member.ready = self._env.now
        if member.next == len(member.rounds):
            return
        played, messages = member.rounds[member.next]
        member.waits_for = len(messages)
        for message in messages:
            played.there[message] += 1
            if played.there[message] == 2:
                self._start(played, message)

    def _start(self, played: _Round, message: int) -> None:
        sender = self._members[int(played.pattern.source[message])]
        receiver = self._members[int(played.pattern.destination[message])]
        played.start[message] = self._env.now
        late = receiver.ready > sender.ready + self._rounding(sender.ready)
        played.cause[message] = receiver.last if late else sender.last
        transfer = self._network.transfer(played.route[message], played.size[message])
        assert transfer.callbacks is not None
        transfer.callbacks.append(partial(self._arrived, played, message))

    def _arrived(self, played: _Round, message: int, _: object) -> None:
        played.end[message] = self._env.now
        source, destination = int(played.pattern.source[message]), int(played.pattern.destination[message])
        for rank in (source, destination):
            member = self._members[rank]
            member.waits_for -= 1
            if not member.waits_for:
                self._all_arrived(rank, member, played)

    def _all_arrived(self, rank: int, member: _Member, played: _Round) -> None:
        """Go on with the additions, or to the next round; of messages that arrive together the first counts as last."""
        _, messages = member.rounds[member.next]
        latest = self._env.now - self._rounding(self._env.now)
        decides = next(message for message in messages if played.end[message] >= latest)
        received = 0 if int(played.pattern.source[decides]) == rank else len(played.end)
        member.last = played.first + decides + received
        member.next += 1
        added = played.adds.get(rank)
        if added is None:
            self.enter(rank)
            return
        index, seconds = added
        now = self._env.now
        played.addition[rank] = now, now + seconds, member.last
        member.last = played.first_addition + index
        done = self._env.timeout(seconds)
        assert done.callbacks is not None
        done.callbacks.append(partial(self.enter, rank))


def play_with_contention(
    schedule: Schedule,
    arrival: Floats,
    element_size: int,
    patterns: Patterns,
    network: Callable[[simpy.Environment], Network],
    additions: Callable[[Integers, Integers], Floats],
    base: float,
) -> Played:
    """Play a collective in which everybody takes part; see `simulator.execution.lockstep.collective.play`.

    Parameters
    ----------
    network : callable
        Makes the network that the messages cross, with nothing else on it.
    """
    members = [_Member(ready=float(at), last=-1 - rank) for rank, at in enumerate(arrival.tolist())]
    rounds, spans = _rounds(schedule, element_size, patterns, additions, members)
    env = simpy.Environment()
    play = _Play(env, network(env), members, base)
    for rank, at in enumerate(arrival.tolist()):
        begin = env.timeout(at)
        assert begin.callbacks is not None
        begin.callbacks.append(partial(play.enter, rank))
    env.run()
    return _played(arrival, rounds, members, spans, len(patterns.capacities), base)


def _rounds(
    schedule: Schedule,
    element_size: int,
    patterns: Patterns,
    additions: Callable[[Integers, Integers], Floats],
    members: list[_Member],
) -> tuple[list[_Round], int]:
    """The rounds of a schedule, entered with their ranks, and how many spans they will be."""
    rounds, spans = [], 0
    for each in schedule.rounds:
        pattern, elements, count = patterns.between(each.source, each.destination), each.elements, len(each)
        added = np.zeros(len(members), dtype=np.int64)
        np.add.at(added, each.destination[each.reduce], elements[each.reduce])
        adders = np.flatnonzero(added)
        seconds = additions(adders, added[adders]) if len(adders) else np.zeros(0)
        played = _Round(
            each,
            pattern,
            spans,
            [0.0] * count,
            [0.0] * count,
            [0] * count,
            [0] * count,
            list(pattern.routes),
            (elements * np.float64(element_size)).tolist(),
            dict(zip(adders.tolist(), enumerate(seconds.tolist()), strict=True)),
            spans + 2 * count,
        )
        of_rank: dict[int, list[int]] = {}
        for ranks in (each.source.tolist(), each.destination.tolist()):
            for message, rank in enumerate(ranks):
                of_rank.setdefault(rank, []).append(message)
        for rank, messages in of_rank.items():
            members[rank].rounds.append((played, messages))
        rounds.append(played)
        spans += 2 * count + len(adders)
    return rounds, spans


def _played(
    arrival: Floats, rounds: list[_Round], members: list[_Member], spans: int, resources: int, base: float
) -> Played:
    """What was played, as batches."""
    state = Progress(
        ready=np.array([member.ready for member in members]),
        last=np.array([member.last for member in members], dtype=np.int32),
        since=np.full(resources, inf),
        until=np.full(resources, -inf),
        base=base,
        spans=spans,
    )
    for each in rounds:
        start, end, cause = np.array(each.start), np.array(each.end), np.array(each.cause, dtype=np.int32)
        state.parts.append(Messages(cause, each.pattern, each.played, start, end, each.first))
        state.carry(each.pattern, np.array(each.size))
        np.minimum.at(state.since, each.pattern.resource, (start + each.pattern.delay)[each.pattern.message])
        state.end_on_links(each.pattern, end)
        if each.adds:
            times = [each.addition[rank] for rank in each.adds]
            begins, ends, causes = map(np.array, zip(*times, strict=True))
            rank = np.array([*each.adds])
            state.parts.append(Additions(causes.astype(np.int32), rank, begins, ends, each.first_addition))
    return state.played(arrival)
