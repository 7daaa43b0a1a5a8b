"""Operations between ranks: sends, receives, collectives.

A collective is played by each member from its own part of the schedule: the transfers of a round proceed together, then
its additions take place at the speed of its device, then its next round begins. Nobody waits for anybody else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from simulator.algorithms.vocabulary import Array, Collective, Receive, Send
from simulator.collectives.schedule import Action, Schedule
from simulator.execution.arithmetic import part_of
from simulator.execution.cursor import Cursor
from simulator.execution.exchange import Exchange, Message
from simulator.execution.state import Activity, RankState, Run
from simulator.execution.travel import collective_parts, collective_result, message_parts
from simulator.instants import SAME_INSTANT

__all__ = ["MessageOperations"]

_POINT_TO_POINT = "point-to-point"


class MessageOperations:
    """Handlers of sends, receives and collectives.

    Parameters
    ----------
    run : Run
    exchange : Exchange
    category : callable
        ``(source_rank, destination_rank)`` to the breakdown part of what passes between them.
    schedule : callable
        ``(collective kind, ranks, elements, root) -> Schedule``.
    packed : bool
        Whether the layers travel as one message or one by one.
    collective_overhead : callable
        ``bytes -> seconds`` that a collective call takes on every rank before its first message.
    read_for_message : callable
        Told of every array that a message takes.
    """

    def __init__(
        self,
        run: Run,
        exchange: Exchange,
        category: Callable[[int, int], str],
        schedule: Callable[[str, int, int, int], Schedule],
        packed: bool,
        collective_overhead: Callable[[float], float],
        read_for_message: Callable[[Array], None],
    ) -> None:
        self._run = run
        self._exchange = exchange
        self._category = category
        self._schedule = schedule
        self._collective_overhead = collective_overhead
        self._read_for_message = read_for_message
        self._packed = packed
        self._parts = functools.cache(functools.partial(message_parts, packed=packed))

    def send(self, state: RankState, operation: Send, cursor: Cursor) -> Activity:
        """One message, or one a layer, with the numbers as they are now."""
        return self._send(state, operation, cursor, copied=operation.array.shared)

    def send_beside(self, state: RankState, operation: Send, cursor: Cursor) -> Activity:
        """The same beside the generator, which may change the array meanwhile."""
        return self._send(state, operation, cursor, copied=True)

    def _send(self, state: RankState, operation: Send, cursor: Cursor, copied: bool) -> Activity:
        array, ready = operation.array, self._run.env.now
        if array.shared:
            self._read_for_message(array)
        payload, parts = array.snapshot(cursor.rank), self._parts(array.layout)
        copying = state.setup.copy_time(sum(parts) * array.element_size) if copied else 0.0
        if copying:
            yield self._run.work(state.setup, copying)
        for place, part in enumerate(parts):
            size = part * array.element_size
            message = self._exchange.send(
                operation.to, _POINT_TO_POINT, size, array.name, cursor, payload, ready, announces=place == 0
            )
            yield message
            cursor.last = message.sent_span
            ready = message.end

    def receive(self, state: RankState, operation: Receive, cursor: Cursor) -> Activity:
        """One message, or one a layer, all from whoever sent the first."""
        message = self._exchange.receive(operation.source, _POINT_TO_POINT, cursor)
        yield message
        cursor.last = message.span_of(cursor.rank)
        for _ in self._parts(message.payload.layout)[1:]:
            message = self._exchange.receive(message.source, _POINT_TO_POINT, cursor)
            yield message
            cursor.last = message.span_of(cursor.rank)
        return message.payload

    def collective(self, state: RankState, operation: Collective, cursor: Cursor) -> Activity:
        """A collective, numbered when it is asked for or started: all members count alike, so it matches messages."""
        state.collectives += 1
        return self._play(state, operation, cursor, state.collectives)

    def _play(self, state: RankState, operation: Collective, cursor: Cursor, sequence: int) -> Activity:
        """This rank's part of the collective numbered `sequence`."""
        group = operation.group
        position, root = group.index(cursor.rank), group.index(operation.root)
        result = collective_result(operation, position, self._run.task)
        parts = collective_parts(operation, result, self._packed)
        done = 0
        for part, elements in enumerate(parts):
            schedule = self._schedule(operation.kind, len(group), elements, root)
            size = elements * result.element_size
            # A call without partners is none, but still gives an array of its own.
            seconds = self._collective_overhead(size) if size and schedule.rounds else state.setup.copy_time(size)
            yield from self._call(state, operation, cursor, position, seconds, size)
            values = None if result.value is None else part_of(result.value, done, done + elements, result.elements)
            for action in schedule.actions(position):
                yield from self._round(state, operation, cursor, action, (sequence, part), values, elements)
            done += elements
        return None if operation.kind == "reduce" and position != root else result

    def _call(
        self, state: RankState, operation: Collective, cursor: Cursor, position: int, seconds: float, size: int
    ) -> Activity:
        """The fixed cost of a call that moves `size` bytes, where a system has one."""
        if seconds:
            start = self._run.env.now
            yield self._run.work(state.setup, seconds)
            neighbour = operation.group[position - 1]
            category = self._category(cursor.rank, neighbour)
            self._run.record(cursor, category, f"call {operation.kind}", start, size=size)

    def _round(
        self,
        state: RankState,
        operation: Collective,
        cursor: Cursor,
        action: Action,
        tag: tuple[int, int],
        values: Any,
        elements: int,
    ) -> Activity:
        """One round: transfers together, then additions in the schedule's order, so that sums repeat bit for bit."""
        group = operation.group
        size = self._run.task.element_size if operation.array is None else operation.array.element_size
        messages = []
        for transfer in action.sends:
            payload = None if values is None else part_of(values, transfer.first, transfer.last, elements).copy()
            to, carried = group[transfer.destination], transfer.elements * size
            messages.append(self._exchange.send(to, tag, carried, operation.kind, cursor, payload))
        received = [self._exchange.receive(group[transfer.source], tag, cursor) for transfer in action.receives]
        messages += received
        for message in messages:
            if not message.processed:
                yield message
        cursor.last = _last_to_arrive(messages).span_of(cursor.rank)
        added = sum(transfer.elements for transfer in action.receives if transfer.reduce)
        if added:
            start = self._run.env.now
            yield self._run.work(state.setup, state.setup.costs.add(added))
            self._run.record(cursor, state.setup.update_category, "add", start)
        if values is None:
            return
        for transfer, message in zip(action.receives, received, strict=True):
            place = part_of(values, transfer.first, transfer.last, elements)
            place[...] = place + message.payload if transfer.reduce else message.payload


def _last_to_arrive(messages: list[Message]) -> Message:
    """The message that arrived last, the first of those that did so in one instant: the one to go on for."""
    if len(messages) == 1:
        return messages[0]
    latest = max([message.end for message in messages]) / SAME_INSTANT
    for message in messages:
        if message.end >= latest:
            break
    return message
