"""Operations of a rank on its own, for real: the counterpart of `simulator.execution.device_operations`.

Threads of a master share their arrays. An update of such an array under a lock is made at once; without one it is made
block by block, each read, computed and written back, so that updates of several threads can overlap and be lost as they
would be without a lock on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.algorithms.rank import Rank, Task
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
from simulator.execution.arithmetic import apply_in_pieces, apply_rule, part_of
from simulator.execution.cursor import Cursor
from simulator.execution.device_operations import BLOCKS
from simulator.execution.learning import LearnerArithmetic
from simulator.trace.spans import Category
from validation.training.locks import Lock
from validation.training.recorder import Recorder

__all__ = ["Device", "Operations"]


@dataclass
class Device:
    """What the ranks of one process have in common.

    Attributes
    ----------
    locks : dict
        By name.
    staleness : list of int
        Of each update of a shared array: updates made since what it was computed from was read.
    """

    task: Task
    arithmetic: LearnerArithmetic
    batch_size: int
    locks: dict[str, Lock] = field(default_factory=dict)
    staleness: list[int] = field(default_factory=list)


class Operations:
    """Handlers of one rank's arithmetic."""

    def __init__(self, rank: Rank, device: Device, recorder: Recorder, update_category: str) -> None:
        self._rank = rank
        self._device = device
        self._recorder = recorder
        self._update_category = update_category

    def load_batch(self, operation: LoadBatch, cursor: Cursor) -> Batch:
        """The worker's samples of this step, gathered from the data."""
        start = self._recorder.now()
        inputs, labels = self._device.arithmetic.batch(cursor.rank, cursor.step)
        self._recorder.span(cursor, Category.CPU_GPU_DATA, "load batch", start, inputs.nbytes)
        return Batch(self._device.batch_size, (inputs, labels))

    def gradient(self, operation: Gradient, cursor: Cursor) -> Array:
        """Forward and backward pass."""
        start, weights = self._recorder.now(), operation.weights
        version = weights.version
        value = self._device.arithmetic.gradient(cursor.rank, cursor.step, weights.value, operation.batch.value)
        self._recorder.span(cursor, Category.FORWARD_BACKWARD, "gradient", start)
        return Array("gradient", weights.layout, weights.element_size, value, version=version)

    def forward(self, operation: Forward, cursor: Cursor) -> Activations:
        """The forward pass; a learner that cannot stop half-way does the backward pass here as well.

        The backward pass reads the weights again. No algorithm changes its own meanwhile; shared ones others may.
        """
        start, weights = self._recorder.now(), operation.weights
        value = weights.value.copy() if weights.shared else weights.value
        done = self._device.arithmetic.forward(cursor.rank, value, operation.batch.value)
        self._recorder.span(cursor, Category.FORWARD_BACKWARD, "forward", start)
        return Activations(weights, operation.batch.samples, done)

    def backward(self, operation: Backward, cursor: Cursor) -> Array:
        """The backward pass through some layers; the part lies where the whole gradient does."""
        start, done = self._recorder.now(), operation.activations
        first, last, weights = operation.first, operation.last, done.weights
        gradient = done.gradient.backward(first)
        before, upto = sum(weights.layout[:first]), sum(weights.layout[:last])
        value = part_of(gradient, before, upto, weights.elements)
        self._recorder.span(cursor, Category.FORWARD_BACKWARD, "gradient part" if first else "gradient", start)
        return Array("gradient", weights.layout[first:last], weights.element_size, value, version=weights.version)

    def transform(self, operation: Transform, cursor: Cursor) -> Array:
        """A rule that makes a new array."""
        start, made = self._recorder.now(), operation.made
        values = tuple(array.value for array in operation.arrays)
        *results, made.value = apply_rule(
            operation.rule, values, self._rank.settings, operation.parameters, operation.writes + 1
        )
        for array, result in zip(operation.arrays, results, strict=False):
            array.value[...] = result
        made.version = max((array.version for array in operation.arrays), default=0)
        self._recorder.span(cursor, self._update_category, _name(operation), start)
        return made

    def apply(self, operation: Apply, cursor: Cursor) -> Array:
        """An update rule, of the rank's own arrays or of shared ones."""
        start, target = self._recorder.now(), operation.arrays[0]
        if target.shared:
            self._apply_shared(operation, cursor)
        else:
            self._write(operation, [array.value for array in operation.arrays])
            target.version = max(array.version for array in operation.arrays)
        self._recorder.span(cursor, self._update_category, _name(operation), start)
        return target

    def acquire(self, operation: Acquire, cursor: Cursor) -> None:
        """Wait for a lock."""
        self._device.locks.setdefault(operation.lock, Lock()).acquire(cursor.rank)

    def release(self, operation: Release, cursor: Cursor) -> None:
        """Give a lock up."""
        self._device.locks[operation.lock].release()

    def _apply_shared(self, operation: Apply, cursor: Cursor) -> None:
        target, computed_from = operation.arrays[0], operation.arrays[-1].version
        held = any(lock.holder == cursor.rank for lock in list(self._device.locks.values()))
        blocks = 1 if held else BLOCKS
        for block in range(blocks):
            views = [part_of(array.value, block, block + 1, blocks) for array in operation.arrays]
            self._write(operation, views)
        self._device.staleness.append(target.version - computed_from)
        target.version += 1

    def _write(self, operation: Apply, values: list[Any]) -> None:
        apply_in_pieces(operation.rule, values, self._rank.settings, operation.parameters, operation.writes)


def _name(operation: Apply | Transform) -> str:
    return operation.rule.__name__.replace("_", " ")
