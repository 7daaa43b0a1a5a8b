"""Matching sends with receives, and recording the message that follows.

A message starts when its sender and its receiver have both come to it (rendezvous, as MPI does for large messages),
and ends when the network model says so. Messages between the same two ranks under the same tag match in the order in
which they were posted; a receive from `ANY` takes the send that was posted first. The side that came later is why a
message starts when it does; of two that come in the same instant, the sender.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

import simpy

from simulator.algorithms.vocabulary import ANY
from simulator.execution.cursor import Cursor
from simulator.instants import SAME_INSTANT
from simulator.network.base import Network
from simulator.platform.links import Route
from simulator.trace.spans import Span, Trace

__all__ = ["Exchange", "Message"]


class Message:
    """One message from the moment its first side posts it; both sides wait for `arrived`.

    Attributes
    ----------
    arrived : simpy.Event
        Succeeds when the last byte is there.
    sent_span, received_span : int
        Indices of its two spans in the trace, once it has arrived.
    payload : object
        What the sender gave; the executor's business.
    """

    __slots__ = (
        "arrived",
        "cause",
        "destination",
        "end",
        "label",
        "payload",
        "received_span",
        "receiver_lane",
        "receiver_step",
        "sender_lane",
        "sender_step",
        "sent_span",
        "size",
        "source",
        "start",
    )

    def __init__(self, env: simpy.Environment, source: int, destination: int) -> None:
        self.arrived = simpy.Event(env)
        self.source = source
        self.destination = destination
        self.size = 0.0
        self.payload: Any = None
        self.label = ""
        self.start = self.end = 0.0
        self.cause = -1
        self.sender_lane = self.receiver_lane = ""
        self.sender_step = self.receiver_step = 0
        self.sent_span = self.received_span = -1


class Exchange:
    """Where all ranks of a run meet for their messages.

    Parameters
    ----------
    env : simpy.Environment
    network : Network
        Says how long a message takes.
    route : callable
        ``route(source_rank, destination_rank)``: a Route, or several that carry equal parts of a message at once,
        where a rank is spread over devices.
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
        busy: Callable[[int, int], None] = lambda rank, change: None,
    ) -> None:
        self._env = env
        self._network = network
        self._route = route
        self._category = category
        self._trace = trace
        self._busy = busy
        self._sends: dict[tuple[int, Hashable], deque[Message]] = {}
        self._receives: dict[tuple[int, Hashable], deque[Message]] = {}

    def send(
        self,
        to: int,
        tag: Hashable,
        size: float,
        label: str,
        cursor: Cursor,
        payload: Any = None,
        ready: float | None = None,
    ) -> Message:
        """Post a message of `size` bytes from the cursor's rank, which has been at it since `ready`, or since now."""
        waiting = self._receives.get((to, tag))
        message = _take(waiting, lambda posted: posted.source in (cursor.rank, ANY))
        first = message is None
        if message is None:
            message = Message(self._env, cursor.rank, to)
            self._sends.setdefault((to, tag), deque()).append(message)
        elif not waiting:
            del self._receives[to, tag]
        message.source = cursor.rank
        message.size, message.label, message.payload = size, label, payload
        message.sender_lane, message.sender_step = cursor.lane, cursor.step
        self._ready(message, cursor, not first, self._env.now if ready is None else ready, sends=True)
        return message

    def receive(self, source: int, tag: Hashable, cursor: Cursor) -> Message:
        """Post the readiness of the cursor's rank for a message from `source`, or from `ANY`."""
        waiting = self._sends.get((cursor.rank, tag))
        message = _take(waiting, lambda posted: source in (posted.source, ANY))
        first = message is None
        if message is None:
            message = Message(self._env, source, cursor.rank)
            self._receives.setdefault((cursor.rank, tag), deque()).append(message)
        elif not waiting:
            del self._sends[cursor.rank, tag]
        message.receiver_lane, message.receiver_step = cursor.lane, cursor.step
        self._ready(message, cursor, not first, self._env.now, sends=False)
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

    def _ready(self, message: Message, cursor: Cursor, begin: bool, since: float, sends: bool) -> None:
        """Note that one side has come; when it is the second, the transfer starts now."""
        if not begin:
            message.start, message.cause = since, cursor.last
            return
        together = since <= message.start * SAME_INSTANT and message.start <= since * SAME_INSTANT
        if sends if together else since > message.start:
            message.cause = cursor.last
        message.start = max(since, message.start)
        self._busy(message.source, 1)
        self._busy(message.destination, 1)
        routes = self._route(message.source, message.destination)
        if isinstance(routes, Route):
            transfer = self._network.transfer(routes, message.size)
        else:
            share = message.size / len(routes)
            transfer = self._env.all_of([self._network.transfer(route, share) for route in routes])
        assert transfer.callbacks is not None
        # SimPy runs callbacks in the order of this list: the spans are recorded before either side goes on.
        transfer.callbacks.append(lambda _: self._finish(message))

    def _finish(self, message: Message) -> None:
        self._busy(message.source, -1)
        self._busy(message.destination, -1)
        category = self._category(message.source, message.destination)
        message.end = self._env.now
        common = (message.start, message.end, message.size)
        add = self._trace.add
        message.sent_span = add(
            Span(
                message.source,
                message.sender_lane,
                category,
                f"send {message.label}",
                *common,
                message.sender_step,
                message.destination,
                message.cause,
            )
        )
        message.received_span = add(
            Span(
                message.destination,
                message.receiver_lane,
                category,
                f"receive {message.label}",
                *common,
                message.receiver_step,
                message.source,
                message.cause,
            )
        )
        message.arrived.succeed()


def _take(queue: deque[Message] | None, fits: Callable[[Message], bool]) -> Message | None:
    """Remove and return the first message in the queue that fits."""
    if queue:
        for index, message in enumerate(queue):
            if fits(message):
                del queue[index]
                return message
    return None
