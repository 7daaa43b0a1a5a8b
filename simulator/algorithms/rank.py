"""A rank: everything an algorithm may ask for and say, in the words of its pseudo-code.

The methods only build operations (see `simulator.algorithms.vocabulary`); nothing happens until they are yielded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from simulator.algorithms.rules import Settings
from simulator.algorithms.vocabulary import (
    ANY,
    Acquire,
    Activations,
    Apply,
    Array,
    Backward,
    Batch,
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
from simulator.randomness import stream

__all__ = ["Rank", "Task"]


@dataclass(frozen=True)
class Task:
    """What all ranks of a run share: who they are, how long they go on, and the shape of what they train.

    Attributes
    ----------
    workers : tuple of int
        Ranks that compute gradients.
    masters : tuple of int
        Ranks at the master: none, one that serves all workers, or one thread for each worker.
    steps : int
        Gradients each worker computes.
    layout : tuple of int
        Elements of each layer of the network.
    element_size : int
        Bytes an element.
    options : mapping
        The algorithm's own options, all of them, defaults filled in.
    initial : numpy.ndarray or None
        The weights to start from, one-dimensional; None when only time is simulated.
    settings : callable
        Hyper-parameters at a step.
    seed : int
        Of the random streams that algorithms draw from.
    """

    workers: tuple[int, ...]
    masters: tuple[int, ...]
    steps: int
    layout: tuple[int, ...]
    element_size: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)
    initial: Any = None
    settings: Callable[[int], Settings] = lambda step: Settings(learning_rate=0.0)
    seed: int = 0
    shared: dict[str, Array] = field(default_factory=dict)  #: arrays that the master's threads have in common

    @cached_property
    def everyone(self) -> tuple[int, ...]:
        """All ranks, workers first."""
        return (*self.workers, *self.masters)


class Rank:
    """One participant of a distributed training run, as its algorithm sees it."""

    def __init__(self, index: int, role: str, task: Task) -> None:
        self.index = index
        self.role = role
        self.task = task
        self.step = 0  #: the step the generator is in; executors label what it does with it
        self.arrays: dict[str, Array] = {}  #: what it has named so far
        self.steps_alike = True  #: whether it has done the same in every step, as far as operations and sizes go

    @property
    def workers(self) -> tuple[int, ...]:
        """Ranks that compute gradients."""
        return self.task.workers

    @cached_property
    def master(self) -> int:
        """The rank that keeps the centre: the only one, or the master's thread for this worker."""
        masters = self.task.masters
        if not masters:
            raise LookupError("this algorithm has no master")
        return (
            masters[self.workers.index(self.index)] if len(masters) > 1 and self.index in self.workers else masters[0]
        )

    @cached_property
    def client(self) -> int:
        """The worker that this thread of the master serves."""
        return self.workers[self.task.masters.index(self.index)]

    @property
    def numbers(self) -> int:
        """Numbers that learn, which may be fewer than the elements whose time is counted; 0 without learning."""
        return 0 if self.task.initial is None else len(self.task.initial)

    @property
    def options(self) -> Mapping[str, Any]:
        """The algorithm's options."""
        return self.task.options

    @property
    def settings(self) -> Settings:
        """Hyper-parameters at the current step."""
        return self.task.settings(self.step)

    def steps(self, every: int = 1) -> Iterator[int]:
        """0, 1, … once for each gradient of a worker; or only every so many-th of them, as `due` says."""
        for step in range(self.task.steps):
            self.step = step
            if every == 1 or self.due(every):
                yield step

    def turns(self, every: int = 1) -> Iterator[int]:
        """The workers in strict rotation, each once a step: whose turn it is at a round-robin master."""
        for _ in self.steps(every):
            yield from self.workers

    def due(self, period: int) -> bool:
        """Whether the current step is the last of `period` steps, the one that ends with an exchange."""
        if period > 1:
            self.steps_alike = False
        return (self.step + 1) % period == 0

    def random(self, purpose: str, of: int | None = None) -> np.random.Generator:
        """A fresh random stream, the same each time, for a purpose of the rank `of`; of this one if None.

        Ranks that must agree on what is random draw from the same rank's stream.
        """
        self.steps_alike = False
        return stream(self.task.seed, purpose, self.index if of is None else of)

    # Arrays -------------------------------------------------------------------------------------------------------

    def replica(self) -> Array:
        """This rank's own copy of the weights."""
        return self._array("replica")

    def centre(self) -> Array:
        """The centre weights, or the place where they arrive on a rank that does not keep them."""
        return self._array("centre")

    def shared_centre(self) -> Array:
        """The centre weights that all threads of the master have in common."""
        return self._shared("centre")

    def shared_zeros(self, name: str) -> Array:
        """An array that starts at zero and that all threads of the master have in common."""
        return self._zeroed(self._shared(name))

    def zeros(self, name: str) -> Array:
        """An array of this rank's own that starts at zero, such as a velocity."""
        return self._zeroed(self._array(name))

    def small(self, name: str, elements: int, value: Any = None, element_size: int | None = None) -> Array:
        """An array of another size than the weights, such as a compressed gradient."""
        return Array(name, (elements,), element_size or self.task.element_size, value)

    def like(self, array: Array, name: str) -> Array:
        """An array of the same size, without numbers yet."""
        return Array(name, array.layout, array.element_size)

    def whole(self, name: str, parts: Sequence[Array]) -> Array:
        """The array that parts make up which `backward` gave, the last layers first.

        On accelerators they lie in one buffer; a process of a CPU copies them together (see `Array.joined`).
        """
        layout = tuple(elements for part in reversed(parts) for elements in part.layout)
        known = parts[0].value is not None
        value = np.concatenate([part.value for part in reversed(parts)]) if known else None
        joined = sum(layout) * parts[0].element_size if len(parts) > 1 else 0
        return Array(name, layout, parts[0].element_size, value, version=parts[0].version, joined=joined)

    def buckets(self, size: float, first: float) -> list[tuple[int, int]]:
        """Layers [first, last) of buckets of at least `size` bytes, the first of at least `first`, last layers first.

        As the gradient of a layer arrives, it joins the bucket; a bucket that has reached its size is closed.
        """
        layout, found = self.task.layout, list[tuple[int, int]]()
        end, held = len(layout), 0
        for layer in reversed(range(len(layout))):
            held += layout[layer] * self.task.element_size
            if layer == 0 or held >= (size if found else first):
                found.append((layer, end))
                end, held = layer, 0
        return found

    def _shared(self, name: str) -> Array:
        if name not in self.task.shared:
            self.task.shared[name] = self._array(name, shared=True)
        self.arrays[name] = self.task.shared[name]
        return self.arrays[name]

    @staticmethod
    def _zeroed(array: Array) -> Array:
        if array.value is not None:
            array.value[:] = 0.0
        return array

    def _array(self, name: str, shared: bool = False) -> Array:
        initial = self.task.initial
        value = None if initial is None else initial.copy()
        self.arrays[name] = Array(name, self.task.layout, self.task.element_size, value, shared)
        return self.arrays[name]

    # Operations ---------------------------------------------------------------------------------------------------

    def load_batch(self) -> Operation:
        """Bring the next samples to the device."""
        return LoadBatch()

    def gradient(self, weights: Array, batch: Batch) -> Operation:
        """Forward and backward pass at `weights`."""
        return Gradient(weights, batch)

    def forward(self, weights: Array, batch: Batch) -> Operation:
        """Forward pass alone; gives what `backward` needs."""
        return Forward(weights, batch)

    def backward(self, activations: Activations, bucket: tuple[int, int]) -> Operation:
        """Backward pass through the layers of the next of `buckets`; gives their gradient."""
        return Backward(activations, *bucket)

    def apply(self, rule: Callable[..., Any], *arrays: Array, **parameters: Any) -> Operation:
        """Update arrays on this device by a rule of `simulator.algorithms.rules`."""
        return Apply(rule, arrays, getattr(rule, "writes", 1), parameters)

    def transform(
        self, rule: Callable[..., Any], *arrays: Array, made: Array, reads: float | None = None, **parameters: Any
    ) -> Operation:
        """Make a new array, `made` but for its numbers, by a rule that reads `reads` bytes; all arrays once if None."""
        size = sum(array.elements * array.element_size for array in arrays) if reads is None else reads
        return Transform(rule, arrays, made, getattr(rule, "writes", 0), size, parameters)

    def acquire(self, lock: str) -> Operation:
        """Wait for a lock at this rank's device; first come, first served."""
        return Acquire(lock)

    def release(self, lock: str) -> Operation:
        """Give a lock up."""
        return Release(lock)

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

    def all_gather(self, array: Array) -> Operation:
        """Everyone's arrays, one behind the other in the order of ranks, to everyone."""
        return Collective("all_gather", array, self.task.everyone, self.task.everyone[0])

    def start(self, operation: Operation) -> Operation:
        """Begin an operation and go on with the next; gives a handle for `join`."""
        return Start(operation)

    def spawn(self, thread: Generator[Operation, Any, None]) -> Operation:
        """Run a second generator of this rank beside this one; gives a handle for `join`."""
        return Spawn(thread)

    def join(self, *handles: Handle) -> Operation:
        """Wait for started operations; gives the tuple of their results."""
        return Join(handles)
