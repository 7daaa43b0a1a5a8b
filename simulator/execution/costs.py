"""What the executor asks of a device: seconds for a gradient and its parts, an update, an addition, a local copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["ComputeCosts"]


class ComputeCosts(Protocol):
    """Times [s] of one rank's arithmetic on its device. Implemented by `simulator.cost.device.DeviceCosts`."""

    def gradient(self, samples: int) -> float:
        """Forward and backward pass over `samples` samples."""
        ...

    def forward(self, samples: int) -> float:
        """The forward pass alone."""
        ...

    def backward(self, samples: int) -> Sequence[float]:
        """The backward pass, layer by layer of the arrays' layout: from the gradient of the next layer to its own.

        Forward and backward pass together take as long as `gradient`.
        """
        ...

    def update(self, elements: int, arrays: int, writes: int) -> float:
        """A rule that reads `arrays` arrays of `elements` elements and replaces `writes` of them."""
        ...

    def add(self, elements: int) -> float:
        """The addition of an array of so many elements to another, as in a reduction."""
        ...

    def stream(self, read: float, written: float) -> float:
        """A kernel that reads `read` bytes of the device's memory and writes `written`."""
        ...

    def copy(self, size: float) -> float:
        """A copy of `size` bytes inside the device's memory."""
        ...
