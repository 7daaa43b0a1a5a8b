"""Layers whose work is multiply-adds: convolutions and fully connected layers.

Weights of a fully connected layer lie row-major as (outputs, inputs), as Caffe and PyTorch keep them, and a batch
row-major as (samples, features). Read column-major, as `Gemm` is, the three products are

==================  ==================  =======  =======  =======  ==============
pass                result              m        n        k        transposed
==================  ==================  =======  =======  =======  ==============
forward             Yᵀ = (Wᵀ)ᵀ · Xᵀ     outputs  samples  inputs   A
backward, data      dXᵀ = Wᵀ · dYᵀ      inputs   samples  outputs  –
backward, weights   dWᵀ = Xᵀ · dY       inputs   outputs  samples  B
==================  ==================  =======  =======  =======  ==============
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Convolution, Gemm, Pass
from simulator.workload.layers.base import Kernels, Layer, bias_backward, bias_forward
from simulator.workload.shapes import elements

__all__ = ["ConvolutionLayer", "FullyConnectedLayer"]


@dataclass(frozen=True, kw_only=True)
class ConvolutionLayer(Layer):
    """2-D convolution of (channels, height, width), output size rounded down."""

    kind: ClassVar[str] = "convolution"

    filters: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    groups: int = 1
    bias: bool = True

    @property
    def keeps_input(self) -> bool:
        """A factor of the weights' gradient."""
        return True

    @property
    def weights(self) -> int:
        """Elements of the filter bank."""
        return self.filters * (self.input_shapes[0][0] // self.groups) * elements(self.kernel)

    @property
    def parameters(self) -> int:
        """Filter bank and biases."""
        return self.weights + (self.filters if self.bias else 0)

    @property
    def flops(self) -> float:
        """Every output position applies the whole filter bank once."""
        return 2.0 * self.weights * elements(self.output_shape[1:])

    @property
    def column_elements(self) -> int:
        """Elements of the input unfolded: one filter-sized column for each output position."""
        return self.input_shapes[0][0] * elements(self.kernel) * elements(self.output_shape[1:])

    def _kernel(self, batch: int, direction: Pass) -> Convolution:
        channels, height, width = self.input_shapes[0]
        return Convolution(
            batch=batch,
            channels=channels,
            height=height,
            width=width,
            filters=self.filters,
            filter_height=self.kernel[0],
            filter_width=self.kernel[1],
            pad_height=self.pad[0],
            pad_width=self.pad[1],
            stride_height=self.stride[0],
            stride_width=self.stride[1],
            groups=self.groups,
            direction=direction,
        )

    def forward(self, batch: int) -> Kernels:
        """The convolution, then the bias."""
        product = self._kernel(batch, Pass.FORWARD)
        if not self.bias:
            return (product,)
        return product, bias_forward(batch * self.output_elements, self.filters)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Gradients of bias, weights and, where needed, data."""
        kernels: Kernels = (self._kernel(batch, Pass.BACKWARD_WEIGHTS),)
        if self.bias:
            kernels = (bias_backward(batch * self.output_elements, self.filters), *kernels)
        if input_gradient:
            kernels = (*kernels, self._kernel(batch, Pass.BACKWARD_DATA))
        return kernels


@dataclass(frozen=True, kw_only=True)
class FullyConnectedLayer(Layer):
    """Each of `positions` vectors of a sample times one weight matrix: once for a whole sample, or once a token."""

    kind: ClassVar[str] = "fully_connected"

    outputs: int
    positions: int = 1
    bias: bool = True

    @property
    def keeps_input(self) -> bool:
        """A factor of the weights' gradient."""
        return True

    @property
    def features(self) -> int:
        """Length of each input vector."""
        return elements(self.input_shapes[0]) // self.positions

    @property
    def parameters(self) -> int:
        """Weight matrix and biases."""
        return self.outputs * (self.features + (1 if self.bias else 0))

    @property
    def flops(self) -> float:
        """Every vector meets the whole matrix once."""
        return 2.0 * self.positions * self.outputs * self.features

    def forward(self, batch: int) -> Kernels:
        """The product, then the bias."""
        product = Gemm(m=self.outputs, n=batch * self.positions, k=self.features, transpose_a=True)
        if not self.bias:
            return (product,)
        return product, bias_forward(batch * self.output_elements, self.outputs)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Gradients of bias, weights and, where needed, data."""
        vectors = batch * self.positions
        kernels: Kernels = (Gemm(m=self.features, n=self.outputs, k=vectors, transpose_b=True),)
        if self.bias:
            kernels = (bias_backward(batch * self.output_elements, self.outputs), *kernels)
        if input_gradient:
            kernels = (*kernels, Gemm(m=self.features, n=vectors, k=self.outputs))
        return kernels
