"""Rounds in which every rank sends once and receives once over links of its own, again and again: the rounds of a ring.

A ring of P ranks has 2(P − 1) of them, so they are what large collectives take time for. Here the ranks are kept in the
order of the messages they send, and what can be worked out for many rounds at once is. Which span let which other one
start follows from the times of two consecutive rounds, and is worked out when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.collectives.transfer import Round
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern
from simulator.execution.lockstep.played import Additions, Messages, Numbers, Progress

__all__ = ["is_rotation", "rotate"]

#: Rounds that are prepared at once have at most so many messages: arrays of some megabytes.
_AT_ONCE = 1 << 17


def is_rotation(pattern: Pattern, rounds: Sequence[Round]) -> bool:
    """Whether these consecutive rounds of a pattern can be played here."""
    return (
        len(rounds) > 1
        and pattern.distinct
        and not pattern.contended
        and pattern.everyone_sends
        and not len(pattern.only_sends)
        and all(flags.all() or not flags.any() for flags in {id(each.reduce): each.reduce for each in rounds}.values())
    )


class _Turn:
    """A pattern and when its ranks have done what, in the order of the messages they send."""

    def __init__(self, pattern: Pattern, state: Progress) -> None:
        assert pattern.sent is not None
        messages = len(pattern.source)
        self.same_as = state.same_as
        self.sent = pattern.sent  # the message that the destination of each message sends
        self.got = np.argsort(pattern.sent)  # the message that the source of each message receives
        self.own = np.arange(messages, dtype=np.int32)
        self.received = (self.got + messages).astype(np.int32)


@dataclass(eq=False, slots=True)
class _Done:
    """What ranks have done by the end of a round: numbers of their last spans are worked out when asked for."""

    turn: _Turn
    end: Floats  # of the messages sent
    first: int  # number of the first message's span
    added: Floats | None = None  # when the additions end, if there are any
    first_addition: int = 0

    def last_message(self) -> Numbers:
        """Number of each rank's message that arrived last; of two that arrive together, the one sent."""
        turn = self.turn
        received = self.end.take(turn.got) > turn.same_as(self.end)
        return np.where(received, turn.received, turn.own) + np.int32(self.first)

    def last(self) -> Numbers:
        """Number of the span that each rank did last."""
        if self.added is None:
            return self.last_message()
        return self.turn.own + np.int32(self.first_addition)

    def cause(self) -> Numbers:
        """Number of the span that lets each message of the next round start: of the side that came later."""
        ready = np.maximum(self.end, self.end.take(self.turn.got)) if self.added is None else self.added
        return _later_side(self.turn, ready, self.last())


def _later_side(turn: _Turn, ready: Floats, last: Numbers) -> Numbers:
    late = ready.take(turn.sent) > turn.same_as(ready)
    return np.where(late, last.take(turn.sent), last)


def rotate(
    state: Progress,
    pattern: Pattern,
    rounds: Sequence[Round],
    element_size: int,
    additions: Callable[[Integers, Integers], Floats],
) -> None:
    """Play consecutive rounds of one pattern; parameters as for `simulator.execution.lockstep.collective.play`."""
    turn, source, messages = _Turn(pattern, state), pattern.source, len(pattern.source)
    ready = state.ready[source]
    cause: Numbers | Callable[[], Numbers] = _later_side(turn, ready, state.last[source])
    adds = {id(each.reduce): bool(each.reduce.any()) for each in rounds}
    count = max(_AT_ONCE // messages, 1)
    state.begin_on_links(pattern, np.maximum(ready, ready.take(turn.sent)) + pattern.delay)
    for begin in range(0, len(rounds), count):
        some = rounds[begin : begin + count]
        elements = np.array([each.last for each in some]) - np.array([each.first for each in some])
        size = elements * np.float64(element_size)
        state.carry(pattern, size.sum(axis=0))
        times = pattern.delay + size / pattern.bandwidth
        added = elements[:, turn.got]
        seconds = additions(np.tile(source, len(some)), added.reshape(-1)).reshape(added.shape)
        for index, played in enumerate(some):
            start = np.maximum(ready, ready.take(turn.sent))
            end = start + times[index]
            ready = np.maximum(end, end.take(turn.got))
            done = _Done(turn, end, state.spans)
            state.parts.append(Messages(cause, pattern, played, start, end, state.spans))
            state.spans += 2 * messages
            if adds[id(played.reduce)]:
                done.added, done.first_addition = ready + seconds[index], state.spans
                state.parts.append(Additions(done.last_message, source, ready, done.added, state.spans))
                ready = done.added
                state.spans += messages
            cause = done.cause
    state.end_on_links(pattern, end)
    state.ready[source], state.last[source] = ready, done.last()
