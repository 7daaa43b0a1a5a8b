"""A layer known only by its totals, for what-if studies of networks nobody has written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Gemm
from simulator.workload.layers.base import Kernels, Layer

__all__ = ["TotalsLayer"]


@dataclass(frozen=True, kw_only=True)
class TotalsLayer(Layer):
    """`positions` vectors times a (`rows` × `columns`) matrix; parameters beyond that matrix compute nothing."""

    kind: ClassVar[str] = "totals"

    total_parameters: int
    rows: int
    columns: int
    positions: int

    @property
    def keeps_input(self) -> bool:
        """A factor of the weights' gradient."""
        return True

    @property
    def parameters(self) -> int:
        """As asked for."""
        return self.total_parameters

    @property
    def flops(self) -> float:
        """Of the matrix products."""
        return 2.0 * self.rows * self.columns * self.positions

    def forward(self, batch: int) -> Kernels:
        """One product."""
        return (Gemm(m=self.rows, n=batch * self.positions, k=self.columns, transpose_a=True),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Gradient of the weights and, where needed, of the data."""
        vectors = batch * self.positions
        weights = Gemm(m=self.columns, n=self.rows, k=vectors, transpose_b=True)
        if not input_gradient:
            return (weights,)
        return weights, Gemm(m=self.columns, n=vectors, k=self.rows)
