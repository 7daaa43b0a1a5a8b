"""Activations, dropout and the loss: each output depends on few inputs, so memory sets the pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Elementwise
from simulator.workload.layers.base import Kernels, Layer

__all__ = ["ActivationLayer", "DropoutLayer", "SoftmaxLossLayer"]

#: Operations on each element, a transcendental function counted as one, and whether the derivative can be had from the
#: output alone.
_FUNCTIONS = {"relu": (1, True), "sigmoid": (4, True), "tanh": (1, True), "gelu": (8, False)}


@dataclass(frozen=True, kw_only=True)
class ActivationLayer(Layer):
    """A function of each element alone: ``relu``, ``sigmoid``, ``tanh`` or ``gelu``."""

    kind: ClassVar[str] = "activation"

    function: str

    @property
    def keeps_input(self) -> bool:
        """Where the derivative cannot be had from the output: GELU."""
        return not self.keeps_output

    @property
    def keeps_output(self) -> bool:
        """Where the derivative can be had from it."""
        return _FUNCTIONS[self.function][1]

    def forward(self, batch: int) -> Kernels:
        """Read and write every element."""
        values = batch * self.output_elements
        return (Elementwise(self.function, values, values, _FUNCTIONS[self.function][0] * values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Read the gradient and the value, write the gradient."""
        if not input_gradient:
            return ()
        values = batch * self.output_elements
        operations = _FUNCTIONS[self.function][0] + 1
        return (Elementwise(f"{self.function}_gradient", 2 * values, values, operations * values),)


@dataclass(frozen=True, kw_only=True)
class DropoutLayer(Layer):
    """Zeroes a random share of the elements and scales the others; only the mask is kept, as large as the value."""

    kind: ClassVar[str] = "dropout"

    ratio: float = 0.5

    @property
    def saved_elements(self) -> int:
        """The mask."""
        return self.output_elements

    def forward(self, batch: int) -> Kernels:
        """Draw the mask and apply it."""
        values = batch * self.output_elements
        return (Elementwise("dropout", values, 2 * values, 2 * values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Apply the same mask to the gradient."""
        if not input_gradient:
            return ()
        values = batch * self.output_elements
        return (Elementwise("dropout_gradient", 2 * values, values, values),)


@dataclass(frozen=True, kw_only=True)
class SoftmaxLossLayer(Layer):
    """Softmax over the last axis and its cross-entropy, which counts `weight`; the probabilities are kept."""

    kind: ClassVar[str] = "softmax_loss"

    weight: float = 1.0

    @property
    def keeps_output(self) -> bool:
        """The probabilities."""
        return True

    def forward(self, batch: int) -> Kernels:
        """Maximum, exponential, sum and division: three passes that read, two that write."""
        values = batch * self.output_elements
        return (Elementwise("softmax_loss", 3 * values, 2 * values, 4 * values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Probability less one at the true class."""
        if not input_gradient:
            return ()
        values = batch * self.output_elements
        return (Elementwise("softmax_loss_gradient", values, values, values),)
