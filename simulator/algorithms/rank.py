"""A rank: everything an algorithm may ask for and say, in the words of its pseudo-code.

The methods only build operations (see `simulator.algorithms.vocabulary`); nothing happens until they are yielded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.algorithms.rules import Settings
from simulator.algorithms.vocabulary import (
    ANY,
    Acquire,
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
    Release,
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
    """

    workers: tuple[int, ...]
    masters: tuple[int, ...]
    steps: int
    layout: tuple[int, ...]
    element_size: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)
    initial: Any = None
    settings: Callable[[int], Settings] = lambda step: Settings(learning_rate=0.0)
    shared: dict[str, Array] = field(default_factory=dict)  #: arrays that the master's threads have in common

    @property
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

    @property
    def workers(self) -> tuple[int, ...]:
        """Ranks that compute gradients."""
        return self.task.workers

    @property
    def master(self) -> int:
        """The rank that keeps the centre: the only one, or the master's thread for this worker."""
        masters = self.task.masters
        if not masters:
            raise LookupError("this algorithm has no master")
        return (
            masters[self.workers.index(self.index)] if len(masters) > 1 and self.index in self.workers else masters[0]
        )

    @property
    def client(self) -> int:
        """The worker that this thread of the master serves."""
        return self.workers[self.task.masters.index(self.index)]

    @property
    def options(self) -> Mapping[str, Any]:
        """The algorithm's options."""
        return self.task.options

    @property
    def settings(self) -> Settings:
        """Hyper-parameters at the current step."""
        return self.task.settings(self.step)

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

    def shared_centre(self) -> Array:
        """The centre weights that all threads of the master have in common."""
        return self._shared("centre")

    def shared_zeros(self, name: str) -> Array:
        """An array that starts at zero and that all threads of the master have in common."""
        return self._zeroed(self._shared(name))

    def zeros(self, name: str) -> Array:
        """An array of this rank's own that starts at zero, such as a velocity."""
        return self._zeroed(self._array(name))

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

    def apply(self, rule: Callable[..., Any], *arrays: Array, **parameters: Any) -> Operation:
        """Update arrays on this device by a rule of `simulator.algorithms.rules`."""
        return Apply(rule, arrays, getattr(rule, "writes", 1), parameters)

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

    def start(self, operation: Operation) -> Operation:
        """Begin an operation and go on with the next; gives a handle for `join`."""
        return Start(operation)

    def join(self, *handles: Handle) -> Operation:
        """Wait for started operations; gives the tuple of their results."""
        return Join(handles)
