"""The operations a training algorithm is written in, and the arrays it names.

An algorithm is a generator that one rank runs. It yields these operations to whoever executes it (simulated time,
simulated time with learning, or real processes) and gets the result back at the ``yield``. They are plain data: they
say *what* is to be done, never how long it takes or by which library. Algorithms do not build them by hand but
through the methods of `simulator.algorithms.rank.Rank`. Nobody changes one; they are not frozen because a run makes
millions, each in a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ANY",
    "Acquire",
    "Activations",
    "Apply",
    "Array",
    "Backward",
    "Batch",
    "Collective",
    "Forward",
    "Gradient",
    "Handle",
    "Join",
    "LoadBatch",
    "Operation",
    "Receive",
    "Release",
    "Send",
    "Spawn",
    "Start",
    "Transform",
]

#: Source of a `Receive` that takes whatever message comes first.
ANY = -1


@dataclass(eq=False, slots=True)
class Array:
    """An array on the device of the rank that named it: the size of the network's weights, unless its layout says not.

    Attributes
    ----------
    name : str
        What the algorithm calls it: ``"replica"``, ``"centre"``, ``"gradient"``.
    layout : tuple of int
        Elements of each layer, in order; the layers lie one behind the other.
    element_size : int
        Bytes an element.
    value : numpy.ndarray or None
        The numbers, one-dimensional; None when only time is simulated. A small network may learn in the time of a large
        one, so `value` may hold fewer numbers than the `elements` whose time is counted.
    shared : bool
        Whether several ranks of one device update it in place, so that unlocked updates can overlap.
    version : int
        How many updates a shared array has had; for any other, that of the shared array it was last computed from.
    source : int
        The rank it was received from; -1 if it was not.
    joined : int
        Bytes that were copied to make it of parts that lay elsewhere, and whose time has not been counted yet.
    """

    name: str
    layout: tuple[int, ...]
    element_size: int = 4
    value: Any = None
    shared: bool = False
    version: int = 0
    source: int = -1
    joined: int = 0

    @property
    def elements(self) -> int:
        """How many numbers it holds, as far as time is concerned."""
        return sum(self.layout)

    def snapshot(self, source: int) -> Array:
        """What a message from the rank `source` carries: the numbers as they are now."""
        value = None if self.value is None else self.value.copy()
        return Array(self.name, self.layout, self.element_size, value, False, self.version, source)


@dataclass(eq=False, slots=True)
class Batch:
    """The samples of one step of one worker; `value` holds them when learning is on."""

    samples: int
    value: Any = None


@dataclass(eq=False, slots=True)
class LoadBatch:
    """Bring the worker's next samples to its device. Result: `Batch`."""


@dataclass(eq=False, slots=True)
class Gradient:
    """Forward and backward pass at `weights`. Result: `Array`."""

    weights: Array
    batch: Batch


@dataclass(eq=False, slots=True)
class Activations:
    """What a forward pass leaves for the backward pass; its fields are its executor's business."""

    weights: Array
    samples: int
    gradient: Any = None
    slowdown: float = 1.0


@dataclass(eq=False, slots=True)
class Forward:
    """The forward pass alone. Result: `Activations`."""

    weights: Array
    batch: Batch


@dataclass(eq=False, slots=True)
class Backward:
    """The backward pass through the layers [first, last), the next ones from the end. Result: `Array`, their gradient.

    The parts of one pass cover all layers, the last ones first.
    """

    activations: Activations
    first: int
    last: int


@dataclass(eq=False, slots=True)
class Transform:
    """A new array made by a rule, whose first `writes` arrays are replaced as well. Result: the new `Array`.

    `reads` are the bytes that the rule reads on the way. The rule gives what replaces the arrays, then what is new.
    """

    rule: Callable[..., Any]
    arrays: tuple[Array, ...]
    made: Array
    writes: int
    reads: float
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Apply:
    """An update rule on arrays of this rank's device; the rule's first `writes` arrays are replaced."""

    rule: Callable[..., Any]
    arrays: tuple[Array, ...]
    writes: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Acquire:
    """Wait for the lock of that name on this rank's device; first come, first served."""

    lock: str


@dataclass(eq=False, slots=True)
class Release:
    """Give the lock up."""

    lock: str


@dataclass(eq=False, slots=True)
class Send:
    """One array to one rank, as it is when the transfer starts. Done when it has arrived."""

    array: Array
    to: int


@dataclass(eq=False, slots=True)
class Receive:
    """One array from one rank, or from `ANY` in order of arrival. Result: `Array`."""

    source: int = ANY


@dataclass(eq=False, slots=True)
class Collective:
    """A collective over `group`; every member yields it, in the same order. Result: `Array`, or None off the root.

    `array` is what this rank contributes (None: nothing, as a master that only collects).
    """

    kind: str
    array: Array | None
    group: tuple[int, ...]
    root: int


@dataclass(eq=False, slots=True)
class Start:
    """Begin `operation` on its lane and go on. Result: `Handle`. Operations of one lane keep their order."""

    operation: Operation


@dataclass(eq=False, slots=True)
class Spawn:
    """Run a second thread of this rank, with lanes of its own, beside the generator. Result: `Handle` of its end.

    Threads of one rank share its device and its arrays. Only one of them may take part in collectives.
    """

    thread: Generator[Operation, Any, None]


@dataclass(eq=False, slots=True)
class Join:
    """Wait until all of `handles` are done. Result: tuple of their results."""

    handles: tuple[Handle, ...]


@dataclass(eq=False, slots=True)
class Handle:
    """A started operation; opaque to algorithms, its executor keeps what it needs in `state`."""

    state: Any = None


Operation = (
    LoadBatch
    | Gradient
    | Forward
    | Backward
    | Transform
    | Apply
    | Acquire
    | Release
    | Send
    | Receive
    | Collective
    | Start
    | Spawn
    | Join
)
