"""What an algorithm holds: how many arrays of the parameters' size a rank has at once, by purpose.

An algorithm declares it beside its generators, as a constant or as a function of the `Situation` it runs in. It counts
what the generators name: the sum that an all-reduce gives counts beside the gradient that went in, though a library
that sums in place would save it. A test compares every declaration with what the generators really hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MASTER_HOLDS", "WORKER_HOLDS", "Declaration", "Holdings", "Situation"]


@dataclass(frozen=True)
class Holdings:
    """Arrays that one rank holds when it holds most, in sizes of the network's parameters (1.0 is one whole copy).

    Attributes
    ----------
    weights : float
        The weights that gradients are taken at, or the centre on a master.
    gradients : float
        Gradients, whole or in buckets.
    optimizer : float
        Velocities and moments.
    copies : float
        Further weights that last from step to step: a centre, a residual of error feedback.
    messages : float
        What is made to be sent, and what arrives: received arrays, sums, gathered and compressed messages.
    """

    weights: float = 1.0
    gradients: float = 1.0
    optimizer: float = 0.0
    copies: float = 0.0
    messages: float = 0.0

    @property
    def total(self) -> float:
        """All of them."""
        return self.weights + self.gradients + self.optimizer + self.copies + self.messages


@dataclass(frozen=True)
class Situation:
    """What holdings may depend on.

    Attributes
    ----------
    workers : int
        Ranks that compute gradients.
    layout : tuple of int
        Elements of each layer.
    element_size : int
        Bytes an element.
    options : mapping
        The algorithm's own options, defaults filled in.
    """

    workers: int
    layout: tuple[int, ...]
    element_size: int
    options: Mapping[str, Any]

    @property
    def elements(self) -> int:
        """Elements of all layers."""
        return sum(self.layout)

    def copies(self, elements: float, element_size: int | None = None) -> float:
        """An array's size in copies of the parameters."""
        size = self.element_size if element_size is None else element_size
        return elements * size / (self.elements * self.element_size)


#: What a rank holds, always or by the situation.
Declaration = Holdings | Callable[[Situation], Holdings]

#: What is taken for an algorithm that declares nothing: weights, a gradient, and one array that arrives or is summed.
WORKER_HOLDS = Holdings(messages=1.0)
#: The same for its master.
MASTER_HOLDS = Holdings(gradients=0.0, messages=1.0)
