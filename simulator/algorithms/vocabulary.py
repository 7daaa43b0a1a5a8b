"""The operations a training algorithm is written in, and the arrays it names.

An algorithm is a generator that one rank runs. It yields these operations to whoever executes it (simulated time,
simulated time with learning, or real processes) and gets the result back at the ``yield``. They are plain data: they
say *what* is to be done, never how long it takes or by which library. Algorithms do not build them by hand but
through the methods of `simulator.algorithms.rank.Rank`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ANY",
    "Apply",
    "Array",
    "Batch",
    "Collective",
    "Gradient",
    "Handle",
    "Join",
    "LoadBatch",
    "Operation",
    "Receive",
    "Send",
    "Start",
]

#: Source of a `Receive` that takes whatever message comes first.
ANY = -1


@dataclass(eq=False, slots=True)
class Array:
    """An array the size of the network's weights, on the device of the rank that named it.

    Attributes
    ----------
    name : str
        What the algorithm calls it: ``"replica"``, ``"centre"``, ``"gradient"``.
    layout : tuple of int
        Elements of each layer, in order; the layers lie one behind the other.
    element_size : int
        Bytes an element.
    value : numpy.ndarray or None
        The numbers, shape ``(elements,)``; None when only time is simulated.
    """

    name: str
    layout: tuple[int, ...]
    element_size: int = 4
    value: Any = None

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return sum(self.layout)


@dataclass(eq=False, slots=True)
class Batch:
    """The samples of one step of one worker; `value` holds them when learning is on."""

    samples: int
    value: Any = None


@dataclass(frozen=True, slots=True)
class LoadBatch:
    """Bring the worker's next samples to its device. Result: `Batch`."""


@dataclass(frozen=True, slots=True)
class Gradient:
    """Forward and backward pass at `weights`. Result: `Array`."""

    weights: Array
    batch: Batch


@dataclass(frozen=True, slots=True)
class Apply:
    """An update rule on arrays of this rank's device; the rule's first `writes` arrays are replaced."""

    rule: Callable[..., Any]
    arrays: tuple[Array, ...]
    writes: int = 1


@dataclass(frozen=True, slots=True)
class Send:
    """One array to one rank, as it is when the transfer starts. Done when it has arrived."""

    array: Array
    to: int


@dataclass(frozen=True, slots=True)
class Receive:
    """One array from one rank, or from `ANY` in order of arrival. Result: `Array`."""

    source: int = ANY


@dataclass(frozen=True, slots=True)
class Collective:
    """A collective over `group`; every member yields it, in the same order. Result: `Array`, or None off the root.

    `array` is what this rank contributes (None: nothing, as a master that only collects).
    """

    kind: str
    array: Array | None
    group: tuple[int, ...]
    root: int


@dataclass(frozen=True, slots=True)
class Start:
    """Begin `operation` on its lane and go on. Result: `Handle`. Operations of one lane keep their order."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Join:
    """Wait until all of `handles` are done. Result: tuple of their results."""

    handles: tuple[Handle, ...]


@dataclass(eq=False, slots=True)
class Handle:
    """A started operation; opaque to algorithms, its executor keeps what it needs in `state`."""

    state: Any = None


Operation = LoadBatch | Gradient | Apply | Send | Receive | Collective | Start | Join
