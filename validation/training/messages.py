"""Operations between ranks, for real: the counterpart of `simulator.execution.message_operations`.

Collectives play the same schedules in the same order of additions, so that sums are equal bit for bit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.algorithms.rank import Task
from simulator.algorithms.vocabulary import Array, Collective, Receive, Send
from simulator.collectives.schedule import Action, Schedule
from simulator.execution.arithmetic import part_of
from simulator.execution.cursor import Cursor
from simulator.execution.travel import collective_parts, collective_result, message_parts
from validation.training.recorder import Recorder
from validation.training.transport import Transport

__all__ = ["Messages"]

_PARTS = 1 << 12  #: parts of a collective that a channel number can tell apart
_POINT_TO_POINT = 0  #: channel


class Messages:
    """Handlers of one rank's sends, receives and collectives.

    Parameters
    ----------
    task : Task
    transport : Transport
    recorder : Recorder
        Of this rank.
    category : callable
        ``(source_rank, destination_rank)`` to the part of the breakdown its messages belong to.
    update_category : str
        Where additions belong.
    schedule : callable
        ``(collective kind, ranks, elements, root) -> Schedule``.
    packed : bool
        Whether layers travel as one message or one by one.
    """

    def __init__(
        self,
        task: Task,
        transport: Transport,
        recorder: Recorder,
        category: Callable[[int, int], str],
        update_category: str,
        schedule: Callable[[str, int, int, int], Schedule],
        packed: bool,
    ) -> None:
        self._task = task
        self._transport = transport
        self._recorder = recorder
        self._category = category
        self._update_category = update_category
        self._schedule = schedule
        self._packed = packed
        self._orders: dict[tuple[int, int, int], int] = defaultdict(int)

    def send(self, operation: Send, cursor: Cursor) -> None:
        """One message, or one a layer, of an array that nobody changes before it has arrived."""
        if operation.array.shared:
            self.send_copy(operation, cursor)
        else:
            self._send(operation.array, operation, cursor, self._recorder.now())

    def send_copy(self, operation: Send, cursor: Cursor) -> None:
        """The same of an array that others go on changing: with the numbers as they are now."""
        ready = self._recorder.now()
        self._send(operation.array.snapshot(cursor.rank), operation, cursor, ready)

    def _send(self, array: Array, operation: Send, cursor: Cursor, ready: float) -> None:
        header = None
        done = 0
        for part in message_parts(array.layout, self._packed):
            header = header or self._transport.announce(array, cursor.rank, operation.to)
            values = part_of(array.value, done, done + part, array.elements)
            self._transport.send(values, header, operation.to)
            done += part
            self._note("send", array.name, ready, values.nbytes, cursor, operation.to, header.index)
            ready = self._recorder.now()

    def receive(self, operation: Receive, cursor: Cursor) -> Array:
        """One message, or one a layer, all from whoever sent the first."""
        ready = self._recorder.now()
        header = self._transport.hear(operation.source, cursor.rank)
        value = np.empty(header.numbers, np.dtype(header.dtype))
        array = Array(header.name, header.layout, header.element_size, value, False, header.version, header.source)
        done = 0
        for part in message_parts(header.layout, self._packed):
            values = part_of(value, done, done + part, array.elements)
            self._transport.receive(values, header, cursor.rank)
            done += part
            self._note("receive", header.name, ready, values.nbytes, cursor, header.source, header.index)
            ready = self._recorder.now()
        return array

    def _note(self, verb: str, name: str, ready: float, size: float, cursor: Cursor, peer: int, index: int) -> None:
        category = self._category(*((cursor.rank, peer) if verb == "send" else (peer, cursor.rank)))
        self._recorder.message(cursor, category, f"{verb} {name}", ready, size, peer, _POINT_TO_POINT, index)

    def collective(self, operation: Collective, cursor: Cursor, sequence: int) -> Array | None:
        """This rank's part of the collective numbered `sequence`."""
        group = operation.group
        position, root = group.index(cursor.rank), group.index(operation.root)
        start = self._recorder.now()
        result = collective_result(operation, position, self._task)
        category, size = self._category(cursor.rank, group[position - 1]), result.value.nbytes
        self._recorder.span(cursor, category, f"call {operation.kind}", start, size)
        parts = collective_parts(operation, result, self._packed)
        done = 0
        for part, elements in enumerate(parts):
            values = part_of(result.value, done, done + elements, result.elements)
            channel = 1 + sequence * _PARTS + part
            for action in self._schedule(operation.kind, len(group), elements, root).actions(position):
                self._round(operation, cursor, action, channel, values, elements)
            done += elements
        return None if operation.kind == "reduce" and position != root else result

    def _round(
        self,
        operation: Collective,
        cursor: Cursor,
        action: Action,
        channel: int,
        values: Any,
        elements: int,
    ) -> None:
        """One round: transfers together, then additions in the schedule's order.

        What comes in without being added goes straight to its place, unless what is there must leave first.
        """
        group, ready = operation.group, self._recorder.now()
        leaving = [
            (part_of(values, transfer.first, transfer.last, elements), group[transfer.destination])
            for transfer in action.sends
        ]
        places = [part_of(values, transfer.first, transfer.last, elements) for transfer in action.receives]
        arriving = []
        for place, transfer in zip(places, action.receives, strict=True):
            aside = transfer.reduce or any(np.may_share_memory(place, payload) for payload, _ in leaving)
            arriving.append((np.empty_like(place) if aside else place, group[transfer.source]))
        ends = [("receive", *arrival) for arrival in arriving] + [("send", *leave) for leave in leaving]
        for (verb, payload, peer), _ in zip(
            ends, self._transport.exchange(cursor.rank, arriving, leaving), strict=True
        ):
            pair = (cursor.rank, peer) if verb == "send" else (peer, cursor.rank)
            index = self._orders[(*pair, channel)]
            self._orders[(*pair, channel)] += 1
            name = f"{verb} {operation.kind}"
            self._recorder.message(cursor, self._category(*pair), name, ready, payload.nbytes, peer, channel, index)
        start = self._recorder.now()
        for transfer, place, (payload, _) in zip(action.receives, places, arriving, strict=True):
            if transfer.reduce:
                np.add(place, payload, out=place)
            elif payload is not place:
                place[...] = payload
        if any(transfer.reduce for transfer in action.receives):
            self._recorder.span(cursor, self._update_category, "add", start)
