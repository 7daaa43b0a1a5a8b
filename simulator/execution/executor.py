"""Running an algorithm's generators in simulated time.

Every rank is one SimPy process that drives its generator: it takes the operation the generator yields, lets the time
pass that the operation costs on the simulated hardware, and sends the result back in. Each rank has three lanes
(``compute``, ``copy`` for batches, ``network`` for parameters). An operation waits for its lane; operations started
with `Start` run beside the generator, those of one lane in the order in which they were started. Additions of a
reduction take place on the network lane at the speed of the device that adds.

Without a learner every value is None and only sizes matter. With one, the arithmetic is done at each operation's
virtual time, so weights are exactly as stale as the simulated schedule makes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import simpy

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.vocabulary import (
    Acquire,
    Apply,
    Backward,
    Collective,
    Forward,
    Gradient,
    Handle,
    Join,
    LoadBatch,
    Operation,
    Receive,
    Release,
    Send,
    Spawn,
    Start,
    Transform,
)
from simulator.collectives.schedule import Schedule
from simulator.errors import RunError
from simulator.execution.arithmetic import Arithmetic, NoArithmetic
from simulator.execution.cursor import Cursor
from simulator.execution.device_operations import DeviceOperations, SharedUse
from simulator.execution.exchange import Exchange
from simulator.execution.lanes import LANES, NETWORK
from simulator.execution.message_operations import MessageOperations
from simulator.execution.state import Activity, RankSetup, RankState, Run, Started
from simulator.instants import SAME_INSTANT
from simulator.network.base import Network
from simulator.platform.links import Route
from simulator.trace.spans import Category, Trace

__all__ = ["PARAMETER_CATEGORIES", "Executor", "RankSetup"]

#: Where the time of a message of parameters belongs, by the kind of link between its ends.
PARAMETER_CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        "cpu-gpu": Category.CPU_GPU_PARAMETERS,
        "gpu-gpu": Category.GPU_GPU_PARAMETERS,
        "local": Category.GPU_GPU_PARAMETERS,
        "node-node": Category.NODE_NODE_PARAMETERS,
    }
)


#: Performs an operation of one thread of a rank.
Handler = Callable[[RankState, Any, Cursor], Activity]


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
    arithmetic : Arithmetic
        The numbers behind the operations.
    progress : callable, optional
        Called with the step number whenever the first rank enters a new step.
    """

    def __init__(
        self,
        env: simpy.Environment,
        task: Task,
        setups: Sequence[RankSetup],
        network: Network,
        route: Callable[[int, int], Route | tuple[Route, ...]],
        category: Callable[[int, int], str],
        schedule: Callable[[str, int, int, int], Schedule],
        trace: Trace,
        packed: bool = True,
        progress: Callable[[int], None] | None = None,
        collective_overhead: Callable[[float], float] = lambda size: 0.0,
        arithmetic: Arithmetic | None = None,
    ) -> None:
        self._env = env
        self._progress = progress
        self._run = Run(env, task, network, trace, arithmetic or NoArithmetic())
        self.ranks = tuple(Rank(index, setup.role, task) for index, setup in enumerate(setups))
        self._states = [RankState(rank, setup) for rank, setup in zip(self.ranks, setups, strict=True)]
        # Whether messages come and go matters only where that slows arithmetic down.
        slowed = any(setup.overlap_slowdown for setup in setups)
        self._exchange = Exchange(env, network, route, category, trace, self._transfer if slowed else None)
        self._finished = 0
        self.events = 0  #: events of the clock, once the run is over
        self._device = DeviceOperations(self._run)
        self._messages = MessageOperations(
            self._run, self._exchange, category, schedule, packed, collective_overhead, self._device.read_for_message
        )
        handlers: dict[type[Any], Handler] = {
            LoadBatch: self._device.load_batch,
            Gradient: self._device.gradient,
            Forward: self._device.forward,
            Backward: self._device.backward,
            Transform: self._device.transform,
            Apply: self._device.apply,
            Acquire: self._device.acquire,
            Release: self._device.release,
            Send: self._messages.send,
            Receive: self._messages.receive,
            Collective: self._messages.collective,
        }
        #: The lane of each operation and what performs it; some is done differently beside the generator.
        self._handlers = _with_lanes(handlers)
        self._handlers_beside = _with_lanes({**handlers, Send: self._messages.send_beside})

    def _transfer(self, rank: int, change: int) -> None:
        self._states[rank].transfer(self._env, change)

    @property
    def shared_use(self) -> SharedUse:
        """What has happened to arrays that ranks share."""
        return self._device.shared_use

    @property
    def ended(self) -> simpy.Event:
        """Succeeds when every rank has come to its end, or the arithmetic has reached what it wants."""
        return self._run.stop

    def start(self) -> None:
        """Let every rank begin now; the clock is somebody else's to run."""
        for state in self._states:
            self._env.process(self._follow(state, state.setup.program(state.rank), Cursor(state.rank.index, "")))

    def run(self) -> None:
        """Run every rank to its end, or until the arithmetic has reached what it wants.

        Raises
        ------
        RunError
            If ranks wait for one another for ever; the message says who waits for whom.
        """
        self.start()
        try:
            self._env.run(until=self.ended)
        except RuntimeError:
            # SimPy's word for running out of events; anything else has events left.
            if self._env.peek() < math.inf:
                raise
            raise self.deadlock() from None
        # SimPy numbers its events from 0 to break ties between simultaneous ones: the next number is their count.
        self.events = next(self._env._eid)
        if not all(rank.steps_alike for rank in self.ranks):
            self._run.trace.metadata["steps_alike"] = False

    def deadlock(self) -> RunError:
        """What to raise when nothing happens any more though ranks have not ended."""
        waiting = self._exchange.unmatched()
        shown = "; ".join(waiting[:4]) + (" …" if len(waiting) > 4 else "")
        problem = shown or "ranks wait for events that never come"
        return RunError(f"deadlock at {self._env.now:.6g} s: {problem}")

    def _follow(self, state: RankState, program: Generator[Operation, Any, None], cursor: Cursor) -> Activity:
        """One thread: its generator's operations, one after the other, each once its lane is free."""
        rank, progress = state.rank, None if state.rank.index or state.thread else self._progress
        value: Any = None
        while True:
            try:
                operation = program.send(value)
            except StopIteration:
                if not state.thread:
                    self._end_of_rank()
                return
            if progress and rank.step != cursor.step:
                progress(rank.step)
            cursor.step = rank.step
            performed = self._handlers.get(type(operation))
            if performed is not None:
                lane, handle = performed
                before = state.lanes.get(lane)
                if before is not None and not before.process.processed:
                    yield from self._await(before, cursor)
                cursor.lane = state.thread + lane
                value = yield from handle(state, operation, cursor)
            elif isinstance(operation, Start):
                value = self._start(state, operation.operation, cursor)
            elif isinstance(operation, Spawn):
                value = self._spawn(state, operation.thread, cursor)
            else:
                assert isinstance(operation, Join)
                value = yield from self._join(operation, cursor)

    def _end_of_rank(self) -> None:
        """A rank's generator has come to its end."""
        self._finished += 1
        if self._finished == len(self._states) and not self._run.stop.triggered:
            self._run.stop.succeed()

    # Beside the generator -----------------------------------------------------------------------------------------

    def _spawn(self, state: RankState, program: Generator[Operation, Any, None], cursor: Cursor) -> Handle:
        """Run a second thread of a rank, with lanes of its own."""
        own = Cursor(cursor.rank, "", cursor.step, cursor.last)
        thread = self._follow(RankState(state.rank, state.setup, "second "), program, own)
        return Handle(Started(self._env.process(thread), own))

    def _start(self, state: RankState, operation: Operation, cursor: Cursor) -> Handle:
        """Perform an operation beside the generator, behind what was started on its lane before."""
        lane, handle = self._handlers_beside[type(operation)]
        own = Cursor(cursor.rank, state.thread + lane, cursor.step, cursor.last)
        work = handle(state, operation, own)
        before = state.lanes.get(lane)
        if before is not None and not before.process.processed:
            work = self._behind(before, work, own)
        started = state.lanes[lane] = Started(self._env.process(work), own)
        return Handle(started)

    def _behind(self, before: Started, work: Activity, cursor: Cursor) -> Activity:
        """Work that has to wait for its lane."""
        yield from self._await(before, cursor)
        result = yield from work
        return result

    def _await(self, started: Started, cursor: Cursor) -> Activity:
        """Wait until something started is done; that is why the thread goes on then, if it takes any time."""
        came = self._env.now
        yield started.process
        if self._env.now > came * SAME_INSTANT:
            cursor.last = started.cursor.last

    def _join(self, operation: Join, cursor: Cursor) -> Activity:
        for handle in operation.handles:
            if not handle.state.process.processed:
                yield from self._await(handle.state, cursor)
        return tuple(handle.state.process.value for handle in operation.handles)


def _with_lanes(handlers: Mapping[type[Any], Handler]) -> dict[type[Any], tuple[str, Handler]]:
    return {kind: (LANES.get(kind, NETWORK), handler) for kind, handler in handlers.items()}
