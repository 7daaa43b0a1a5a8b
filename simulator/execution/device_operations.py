"""Operations of one rank on its own device: batches, gradients, updates, locks.

An update of an array that several ranks share is done in `BLOCKS` blocks: each is read when its turn comes and written
back when it is done. Under a lock that is the same as doing it at once. Without one, two updates may have the same
block in hand at the same time; the one that writes last then undoes the other's, which is counted as lost, and a
message sent in between carries some blocks from before and some from after an update, counted as a torn read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import ne
from typing import Any

import simpy

from simulator.algorithms.vocabulary import (
    Acquire,
    Activations,
    Apply,
    Array,
    Backward,
    Batch,
    Forward,
    Gradient,
    LoadBatch,
    Release,
    Transform,
)
from simulator.execution.arithmetic import apply_rule, part_of
from simulator.execution.clock import Delay
from simulator.execution.cursor import Cursor
from simulator.execution.locks import Lock
from simulator.execution.state import Activity, RankSetup, RankState, Run
from simulator.platform.links import Route
from simulator.trace.spans import Category

__all__ = ["BLOCKS", "DeviceOperations", "SharedUse"]

#: Granularity of unlocked updates: blocks that an array is read and written in.
BLOCKS = 16


@dataclass
class SharedUse:
    """What has happened to the arrays that ranks share.

    Attributes
    ----------
    updates : int
        Updates made.
    lost_blocks : int
        Blocks of updates that another update overwrote; `BLOCKS` of them are one update.
    torn_reads : int
        Messages that carried an array in the middle of an update.
    staleness : list of int
        For each update, how many others had been made since the shared array was read that it was computed from.
    """

    updates: int = 0
    lost_blocks: int = 0
    torn_reads: int = 0
    staleness: list[int] = field(default_factory=list)


class DeviceOperations:
    """Handlers, one an operation: each lets the operation's time pass and gives its result."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._env = run.env
        self._locks: dict[str, Lock] = {}
        self._written: dict[int, list[int]] = {}  # by array: the number of the write that each of its blocks is of
        self._writes = 0
        self._in_hand: dict[int, int] = {}  # by array: updates that are being made
        self.shared_use = SharedUse()

    def load_batch(self, state: RankState, operation: LoadBatch, cursor: Cursor) -> Activity:
        """A copy from the host's memory, or within it."""
        setup, start = state.setup, self._env.now
        if setup.correction.load_fixed:
            yield self._run.work(setup, setup.correction.load_fixed)
        if setup.batch_route is None:
            yield self._run.work(setup, setup.costs.copy(setup.batch_bytes))
        else:
            yield self._run.network.transfer(setup.batch_route, setup.batch_bytes)
        self._run.record(cursor, Category.CPU_GPU_DATA, "load batch", start, setup.batch_bytes)
        return Batch(setup.batch_size, self._run.arithmetic.batch(cursor.rank, cursor.step))

    def gradient(self, state: RankState, operation: Gradient, cursor: Cursor) -> Activity:
        """Forward and backward pass; the numbers are those of the weights as the pass begins."""
        start, weights = self._env.now, operation.weights
        value = self._run.arithmetic.gradient(cursor.rank, cursor.step, weights.value, operation.batch.value)
        yield from self._compute(state, state.setup.costs.gradient(operation.batch.samples) * state.setup.jitter())
        self._run.record(cursor, Category.FORWARD_BACKWARD, "gradient", start)
        return Array("gradient", weights.layout, weights.element_size, value, version=weights.version)

    def forward(self, state: RankState, operation: Forward, cursor: Cursor) -> Activity:
        """Forward pass; the numbers of the whole gradient are those of the weights as it begins."""
        start, weights, samples = self._env.now, operation.weights, operation.batch.samples
        value = self._run.arithmetic.gradient(cursor.rank, cursor.step, weights.value, operation.batch.value)
        slowdown = state.setup.jitter()
        yield from self._compute(state, state.setup.costs.forward(samples) * slowdown)
        self._run.record(cursor, Category.FORWARD_BACKWARD, "forward", start)
        return Activations(weights, samples, value, slowdown)

    def backward(self, state: RankState, operation: Backward, cursor: Cursor) -> Activity:
        """Backward pass through some layers; the span of the last part is the one that ends the gradient."""
        start, done, first, last = self._env.now, operation.activations, operation.first, operation.last
        weights, seconds = done.weights, state.setup.costs.backward(done.samples)[first:last]
        yield from self._compute(state, sum(seconds) * done.slowdown)
        self._run.record(cursor, Category.FORWARD_BACKWARD, "gradient part" if first else "gradient", start)
        value = done.gradient
        if value is not None:
            before, upto = sum(weights.layout[:first]), sum(weights.layout[:last])
            value = part_of(value, before, upto, weights.elements)
        return Array("gradient", weights.layout[first:last], weights.element_size, value, version=weights.version)

    def _compute(self, state: RankState, seconds: float) -> Activity:
        """Arithmetic that would take so long alone, slower while messages come or go."""
        slowdown = state.setup.overlap_slowdown
        if not slowdown or state.setup.core_route is not None:
            yield self._run.work(state.setup, seconds)
            return
        left = seconds
        while True:
            factor = 1.0 + slowdown if state.transfers else 1.0
            start, finished = self._env.now, Delay(self._env, left * factor)
            if state.transfers_changed is None:
                state.transfers_changed = simpy.Event(self._env)
            yield finished | state.transfers_changed
            if finished.processed:
                return
            left -= (self._env.now - start) / factor

    def transform(self, state: RankState, operation: Transform, cursor: Cursor) -> Activity:
        """A rule that makes a new array; the numbers are those of the arrays as it ends."""
        start, made, replaced = self._env.now, operation.made, operation.arrays[: operation.writes]
        written = sum(array.elements * array.element_size for array in (*replaced, made))
        yield self._run.work(state.setup, state.setup.costs.stream(operation.reads, written))
        if self._run.task.initial is not None:
            values = tuple(array.value for array in operation.arrays)
            settings, count = state.rank.settings, operation.writes + 1
            *results, new = apply_rule(operation.rule, values, settings, operation.parameters, count)
            for array, result in zip(replaced, results, strict=True):
                array.value[...] = result
            made.value = new
        made.version = max((array.version for array in operation.arrays), default=0)
        self._run.record(cursor, state.setup.update_category, operation.rule.__name__.replace("_", " "), start)
        return made

    def apply(self, state: RankState, operation: Apply, cursor: Cursor) -> Activity:
        """An update rule, of a rank's own arrays or of shared ones."""
        apply = self._apply_shared if operation.arrays[0].shared else self._apply_own
        return apply(state, operation, cursor)

    def _apply_own(self, state: RankState, operation: Apply, cursor: Cursor) -> Activity:
        setup, target = state.setup, operation.arrays[0]
        yield from self._join(state, operation.arrays)
        start = self._env.now
        seconds = setup.costs.update(-(-target.elements // setup.shards), len(operation.arrays), operation.writes)
        yield self._run.work(setup, seconds * setup.update_jitter())
        if target.value is not None:
            self._write(state, operation, [array.value for array in operation.arrays])
        target.version = max([array.version for array in operation.arrays])
        self._updated(state, operation, cursor, start)
        return target

    def _join(self, state: RankState, arrays: Sequence[Array]) -> Activity:
        """Copy together what is in parts, where that takes time."""
        for array in arrays:
            seconds = state.setup.copy_time(array.joined) if array.joined else 0.0
            array.joined = 0
            if seconds:
                yield self._run.work(state.setup, seconds)

    def acquire(self, state: RankState, operation: Acquire, cursor: Cursor) -> Activity:
        """Wait for a lock."""
        lock = self._locks.get(operation.lock)
        if lock is None:
            lock = self._locks[operation.lock] = Lock(self._env)
        return lock.acquire(cursor)

    def release(self, state: RankState, operation: Release, cursor: Cursor) -> Activity:
        """Give a lock up."""
        self._locks[operation.lock].release(cursor)
        return
        yield  # a generator like the other handlers

    def read_for_message(self, array: Array) -> None:
        """Note that a message takes an array as it is now."""
        if self._in_hand.get(id(array)):
            self.shared_use.torn_reads += 1

    def _write(self, state: RankState, operation: Apply, values: list[Any]) -> None:
        """Put the rule's results into `values`, views of the operation's arrays or parts of them."""
        settings, count = state.rank.settings, operation.writes
        results = apply_rule(operation.rule, tuple(values), settings, operation.parameters, count)
        for value, result in zip(values[:count], results, strict=True):
            value[...] = result

    def _apply_shared(self, state: RankState, operation: Apply, cursor: Cursor) -> Activity:
        start, target, use, key = self._env.now, operation.arrays[0], self.shared_use, id(operation.arrays[0])
        written = self._written.setdefault(key, [0] * BLOCKS)
        correction, share = state.setup.correction, state.setup.update_jitter() / state.setup.shards
        if correction.update_fixed and state.setup.core_route is None:
            yield Delay(self._env, correction.update_fixed)
        computed_from = operation.arrays[-1].version
        held = any(lock.holder == cursor.rank for lock in self._locks.values())
        parts = 1 if held else BLOCKS  # one of all blocks, or one of each
        transfer, (route, moved) = self._run.network.transfer, self._demand(state.setup, operation, share / parts)
        self._in_hand[key] = self._in_hand.get(key, 0) + 1
        for part in range(parts):
            blocks = slice(None) if held else slice(part, part + 1)
            seen = written[blocks]
            # With learning: that part of all arrays, and copies of those that will be written.
            views = [] if target.value is None else self._part_views(operation, part, parts)
            read = [view.copy() for view in views[: operation.writes]] if views else []
            yield transfer(route, moved)
            if written[blocks] != seen:
                use.lost_blocks += sum(map(ne, seen, written[blocks]))
            self._writes += 1
            written[blocks] = [self._writes] * len(seen)
            if views:
                self._write(state, operation, [*read, *views[operation.writes :]])
                for view, result in zip(views, read, strict=False):
                    view[...] = result
        self._in_hand[key] -= 1
        use.updates += 1
        use.staleness.append(target.version - computed_from)
        target.version += 1
        self._updated(state, operation, cursor, start)
        return target

    def _updated(self, state: RankState, operation: Apply, cursor: Cursor, start: float) -> None:
        name = operation.rule.__name__.replace("_", " ")
        self._run.record(cursor, state.setup.update_category, name, start)
        self._run.updated()

    def _demand(self, setup: RankSetup, operation: Apply, part: float) -> tuple[Route, float]:
        """What so much of an update takes of the memory, or of the cores, against all who use them at the same time."""
        target, memory, cores = operation.arrays[0], setup.memory_route, setup.core_route
        reads, writes = len(operation.arrays), operation.writes
        if cores is not None:
            return cores, part * setup.costs.update(target.elements, reads, writes) * cores.bandwidth
        assert memory is not None, "a rank that shares arrays needs the route of its memory"
        moved = (reads + writes) * target.elements * target.element_size
        return memory, moved * part * setup.correction.update_scale

    @staticmethod
    def _part_views(operation: Apply, part: int, parts: int) -> list[Any]:
        """That part of every array of the operation, as views."""
        return [part_of(array.value, part, part + 1, parts) for array in operation.arrays]
