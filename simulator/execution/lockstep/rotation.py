"""Rounds in which every rank sends once and receives once over links of its own, again and again: the rounds of a ring.

A ring of P ranks has 2(P − 1) of them, so they are what large collectives take time for. Here the ranks are kept in the
order of the messages they send, and what can be worked out for many rounds at once is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.collectives.transfer import Round
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern
from simulator.execution.lockstep.played import Additions, Messages, Progress

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


def rotate(
    state: Progress,
    pattern: Pattern,
    rounds: Sequence[Round],
    element_size: int,
    additions: Callable[[Integers, Integers], Floats],
) -> None:
    """Play consecutive rounds of one pattern; parameters as for `simulator.execution.lockstep.collective.play`."""
    source, sent = pattern.source, pattern.sent
    assert sent is not None
    got = np.argsort(sent)  # the message that the source of each message receives
    messages = len(source)
    own = np.arange(messages, dtype=np.int32)
    received = (got + messages).astype(np.int32)
    ready, last = state.ready[source], state.last[source]
    adds = {id(each.reduce): bool(each.reduce.any()) for each in rounds}
    count = max(_AT_ONCE // messages, 1)
    for begin in range(0, len(rounds), count):
        some = rounds[begin : begin + count]
        elements = np.array([each.last for each in some]) - np.array([each.first for each in some])
        size = elements * np.float64(element_size)
        state.carry(pattern, size.sum(axis=0))
        times = pattern.delay + size / pattern.bandwidth
        added = elements[:, got]
        seconds = additions(np.tile(source, len(some)), added.reshape(-1)).reshape(added.shape)
        for index, played in enumerate(some):
            receiver = ready.take(sent)
            start = np.maximum(ready, receiver)
            if begin + index == 0:
                state.begin_on_links(pattern, start + pattern.delay)
            cause = np.where(receiver > state.same_as(ready), last.take(sent), last)
            end = start + times[index]
            state.parts.append(Messages(pattern, played, start, end, cause, state.spans))
            arrived = end.take(got)
            last = np.where(arrived > state.same_as(end), received, own) + np.int32(state.spans)
            ready = np.maximum(end, arrived)
            state.spans += 2 * messages
            if adds[id(played.reduce)]:
                done = ready + seconds[index]
                state.parts.append(Additions(source, ready, done, last, state.spans))
                ready, last = done, own + np.int32(state.spans)
                state.spans += messages
    state.end_on_links(pattern, end)
    state.ready[source], state.last[source] = ready, last
