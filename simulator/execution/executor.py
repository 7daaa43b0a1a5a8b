"""Running an algorithm's generators in simulated time.

Every rank is one SimPy process that drives its generator: it takes the operation the generator yields, lets the time
pass that the operation costs on the simulated hardware, and sends the result back in. Each rank has three lanes
(``compute``, ``copy`` for batches, ``network`` for parameters). An operation waits for its lane; operations started
with `Start` run beside the generator, those of one lane in the order in which they were started. Additions of a
reduction take place on the network lane at the speed of the device that adds.

Nothing is trained here: values stay None, and only sizes matter.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import simpy

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.registry import Program
from simulator.algorithms.vocabulary import (
    Apply,
    Array,
    Batch,
    Collective,
    Gradient,
    Handle,
    Join,
    LoadBatch,
    Operation,
    Receive,
    Send,
    Start,
)
from simulator.collectives.schedule import Schedule
from simulator.errors import RunError
from simulator.execution.costs import ComputeCosts
from simulator.execution.cursor import Cursor
from simulator.execution.exchange import Exchange, Message
from simulator.network.base import Network
from simulator.platform.links import Route
from simulator.trace.spans import Category, Span, Trace

__all__ = ["PARAMETER_CATEGORIES", "Executor", "RankSetup"]

Activity = Generator[simpy.Event, Any, Any]

#: Where the time of a message of parameters belongs, by the kind of link between its ends.
PARAMETER_CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        "cpu-gpu": Category.CPU_GPU_PARAMETERS,
        "gpu-gpu": Category.GPU_GPU_PARAMETERS,
        "local": Category.GPU_GPU_PARAMETERS,
        "node-node": Category.NODE_NODE_PARAMETERS,
    }
)
_POINT_TO_POINT = "point-to-point"
_LANES: dict[type[Any], str] = {LoadBatch: "copy", Gradient: "compute", Apply: "compute"}


@dataclass(frozen=True)
class RankSetup:
    """One rank and all it needs to know of its device.

    Attributes
    ----------
    batch_route : Route or None
        Path of a batch from the host's memory to the device; None where the host's memory is the device's.
    batch_size, batch_bytes : int, float
        Samples a step, and bytes of such a batch.
    jitter : callable
        Draws the factor on the next compute time.
    update_category : Category
        Where the time of updates and additions belongs: device or host.
    """

    program: Program
    role: str
    costs: ComputeCosts
    batch_route: Route | None
    batch_size: int
    batch_bytes: float
    jitter: Callable[[], float]
    update_category: Category


@dataclass
class _State:
    """A rank while it runs: who it is, what its lanes are busy with, how many collectives it has begun."""

    rank: Rank
    setup: RankSetup
    lanes: dict[str, tuple[simpy.Event, Cursor]] = field(default_factory=dict)
    collectives: int = 0


@dataclass
class _Started:
    """What a `Handle` stands for."""

    done: simpy.Event
    cursor: Cursor
    result: Any = None
    end: float = 0.0


class Executor:
    """Runs one algorithm on one platform, filling a trace.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    task : Task
        What the ranks share.
    setups : sequence of RankSetup
        One for each rank, in rank order.
    network : Network
        Times of messages.
    route, category : callable
        ``(source_rank, destination_rank)`` to the route and to the breakdown part of its messages.
    schedule : callable
        ``(collective kind, ranks, elements, root) -> Schedule``, the collective algorithms in use.
    trace : Trace
        Gets every span.
    packed : bool
        Whether the layers travel as one message (the paper's layer packing) or one by one.
    collective_overhead : callable, optional
        ``bytes -> seconds`` that a collective call takes on every rank before its first message; none if left out.
    progress : callable, optional
        Called with the step number whenever the first rank enters a new step.
    """

    def __init__(
        self,
        env: simpy.Environment,
        task: Task,
        setups: Sequence[RankSetup],
        network: Network,
        route: Callable[[int, int], Route],
        category: Callable[[int, int], str],
        schedule: Callable[[str, int, int, int], Schedule],
        trace: Trace,
        packed: bool = True,
        progress: Callable[[int], None] | None = None,
        collective_overhead: Callable[[float], float] = lambda size: 0.0,
    ) -> None:
        self._env = env
        self._task = task
        self._network = network
        self._schedule = schedule
        self._trace = trace
        self._progress = progress
        self._category = category
        self._collective_overhead = collective_overhead
        self._parts = (sum(task.layout),) if packed else tuple(n for n in task.layout if n)
        self._exchange = Exchange(env, network, route, category, trace)
        self._states = [_State(Rank(i, setup.role, task), setup) for i, setup in enumerate(setups)]
        self._finished = 0
        self.events = 0  #: events of the clock, once the run is over
        self._handlers: dict[type[Any], Callable[[_State, Any, Cursor], Activity]] = {
            LoadBatch: self._load_batch,
            Gradient: self._gradient,
            Apply: self._apply,
            Send: self._send,
            Receive: self._receive,
            Collective: self._collective,
        }

    def run(self) -> None:
        """Run every rank to its end.

        Raises
        ------
        RunError
            If ranks wait for one another for ever; the message says who waits for whom.
        """
        for state in self._states:
            self._env.process(self._drive(state))
        self._env.run()
        # SimPy numbers its events from 0 to break ties between simultaneous ones: the next number is their count.
        self.events = next(self._env._eid)
        if self._finished < len(self._states):
            waiting = self._exchange.unmatched()
            shown = "; ".join(waiting[:4]) + (" …" if len(waiting) > 4 else "")
            raise RunError(f"deadlock at {self._env.now:.6g} s: {shown or 'ranks wait for events that never come'}")

    def _drive(self, state: _State) -> Activity:
        """One rank: its generator's operations, one after the other."""
        program = state.setup.program(state.rank)
        cursor = Cursor(state.rank.index, "")
        reports = state.rank.index == 0 and self._progress is not None
        value: Any = None
        while True:
            try:
                operation = program.send(value)
            except StopIteration:
                break
            if reports and state.rank.step != cursor.step and self._progress:
                self._progress(state.rank.step)
            cursor.step = state.rank.step
            if type(operation) is Start:
                value = self._start(state, operation.operation, cursor)
            elif type(operation) is Join:
                value = yield from self._join(operation, cursor)
            else:
                value = yield from self._occupy(state, operation, cursor)
        self._finished += 1

    # Lanes --------------------------------------------------------------------------------------------------------

    def _occupy(self, state: _State, operation: Operation, cursor: Cursor) -> Activity:
        """Perform an operation once its lane is free."""
        lane = _LANES.get(type(operation), "network")
        busy = state.lanes.get(lane)
        if busy is not None and not busy[0].processed:
            yield busy[0]
            cursor.last = busy[1].last
        cursor.lane = lane
        result = yield from self._handlers[type(operation)](state, operation, cursor)
        return result

    def _start(self, state: _State, operation: Operation, cursor: Cursor) -> Handle:
        """Perform an operation beside the generator, behind what was started on its lane before."""
        lane = _LANES.get(type(operation), "network")
        own = Cursor(cursor.rank, lane, cursor.step, cursor.last)
        started = _Started(simpy.Event(self._env), own)
        before = state.lanes.get(lane)
        state.lanes[lane] = (started.done, own)
        sequence = self._count_collective(state, operation)

        def activity() -> Activity:
            if before is not None and not before[0].processed:
                yield before[0]
                own.last = before[1].last
            if sequence is None:
                started.result = yield from self._handlers[type(operation)](state, operation, own)
            else:
                assert isinstance(operation, Collective)
                started.result = yield from self._play(state, operation, own, sequence)
            started.end = self._env.now
            started.done.succeed()

        self._env.process(activity())
        return Handle(started)

    def _join(self, operation: Join, cursor: Cursor) -> Activity:
        latest = self._env.now
        for handle in operation.handles:
            started: _Started = handle.state
            if not started.done.processed:
                yield started.done
            if started.end > latest:
                latest, cursor.last = started.end, started.cursor.last
        return tuple(handle.state.result for handle in operation.handles)

    # Operations on one device -------------------------------------------------------------------------------------

    def _load_batch(self, state: _State, operation: LoadBatch, cursor: Cursor) -> Activity:
        setup, start = state.setup, self._env.now
        if setup.batch_route is None:
            yield self._env.timeout(setup.costs.copy(setup.batch_bytes))
        else:
            yield self._network.transfer(setup.batch_route, setup.batch_bytes)
        self._record(cursor, Category.CPU_GPU_DATA, "load batch", start, setup.batch_bytes)
        return Batch(setup.batch_size)

    def _gradient(self, state: _State, operation: Gradient, cursor: Cursor) -> Activity:
        start = self._env.now
        yield self._env.timeout(state.setup.costs.gradient(operation.batch.samples) * state.setup.jitter())
        self._record(cursor, Category.FORWARD_BACKWARD, "gradient", start)
        return Array("gradient", operation.weights.layout, operation.weights.element_size)

    def _apply(self, state: _State, operation: Apply, cursor: Cursor) -> Activity:
        start = self._env.now
        target = operation.arrays[0]
        seconds = state.setup.costs.update(target.elements, len(operation.arrays), operation.writes)
        yield self._env.timeout(seconds)
        self._record(cursor, state.setup.update_category, operation.rule.__name__.replace("_", " "), start)
        return target

    def _record(self, cursor: Cursor, category: str, name: str, start: float, size: float = 0.0) -> None:
        span = Span(cursor.rank, cursor.lane, category, name, start, self._env.now, size, cursor.step, -1, cursor.last)
        cursor.last = self._trace.add(span)

    # Messages -----------------------------------------------------------------------------------------------------

    def _send(self, state: _State, operation: Send, cursor: Cursor) -> Activity:
        size = operation.array.element_size
        for part in self._parts:
            message = self._exchange.send(
                operation.to, _POINT_TO_POINT, part * size, operation.array.name, cursor, operation.array
            )
            yield from self._await(message, cursor)

    def _receive(self, state: _State, operation: Receive, cursor: Cursor) -> Activity:
        source = operation.source
        payload = None
        for _ in self._parts:
            message = self._exchange.receive(source, _POINT_TO_POINT, cursor)
            yield from self._await(message, cursor)
            # The remaining layers come from whoever sent the first.
            source, payload = message.source, message.payload
        return payload

    def _await(self, message: Message, cursor: Cursor) -> Activity:
        if not message.arrived.processed:
            yield message.arrived
        cursor.last = message.sent_span if message.source == cursor.rank else message.received_span

    # Collectives --------------------------------------------------------------------------------------------------

    def _count_collective(self, state: _State, operation: Operation) -> int | None:
        """The number of a collective in its rank's order: all members count alike, so it matches their messages."""
        if type(operation) is not Collective:
            return None
        state.collectives += 1
        return state.collectives

    def _collective(self, state: _State, operation: Collective, cursor: Cursor) -> Activity:
        state.collectives += 1
        result = yield from self._play(state, operation, cursor, state.collectives)
        return result

    def _play(self, state: _State, operation: Collective, cursor: Cursor, sequence: int) -> Activity:
        """This rank's part of a collective's schedule: its sends and receives of a round proceed together."""
        group = operation.group
        position = group.index(cursor.rank)
        root = group.index(operation.root)
        element_size = self._task.element_size
        exchange, costs = self._exchange, state.setup.costs
        for part, elements in enumerate(self._parts):
            schedule = self._schedule(operation.kind, len(group), elements, root)
            tag = (sequence, part)
            call = self._collective_overhead(elements * element_size) if schedule.rounds else 0.0
            if call:
                start = self._env.now
                yield self._env.timeout(call)
                neighbour = group[position - 1]
                self._record(cursor, self._category(cursor.rank, neighbour), f"call {operation.kind}", start)
            for sends, receives in schedule.actions(position):
                messages = [
                    exchange.send(group[t.destination], tag, (t.last - t.first) * element_size, operation.kind, cursor)
                    for t in sends
                ]
                messages += [exchange.receive(group[t.source], tag, cursor) for t in receives]
                yield from self._await_all(messages, cursor)
                added = sum(t.last - t.first for t in receives if t.reduce)
                if added:
                    start = self._env.now
                    yield self._env.timeout(costs.update(added, arrays=2, writes=1))
                    self._record(cursor, state.setup.update_category, "add", start)
        return self._collective_result(operation, cursor.rank)

    def _await_all(self, messages: list[Message], cursor: Cursor) -> Activity:
        """Wait for all; the one that arrives last is what the rank does next for."""
        for message in messages:
            if not message.arrived.processed:
                yield message.arrived
        last = max(messages, key=lambda message: message.received_span)
        cursor.last = last.sent_span if last.source == cursor.rank else last.received_span

    def _collective_result(self, operation: Collective, rank: int) -> Array | None:
        if operation.kind == "reduce" and rank != operation.root:
            return None
        return operation.array or Array("total", self._task.layout, self._task.element_size)
