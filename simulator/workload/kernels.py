"""The pieces of arithmetic a network is made of, as a cost model sees them: shapes, operations and bytes.

A layer's forward or backward pass is a short list of kernels. Nothing here knows how long a kernel takes; see
`simulator.cost`. Sizes are counts (elements, samples, channels); one multiply-add is two FLOPs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Convolution", "Elementwise", "Gemm", "Kernel", "Pass"]


class Pass(StrEnum):
    """Which of the three products of a layer a kernel computes."""

    FORWARD = "forward"
    BACKWARD_DATA = "backward_data"  #: gradient with respect to the layer's input
    BACKWARD_WEIGHTS = "backward_weights"  #: gradient with respect to the layer's parameters


@dataclass(frozen=True, slots=True)
class Gemm:
    """C (m × n) += op(A) (m × k) · op(B) (k × n), column-major as BLAS and DeepBench write it."""

    m: int
    n: int
    k: int
    transpose_a: bool = False
    transpose_b: bool = False
    count: int = 1  #: how many such products run as one batched call

    @property
    def flops(self) -> float:
        """Floating-point operations, 2·m·n·k·count."""
        return 2.0 * self.m * self.n * self.k * self.count

    def bytes_moved(self, element_size: int = 4) -> float:
        """Least memory traffic [bytes]: A and B read, C written, each once."""
        return float(element_size) * self.count * (self.m * self.k + self.k * self.n + self.m * self.n)


@dataclass(frozen=True, slots=True)
class Convolution:
    """One 2-D convolution (NCHW), in one of its three passes; sizes are of the *forward* problem."""

    batch: int
    channels: int
    height: int
    width: int
    filters: int
    filter_height: int
    filter_width: int
    pad_height: int = 0
    pad_width: int = 0
    stride_height: int = 1
    stride_width: int = 1
    groups: int = 1
    direction: Pass = Pass.FORWARD

    @property
    def out_height(self) -> int:
        """Rows of the output, rounded down."""
        return (self.height + 2 * self.pad_height - self.filter_height) // self.stride_height + 1

    @property
    def out_width(self) -> int:
        """Columns of the output, rounded down."""
        return (self.width + 2 * self.pad_width - self.filter_width) // self.stride_width + 1

    @property
    def flops(self) -> float:
        """Operations of the direct method, the same for each of the three passes."""
        return (
            2.0
            * self.batch
            * self.out_height
            * self.out_width
            * self.filters
            * (self.channels // self.groups)
            * self.filter_height
            * self.filter_width
        )

    @property
    def input_elements(self) -> int:
        """Elements of the forward input, batch included."""
        return self.batch * self.channels * self.height * self.width

    @property
    def output_elements(self) -> int:
        """Elements of the forward output, batch included."""
        return self.batch * self.filters * self.out_height * self.out_width

    @property
    def weight_elements(self) -> int:
        """Elements of the filter bank."""
        return self.filters * (self.channels // self.groups) * self.filter_height * self.filter_width

    def bytes_moved(self, element_size: int = 4) -> float:
        """Least memory traffic [bytes]: each of the three tensors read or written once."""
        return float(element_size) * (self.input_elements + self.output_elements + self.weight_elements)


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A memory-bound kernel (activation, pooling, normalisation, update): elements read and written, operations."""

    name: str
    read: float  #: elements read
    written: float  #: elements written
    flops: float = 0.0

    def bytes_moved(self, element_size: int = 4) -> float:
        """Memory traffic [bytes]."""
        return float(element_size) * (self.read + self.written)


Kernel = Gemm | Convolution | Elementwise
