"""Running an algorithm's generators for real: the counterpart of `simulator.execution.executor`.

A rank is a thread that drives its generator. Its lanes are as in the simulator: an operation waits for its lane, and
operations started with `Start` run beside the generator, on a thread of their lane, in the order in which they were
started. NumPy and MPI release the interpreter while they work, so lanes do proceed together as far as there are cores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Program
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
from simulator.execution.cursor import Cursor
from simulator.execution.lanes import lane_of
from validation.training.messages import Messages
from validation.training.operations import Operations
from validation.training.recorder import Recorder

__all__ = ["RankDriver"]


class _Lanes:
    """The lanes of one thread of a rank: for each, the operation that was started on it last."""

    def __init__(self, thread: str = "") -> None:
        self.thread = thread
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._last: dict[str, Future[Any]] = {}

    def start(self, lane: str, work: Callable[[], Any]) -> Future[Any]:
        """Have the lane's own thread do the work, after what it was given before."""
        if lane not in self._pools:
            self._pools[lane] = ThreadPoolExecutor(1, thread_name_prefix=lane)
        self._last[lane] = self._pools[lane].submit(work)
        return self._last[lane]

    def free(self, lane: str) -> None:
        """Wait until the lane has done all that was started on it."""
        if lane in self._last:
            self._last.pop(lane).result()

    def close(self) -> None:
        """Wait for everything."""
        for lane in list(self._last):
            self.free(lane)
        for pool in self._pools.values():
            pool.shutdown()


class RankDriver:
    """Drives one rank's generator.

    Parameters
    ----------
    rank : Rank
    program : callable
        Its generator.
    operations, messages
        Handlers of what it does by itself and with others.
    recorder : Recorder
    at_step : callable
        Told the step number whenever the rank has finished one.
    """

    def __init__(
        self,
        rank: Rank,
        program: Program,
        operations: Operations,
        messages: Messages,
        recorder: Recorder,
        at_step: Callable[[int], None] = lambda step: None,
    ) -> None:
        self.rank = rank
        self._program = program
        self._messages = messages
        self._recorder = recorder
        self._at_step = at_step
        self._collectives = 0
        self._handlers: Mapping[type[Any], Callable[[Any, Cursor], Any]] = {
            LoadBatch: operations.load_batch,
            Gradient: operations.gradient,
            Forward: operations.forward,
            Backward: operations.backward,
            Transform: operations.transform,
            Apply: operations.apply,
            Acquire: operations.acquire,
            Release: operations.release,
            Send: messages.send,
            Receive: messages.receive,
        }
        #: What is done differently when it proceeds beside the generator.
        self._started: Mapping[type[Any], Callable[[Any, Cursor], Any]] = {**self._handlers, Send: messages.send_copy}

    def run(self) -> None:
        """Drive the generator to its end."""
        self._follow(self._program(self.rank), _Lanes(), leads=True)
        self._at_step(self.rank.step + 1)

    def _follow(self, program: Generator[Operation, Any, None], lanes: _Lanes, leads: bool = False) -> None:
        value: Any = None
        step = self.rank.step
        while True:
            try:
                operation = program.send(value)
            except StopIteration:
                break
            if leads and self.rank.step != step:
                step = self.rank.step
                self._recorder.at_step(step)
                self._at_step(step)
            if type(operation) is Start:
                value = self._start(operation.operation, lanes)
            elif type(operation) is Spawn:
                value = self._spawn(operation.thread)
            elif type(operation) is Join:
                value = tuple(handle.state.result() for handle in operation.handles)
            else:
                lane = lane_of(operation)
                lanes.free(lane)
                value = self._perform(operation, self._cursor(lane, lanes), self._number(operation), self._handlers)
        lanes.close()

    def _start(self, operation: Operation, lanes: _Lanes) -> Handle:
        lane = lane_of(operation)
        cursor, number = self._cursor(lane, lanes), self._number(operation)
        return Handle(lanes.start(lane, lambda: self._perform(operation, cursor, number, self._started)))

    def _spawn(self, program: Generator[Operation, Any, None]) -> Handle:
        done: Future[None] = Future()

        def activity() -> None:
            try:
                self._follow(program, _Lanes("second "))
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        threading.Thread(target=activity, name="second").start()
        return Handle(done)

    def _perform(
        self,
        operation: Operation,
        cursor: Cursor,
        number: int,
        handlers: Mapping[type[Any], Callable[[Any, Cursor], Any]],
    ) -> Any:
        if isinstance(operation, Collective):
            return self._messages.collective(operation, cursor, number)
        return handlers[type(operation)](operation, cursor)

    def _cursor(self, lane: str, lanes: _Lanes) -> Cursor:
        return Cursor(self.rank.index, lanes.thread + lane, self.rank.step)

    def _number(self, operation: Operation) -> int:
        """Collectives are numbered in the order of the generator, which all members agree on."""
        if isinstance(operation, Collective):
            self._collectives += 1
        return self._collectives
