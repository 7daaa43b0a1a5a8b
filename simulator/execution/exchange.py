"""Matching sends with receives, and recording the message that follows.

A message starts when its sender and its receiver have both come to it (rendezvous, as MPI does for large messages),
and ends when the network model says so. Messages between the same two ranks under the same tag match in the order in
which they were posted; a receive from `ANY` takes the send that was posted first. The side that came later is why a
message starts when it does; of two that come in the same instant, the sender.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, NamedTuple

import simpy

from simulator.algorithms.vocabulary import ANY
from simulator.execution.clock import happen
from simulator.execution.cursor import Cursor
from simulator.instants import SAME_INSTANT
from simulator.network.base import Network
from simulator.platform.links import Route
from simulator.trace.spans import NO_CAUSE, Trace, span_of

__all__ = ["Exchange", "Message"]


class Message(simpy.Event):
    """One message from the moment its first side posts it: an event that succeeds when its last byte is there.

    Attributes
    ----------
    source, destination : int
        Ranks; the source is `ANY` while a receive from whoever comes waits for it.
    sender, receiver : Cursor
        Its two sides. Both wait until it is there, so their lanes and steps are those of its spans.
    label, size : str, float
        What it carries, for people, and bytes.
    payload : object
        What the sender gave; the executor's business.
    start, end : float
        Times [s]; until the second side has come, `start` is when the first one was ready.
    cause : int
        The span for which it starts when it does.
    sent_span, received_span : int
        Indices of its two spans in the trace, once it has arrived.
    """

    sender: Cursor
    receiver: Cursor
    way: _Way
    label = ""
    size = 0.0
    announces = False
    payload: Any = None
    end = 0.0
    sent_span = received_span = NO_CAUSE

    def __init__(self, env: simpy.Environment, source: int, destination: int, start: float, cause: int) -> None:
        super().__init__(env)
        self.source = source
        self.destination = destination
        self.start = start
        self.cause = cause

    def span_of(self, rank: int) -> int:
        """Which of its spans is that of one of its two ranks; a message to oneself is one's sending."""
        return self.sent_span if rank == self.source else self.received_span


class _Way(NamedTuple):
    """From one rank to another: the routes that carry equal parts of a message, and where its time belongs."""

    routes: tuple[Route, ...]
    category: str


#: Messages that wait for their other side, by destination and tag, in the order in which they were posted.
_Posted = dict[tuple[int, Hashable], list[Message]]


class Exchange:
    """Where all ranks of a run meet for their messages.

    Parameters
    ----------
    env : simpy.Environment
    network : Network
        Says how long a message takes.
    route : callable
        ``route(source_rank, destination_rank)``: a Route, or several that carry equal parts of a message at once,
        where a rank is spread over devices. Asked once for each pair of ranks, as is `category`.
    category : callable
        ``category(source_rank, destination_rank) -> str``, the breakdown part its time belongs to.
    trace : Trace
        Gets a span on the sender's and one on the receiver's lane for each message.
    busy : callable, optional
        Told ``(rank, +1)`` when a message of a rank begins and ``(rank, -1)`` when it has arrived.
    """

    def __init__(
        self,
        env: simpy.Environment,
        network: Network,
        route: Callable[[int, int], Route | tuple[Route, ...]],
        category: Callable[[int, int], str],
        trace: Trace,
        busy: Callable[[int, int], None] | None = None,
    ) -> None:
        self._env = env
        self._network = network
        self._route = route
        self._category = category
        self._trace = trace
        self._busy = busy
        self._sends: _Posted = {}
        self._receives: _Posted = {}
        self._ways: dict[tuple[int, int], _Way] = {}
        self._names: dict[str, tuple[str, str]] = {}  # of the two spans, by label

    def send(
        self,
        to: int,
        tag: Hashable,
        size: float,
        label: str,
        cursor: Cursor,
        payload: Any = None,
        ready: float | None = None,
        announces: bool = False,
    ) -> Message:
        """Post a message of `size` bytes from the cursor's rank, which has been at it since `ready`, or since now.

        One that `announces` an array is preceded by a header, where that takes time.
        """
        since = self._env.now if ready is None else ready
        key = to, tag
        message = _take(self._receives, key, cursor.rank)
        first = message is None
        if message is None:
            message = Message(self._env, cursor.rank, to, since, cursor.last)
            self._sends.setdefault(key, []).append(message)
        message.source, message.sender = cursor.rank, cursor
        message.size, message.label, message.payload, message.announces = size, label, payload, announces
        if not first:
            self._begin(message, cursor, since, sends=True)
        return message

    def receive(self, source: int, tag: Hashable, cursor: Cursor) -> Message:
        """Post the readiness of the cursor's rank for a message from `source`, or from `ANY`."""
        since = self._env.now
        key = cursor.rank, tag
        message = _take(self._sends, key, source)
        first = message is None
        if message is None:
            message = Message(self._env, source, cursor.rank, since, cursor.last)
            self._receives.setdefault(key, []).append(message)
        message.receiver = cursor
        if not first:
            self._begin(message, cursor, since, sends=False)
        return message

    def unmatched(self) -> list[str]:
        """What is still waiting for its other side, in words; for the message when a run cannot go on."""
        sends = [f"rank {m.source} to send to rank {m.destination}" for q in self._sends.values() for m in q]
        receives = [
            f"rank {m.destination} to receive from {'any rank' if m.source == ANY else f'rank {m.source}'}"
            for q in self._receives.values()
            for m in q
        ]
        return sends + receives

    def _begin(self, message: Message, cursor: Cursor, since: float, sends: bool) -> None:
        """The second side has come: the transfer starts now."""
        together = since <= message.start * SAME_INSTANT and message.start <= since * SAME_INSTANT
        if sends if together else since > message.start:
            message.cause = cursor.last
        if since > message.start:
            message.start = since
        if self._busy is not None:
            self._busy(message.source, 1)
            self._busy(message.destination, 1)
        way = message.way = self._way(message.source, message.destination)
        if len(way.routes) == 1:
            route = way.routes[0].announced if message.announces else way.routes[0]
            transfer = self._network.transfer(route, message.size)
        else:
            share = message.size / len(way.routes)
            transfer = self._env.all_of([self._network.transfer(route, share) for route in way.routes])
        assert transfer.callbacks is not None
        # SimPy runs callbacks in the order of this list: the spans are recorded before either side goes on.
        transfer.callbacks.append(partial(self._arrive, message))

    def _way(self, source: int, destination: int) -> _Way:
        way = self._ways.get((source, destination))
        if way is None:
            routes = self._route(source, destination)
            found = (routes,) if isinstance(routes, Route) else routes
            way = self._ways[source, destination] = _Way(found, self._category(source, destination))
        return way

    def _arrive(self, message: Message, _: simpy.Event) -> None:
        """The last byte is there."""
        source, destination, sender, receiver = message.source, message.destination, message.sender, message.receiver
        if self._busy is not None:
            self._busy(source, -1)
            self._busy(destination, -1)
        names = self._names.get(message.label)
        if names is None:
            names = self._names[message.label] = f"send {message.label}", f"receive {message.label}"
        category, start, size, cause = message.way.category, message.start, message.size, message.cause
        end = message.end = self._env.now
        add = self._trace.add
        message.sent_span = add(
            span_of((source, sender.lane, category, names[0], start, end, size, sender.step, destination, cause))
        )
        message.received_span = add(
            span_of((destination, receiver.lane, category, names[1], start, end, size, receiver.step, source, cause))
        )
        happen(self._env, message)


def _take(posted: _Posted, key: tuple[int, Hashable], source: int) -> Message | None:
    """Remove and return the first of the messages posted under `key` that is from `source`; `ANY` is every source."""
    queue = posted.get(key)
    if queue is None:
        return None
    for index, message in enumerate(queue):
        if message.source == source or ANY in (message.source, source):
            del queue[index]
            if not queue:
                del posted[key]
            return message
    return None
