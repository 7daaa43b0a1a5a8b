"""Layers that put branches together or take a part: concatenation, addition, choosing a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Elementwise
from simulator.workload.layers.base import Kernels, Layer

__all__ = ["AddLayer", "ConcatLayer", "FirstTokenLayer"]


@dataclass(frozen=True, kw_only=True)
class ConcatLayer(Layer):
    """Inputs laid one after another along the channels, by copying."""

    kind: ClassVar[str] = "concat"

    def forward(self, batch: int) -> Kernels:
        """Copy all inputs."""
        values = batch * self.output_elements
        return (Elementwise("concat", values, values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Copy the gradient's parts back."""
        if not input_gradient:
            return ()
        values = batch * self.output_elements
        return (Elementwise("concat_gradient", values, values),)


@dataclass(frozen=True, kw_only=True)
class AddLayer(Layer):
    """Sum of equally shaped inputs, as at the end of a residual block; backward hands each the same gradient."""

    kind: ClassVar[str] = "add"

    @property
    def hands_gradient_on(self) -> bool:
        """Each summand's is that of the sum."""
        return True

    def forward(self, batch: int) -> Kernels:
        """Read every input, write the sum."""
        additions = batch * (self.input_elements - self.output_elements)
        return (Elementwise("add", batch * self.input_elements, batch * self.output_elements, additions),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Nothing to do."""
        return ()


@dataclass(frozen=True, kw_only=True)
class FirstTokenLayer(Layer):
    """The features of the first token, which stands for the whole sequence (BERT's classification token)."""

    kind: ClassVar[str] = "first_token"

    def forward(self, batch: int) -> Kernels:
        """Copy one token."""
        values = batch * self.output_elements
        return (Elementwise("first_token", values, values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Write a gradient that is zero but for the first token."""
        if not input_gradient:
            return ()
        values = batch * self.output_elements
        return (Elementwise("first_token_gradient", values, batch * self.input_elements),)
