"""Operations of ranks on their own devices, for many ranks at once: how long each takes, and what it gives.

The times are those of `simulator.execution.device_operations`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulator.algorithms.rank import Task
from simulator.algorithms.vocabulary import (
    Activations,
    Apply,
    Array,
    Backward,
    Batch,
    Forward,
    Gradient,
    LoadBatch,
    Transform,
)
from simulator.execution.costs import ComputeCosts
from simulator.execution.lockstep.occupancy import Occupancy
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern, Patterns
from simulator.execution.lockstep.unsuited import Unsuited
from simulator.execution.state import RankSetup
from simulator.trace.spans import Category

__all__ = ["DeviceWork", "Work", "kind_of"]


@dataclass(frozen=True, slots=True)
class Work:
    """What an operation is to the ranks that perform it: its spans but for when they start, and its ends [s]."""

    end: Floats
    categories: Sequence[str]
    name: str
    size: float = 0.0
    carried: Mapping[Pattern, Floats] = field(default_factory=dict)  #: bytes of transfers
    slowdown: Any = None  #: what jitter made of a forward pass, shape (ranks,); its backward pass takes as much longer


def kind_of(operation: Any) -> tuple[Hashable, ...]:
    """Operations of equal kind take equal devices equally long, and are recorded under the same name.

    Raises
    ------
    Unsuited
        If what it takes depends on what other ranks do meanwhile.
    """
    if isinstance(operation, LoadBatch):
        return (LoadBatch,)
    if isinstance(operation, Gradient):
        return Gradient, operation.batch.samples
    if isinstance(operation, Forward):
        return Forward, operation.batch.samples
    if isinstance(operation, Backward):
        return Backward, operation.activations.samples, operation.first, operation.last
    if isinstance(operation, Transform):
        return Transform, operation.rule, operation.reads, _written(operation)
    if isinstance(operation, Apply):
        target = operation.arrays[0]
        if target.shared:
            raise Unsuited("ranks update an array that they share")
        return Apply, operation.rule, target.elements, len(operation.arrays), operation.writes
    raise Unsuited(f"ranks {_UNSUITED.get(type(operation).__name__, 'do what only the order of events can tell')}")


_UNSUITED = {
    "Send": "send messages to one another, one by one",
    "Receive": "send messages to one another, one by one",
    "Acquire": "wait for locks",
    "Release": "wait for locks",
    "Spawn": "run several threads",
}


class DeviceWork:
    """How long operations take.

    Parameters
    ----------
    task : Task
    setups : sequence of RankSetup
    patterns : Patterns
    occupancy : Occupancy
        Told of the transfers of batches.

    Raises
    ------
    Unsuited
        If a device's work takes longer or shorter by what goes on beside it.
    """

    def __init__(self, task: Task, setups: Sequence[RankSetup], patterns: Patterns, occupancy: Occupancy) -> None:
        for setup in setups:
            if setup.core_route is not None:
                raise Unsuited("ranks share the cores of a processor")
            if setup.overlap_slowdown:
                raise Unsuited("gradients take longer beside messages")
            if setup.shards > 1:
                raise Unsuited("a rank is spread over several devices")
        self._task = task
        self._setups = setups
        self._patterns = patterns
        self._occupancy = occupancy
        self._costs: list[ComputeCosts] = list({id(setup.costs): setup.costs for setup in setups}.values())
        number = {id(costs): index for index, costs in enumerate(self._costs)}
        self._kind = np.array([number[id(setup.costs)] for setup in setups])
        self._loads: dict[bytes, Pattern | None] = {}
        self.update_categories = [setup.update_category for setup in setups]

    def additions(self, ranks: Integers, elements: Integers) -> Floats:
        """Seconds that each rank takes to add so many elements to its own."""
        lowest, highest = int(elements.min()), int(elements.max())
        if len(self._costs) == 1:
            costs = self._costs[0]
            if lowest == highest:
                return np.full(len(ranks), costs.add(lowest))
            ends = costs.add(lowest), costs.add(highest)
            smallest = elements == lowest
            if (smallest | (elements == highest)).all():
                return np.where(smallest, *ends)
        counts, place = np.unique(np.stack([self._kind[ranks], elements]), axis=1, return_inverse=True)
        seconds = [self._costs[kind].add(count) for kind, count in counts.T.tolist()]
        return np.array(seconds)[place.reshape(-1)]

    def perform(self, operations: Sequence[Any], ranks: Integers, begin: Floats, slowdown: Any = None) -> Work:
        """Perform operations of one kind that begin at `begin`, shape (ranks,)."""
        operation = operations[0]
        if isinstance(operation, LoadBatch):
            return self._load(ranks, begin)
        if isinstance(operation, Gradient):
            samples = operation.batch.samples
            seconds = self._each(ranks, lambda costs: costs.gradient(samples)) * self._jitter(ranks)
            return Work(begin + seconds, (Category.FORWARD_BACKWARD,), "gradient")
        if isinstance(operation, Forward):
            samples, drawn = operation.batch.samples, self._jitter(ranks)
            seconds = self._each(ranks, lambda costs: costs.forward(samples)) * drawn
            return Work(begin + seconds, (Category.FORWARD_BACKWARD,), "forward", slowdown=drawn)
        if isinstance(operation, Backward):
            samples, first, last = operation.activations.samples, operation.first, operation.last
            seconds = self._each(ranks, lambda costs: sum(costs.backward(samples)[first:last])) * slowdown
            return Work(begin + seconds, (Category.FORWARD_BACKWARD,), "gradient part" if first else "gradient")
        categories = [self.update_categories[rank] for rank in ranks.tolist()]
        name = operation.rule.__name__.replace("_", " ")
        if isinstance(operation, Transform):
            reads, written = operation.reads, _written(operation)
            return Work(begin + self._each(ranks, lambda costs: costs.stream(reads, written)), categories, name)
        elements, arrays, writes = operation.arrays[0].elements, len(operation.arrays), operation.writes
        seconds = self._each(ranks, lambda costs: costs.update(elements, arrays, writes))
        drawn = np.array([self._setups[rank].update_jitter() for rank in ranks.tolist()])
        return Work(begin + seconds * drawn, categories, name)

    def result(self, operation: Any, rank: int, slowdown: Any) -> Any:
        """What the program of ranks such as `rank` gets."""
        if isinstance(operation, LoadBatch):
            return Batch(self._setups[rank].batch_size)
        if isinstance(operation, Gradient):
            weights = operation.weights
            return Array("gradient", weights.layout, weights.element_size, None, version=weights.version)
        if isinstance(operation, Forward):
            return Activations(operation.weights, operation.batch.samples, None, slowdown)
        if isinstance(operation, Backward):
            weights = operation.activations.weights
            layout = weights.layout[operation.first : operation.last]
            return Array("gradient", layout, weights.element_size, None, version=weights.version)
        if isinstance(operation, Transform):
            return operation.made
        return operation.arrays[0]

    def _load(self, ranks: Integers, begin: Floats) -> Work:
        """Batches come from the host's memory, where several ranks may share the way."""
        setups = [self._setups[rank] for rank in ranks.tolist()]
        size = np.array([setup.batch_bytes for setup in setups])
        begun = begin + np.array([setup.correction.load_fixed for setup in setups])
        key = ranks.tobytes()
        if key not in self._loads:
            routes = [setup.batch_route for setup in setups if setup.batch_route is not None]
            if routes and len(routes) < len(setups):
                raise Unsuited("some batches come over a link and some do not")
            self._loads[key] = self._patterns.over(ranks, ranks, routes) if routes else None
        pattern = self._loads[key]
        if pattern is None:
            end = begun + np.array([setup.costs.copy(setup.batch_bytes) for setup in setups])
        else:
            end = self._occupancy.transfer(pattern, begun, size)
        if len(set(size.tolist())) > 1:
            raise Unsuited("batches differ in size")
        carried = {} if pattern is None else {pattern: size}
        return Work(end, (Category.CPU_GPU_DATA,), "load batch", float(size[0]), carried)

    def _each(self, ranks: Integers, seconds: Callable[[ComputeCosts], float]) -> Any:
        """What each rank's device takes: a number where all are equal, else an array."""
        if len(self._costs) == 1:
            return seconds(self._costs[0])
        kinds, place = np.unique(self._kind[ranks], return_inverse=True)
        return np.array([seconds(self._costs[kind]) for kind in kinds.tolist()])[place]

    def _jitter(self, ranks: Integers) -> Floats:
        return np.array([self._setups[rank].jitter() for rank in ranks.tolist()])


def _written(operation: Transform) -> float:
    replaced = operation.arrays[: operation.writes]
    return sum(array.elements * array.element_size for array in (*replaced, operation.made))
