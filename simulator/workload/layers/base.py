"""What every layer of a network can say about itself.

A layer is one vertex of the network's graph. It knows the shapes that enter and leave it and answers, from those alone:
how many parameters it has, how many multiply-add operations a sample takes, which kernels its forward and its backward
pass run, and what must be kept in memory in between.

Counting rules
--------------
- A multiply-add is two FLOPs. `Layer.flops` holds only those of convolutions and matrix products, as published figures
  do; everything else (bias, activation, pooling, normalisation) is an `Elementwise` kernel with its own count.
- Memory traffic of elementwise kernels is the least for the whole batch, each operand read or written once per pass
  over it; nothing is assumed to stay in a cache between kernels and nothing is fused.
- Backward kernels are those of training: gradients of the parameters, and of the inputs where something upstream needs
  them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Elementwise, Kernel
from simulator.workload.shapes import Shape, elements

__all__ = ["Kernels", "Layer", "bias_backward", "bias_forward"]

Kernels = tuple[Kernel, ...]


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """One vertex of a network's graph. Shapes leave the batch out; the `batch` of a method is in samples."""

    kind: ClassVar[str]

    name: str
    inputs: tuple[str, ...]  #: names of the layers (or the network's input) read, in order
    input_shapes: tuple[Shape, ...]
    output_shape: Shape

    @property
    def input_elements(self) -> int:
        """Elements of all inputs, per sample."""
        return sum(elements(shape) for shape in self.input_shapes)

    @property
    def output_elements(self) -> int:
        """Elements of the output, per sample."""
        return elements(self.output_shape)

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        return 0

    @property
    def flops(self) -> float:
        """FLOPs of convolutions and matrix products in one forward pass, per sample."""
        return 0.0

    @property
    def saved_elements(self) -> int:
        """Elements kept for the backward pass beside the output (masks, statistics), per sample."""
        return 0

    @property
    def keeps_input(self) -> bool:
        """Whether the backward pass reads what came in."""
        return False

    @property
    def keeps_output(self) -> bool:
        """Whether the backward pass reads what went out."""
        return False

    @property
    def hands_gradient_on(self) -> bool:
        """Whether the gradient of the output is, as it stands, that of every input."""
        return False

    @property
    def column_elements(self) -> int:
        """Elements of the unfolded input (im2col) a convolution by matrix product needs, for one sample."""
        return 0

    @abstractmethod
    def forward(self, batch: int) -> Kernels:
        """Kernels of the forward pass, in order."""

    @abstractmethod
    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Kernels of the backward pass, in order.

        Parameters
        ----------
        batch : int
            Samples.
        input_gradient : bool
            Whether something upstream needs the gradient of this layer's inputs.
        """


def bias_forward(values: int, biases: int) -> Elementwise:
    """Add one of `biases` numbers to each of `values` (batch included), in place."""
    return Elementwise("bias", read=values + biases, written=values, flops=values)


def bias_backward(values: int, biases: int) -> Elementwise:
    """Sum the gradients of `values` into those of `biases`."""
    return Elementwise("bias_gradient", read=values, written=biases, flops=values)
