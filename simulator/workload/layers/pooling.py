"""Pooling: a window slides over each channel and keeps its maximum or its mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Elementwise
from simulator.workload.layers.base import Kernels, Layer
from simulator.workload.shapes import elements

__all__ = ["PoolLayer"]


@dataclass(frozen=True, kw_only=True)
class PoolLayer(Layer):
    """``max`` or ``average`` pooling. Maximum pooling keeps which element won, one index for each output."""

    kind: ClassVar[str] = "pool"

    operation: str
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)

    @property
    def keeps_input(self) -> bool:
        """Frameworks keep what was pooled, though the winners' places or the window's size would do."""
        return True

    @property
    def saved_elements(self) -> int:
        """The winners' indices."""
        return self.output_elements if self.operation == "max" else 0

    def _window_operations(self, batch: int) -> float:
        return float(batch * self.output_elements * elements(self.kernel))

    def forward(self, batch: int) -> Kernels:
        """Every input read once (overlapping windows meet it in a cache), every output and index written."""
        written = batch * (self.output_elements + self.saved_elements)
        return (
            Elementwise(f"{self.operation}_pool", batch * self.input_elements, written, self._window_operations(batch)),
        )

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Spread each output's gradient: to the winner, or evenly over the window."""
        if not input_gradient:
            return ()
        read = batch * (self.output_elements + self.saved_elements)
        operations = batch * self.output_elements if self.operation == "max" else self._window_operations(batch)
        return (Elementwise(f"{self.operation}_pool_gradient", read, batch * self.input_elements, operations),)
