"""What the executor asks of a device: seconds for a gradient, an update, an addition, a local copy."""

from __future__ import annotations

from typing import Protocol

__all__ = ["ComputeCosts"]


class ComputeCosts(Protocol):
    """Times [s] of one rank's arithmetic on its device. Implemented by `simulator.cost.device.DeviceCosts`."""

    def gradient(self, samples: int) -> float:
        """Forward and backward pass over `samples` samples."""
        ...

    def update(self, elements: int, arrays: int, writes: int) -> float:
        """A rule that reads `arrays` arrays of `elements` elements and replaces `writes` of them."""
        ...

    def copy(self, size: float) -> float:
        """A copy of `size` bytes inside the device's memory."""
        ...
