"""A rank: everything an algorithm may ask for and say, in the words of its pseudo-code.

The methods only build operations (see `simulator.algorithms.vocabulary`); nothing happens until they are yielded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.algorithms.vocabulary import (
    ANY,
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

__all__ = ["Rank", "Task"]


@dataclass(frozen=True)
class Task:
    """What all ranks of a run share: who they are, how long they go on, and the shape of what they train.

    Attributes
    ----------
    workers : tuple of int
        Ranks that compute gradients.
    master : int or None
        The rank that only keeps the centre, where the algorithm has one.
    steps : int
        Gradients each worker computes.
    layout : tuple of int
        Elements of each layer of the network.
    element_size : int
        Bytes an element.
    options : mapping
        The algorithm's own options, all of them, defaults filled in.
    """

    workers: tuple[int, ...]
    master: int | None
    steps: int
    layout: tuple[int, ...]
    element_size: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def everyone(self) -> tuple[int, ...]:
        """All ranks, workers first."""
        return self.workers if self.master is None else (*self.workers, self.master)


class Rank:
    """One participant of a distributed training run, as its algorithm sees it."""

    def __init__(self, index: int, role: str, task: Task) -> None:
        self.index = index
        self.role = role
        self.task = task
        self.step = 0  #: the step the generator is in; executors label what it does with it

    @property
    def workers(self) -> tuple[int, ...]:
        """Ranks that compute gradients."""
        return self.task.workers

    @property
    def master(self) -> int:
        """The rank that keeps the centre and computes no gradients."""
        if self.task.master is None:
            raise LookupError("this algorithm has no master")
        return self.task.master

    @property
    def options(self) -> Mapping[str, Any]:
        """The algorithm's options."""
        return self.task.options

    def steps(self) -> Iterator[int]:
        """0, 1, … once for each gradient of a worker."""
        for step in range(self.task.steps):
            self.step = step
            yield step

    def turns(self) -> Iterator[int]:
        """The workers in strict rotation, each once a step: whose turn it is at a round-robin master."""
        for _ in self.steps():
            yield from self.workers

    # Arrays -------------------------------------------------------------------------------------------------------

    def replica(self) -> Array:
        """This rank's own copy of the weights."""
        return self._array("replica")

    def centre(self) -> Array:
        """The centre weights, or the place where they arrive on a rank that does not keep them."""
        return self._array("centre")

    def _array(self, name: str) -> Array:
        return Array(name, self.task.layout, self.task.element_size)

    # Operations ---------------------------------------------------------------------------------------------------

    def load_batch(self) -> Operation:
        """Bring the next samples to the device."""
        return LoadBatch()

    def gradient(self, weights: Array, batch: Batch) -> Operation:
        """Forward and backward pass at `weights`."""
        return Gradient(weights, batch)

    def apply(self, rule: Callable[..., Any], *arrays: Array) -> Operation:
        """Update arrays on this device by a rule of `simulator.algorithms.rules`."""
        return Apply(rule, arrays, getattr(rule, "writes", 1))

    def send(self, array: Array, to: int) -> Operation:
        """Send an array to one rank; done when it has arrived."""
        return Send(array, to)

    def receive(self, source: int = ANY) -> Operation:
        """Receive an array from one rank, or from whoever comes first."""
        return Receive(source)

    def broadcast(self, array: Array, root: int) -> Operation:
        """The root's array, to everyone."""
        return Collective("broadcast", array, self.task.everyone, root)

    def reduce(self, array: Array | None, root: int) -> Operation:
        """Sum of everyone's arrays, to the root; None contributes nothing."""
        return Collective("reduce", array, self.task.everyone, root)

    def all_reduce(self, array: Array) -> Operation:
        """Sum of everyone's arrays, to everyone."""
        return Collective("all_reduce", array, self.task.everyone, self.task.everyone[0])

    def start(self, operation: Operation) -> Operation:
        """Begin an operation and go on with the next; gives a handle for `join`."""
        return Start(operation)

    def join(self, *handles: Handle) -> Operation:
        """Wait for started operations; gives the tuple of their results."""
        return Join(handles)
