"""Times of a device as calibrated: what the kernel models say, times a factor, plus a fixed part for each operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cost.device import DeviceCosts

__all__ = ["AS_MODELLED", "CalibratedCosts", "CostCorrection"]


@dataclass(frozen=True)
class CostCorrection:
    """Factors and fixed parts [s] of gradients, of updates, and of loading a batch; the defaults change nothing."""

    compute_scale: float = 1.0
    compute_fixed: float = 0.0
    update_scale: float = 1.0
    update_fixed: float = 0.0
    load_scale: float = 1.0
    load_fixed: float = 0.0


#: Times as the kernel models say them.
AS_MODELLED = CostCorrection()


class CalibratedCosts:
    """A device's times under a correction; see `simulator.execution.costs.ComputeCosts`."""

    def __init__(self, model: DeviceCosts, correction: CostCorrection) -> None:
        self._model = model
        self.correction = correction

    def gradient(self, samples: int) -> float:
        """Forward and backward pass, with the fixed part of a gradient."""
        return self._model.gradient(samples) * self.correction.compute_scale + self.correction.compute_fixed

    def forward(self, samples: int) -> float:
        """The forward pass alone, which is where the fixed part of a gradient counts."""
        return self._model.forward(samples) * self.correction.compute_scale + self.correction.compute_fixed

    def backward(self, samples: int) -> Sequence[float]:
        """The backward pass, layer by layer."""
        return [seconds * self.correction.compute_scale for seconds in self._model.backward(samples)]

    def update(self, elements: int, arrays: int, writes: int) -> float:
        """An update rule."""
        return self._updated(self._model.update(elements, arrays, writes))

    def add(self, elements: int) -> float:
        """The addition of one array to another."""
        return self._updated(self._model.add(elements))

    def stream(self, read: float, written: float) -> float:
        """A kernel that makes a new array."""
        return self._updated(self._model.stream(read, written))

    def copy(self, size: float) -> float:
        """A batch's copy inside the device's memory; its fixed part is the executor's, as it also holds for links."""
        return self._model.copy(size) * self.correction.load_scale

    def _updated(self, seconds: float) -> float:
        return seconds * self.correction.update_scale + self.correction.update_fixed
