"""Normalisation: across neighbouring channels (AlexNet), over the batch (ResNet), over the features (transformers).

Traffic of the two learned ones: statistics need the whole input before the first output can be written, so the forward
pass reads it twice, the backward pass reads input and gradient twice. Statistics, scales and shifts are too few to
count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Elementwise
from simulator.workload.layers.base import Kernels, Layer

__all__ = ["BatchNormLayer", "LayerNormLayer", "LocalResponseNormLayer"]


@dataclass(frozen=True, kw_only=True)
class LocalResponseNormLayer(Layer):
    """Each element over a power of the sum of squares of `size` neighbours (Krizhevsky 2012); keeps the sums."""

    kind: ClassVar[str] = "lrn"

    size: int = 5
    region: str = "across_channels"

    @property
    def keeps_input(self) -> bool:
        """Input and output, see `backward`."""
        return True

    @property
    def keeps_output(self) -> bool:
        """Input and output, see `backward`."""
        return True

    @property
    def saved_elements(self) -> int:
        """The sums of squares."""
        return self.output_elements

    @property
    def _neighbours(self) -> int:
        return self.size if self.region == "across_channels" else self.size * self.size

    def forward(self, batch: int) -> Kernels:
        """Square and add each neighbour, then scale, raise and multiply."""
        values = batch * self.output_elements
        return (Elementwise("lrn", values, 2 * values, (2 * self._neighbours + 3) * values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Reads input, output, sums and gradient."""
        if not input_gradient:
            return ()
        values = batch * self.output_elements
        return (Elementwise("lrn_gradient", 4 * values, values, (2 * self._neighbours + 5) * values),)


@dataclass(frozen=True, kw_only=True)
class _LearnedNorm(Layer):
    """Subtract the mean, divide by the deviation, and (if `affine`) scale and shift by learned numbers."""

    affine: bool = True

    @property
    def keeps_input(self) -> bool:
        """The input is normalised once more; what went out is not read again."""
        return True

    @property
    def groups(self) -> int:
        """How many scales (and shifts) are learned."""
        raise NotImplementedError

    @property
    def parameters(self) -> int:
        """Scale and shift. Running averages are not trained and do not count."""
        return 2 * self.groups if self.affine else 0

    def forward(self, batch: int) -> Kernels:
        """One pass for the statistics, one to normalise."""
        values = batch * self.output_elements
        return (Elementwise(self.kind, 2 * values, values, (7 if self.affine else 5) * values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """One pass for two sums over input and gradient (also the parameters' gradients), one for the result."""
        if not input_gradient and not self.affine:
            return ()
        values = batch * self.output_elements
        if not input_gradient:
            return (Elementwise(f"{self.kind}_gradient", 2 * values, 2 * self.groups, 4 * values),)
        return (Elementwise(f"{self.kind}_gradient", 4 * values, values, 9 * values),)


@dataclass(frozen=True, kw_only=True)
class BatchNormLayer(_LearnedNorm):
    """Over batch and positions, per channel (Ioffe and Szegedy 2015), with the statistics of the batch."""

    kind: ClassVar[str] = "batch_norm"

    @property
    def groups(self) -> int:
        """Channels."""
        return self.output_shape[0]


@dataclass(frozen=True, kw_only=True)
class LayerNormLayer(_LearnedNorm):
    """Over the features of each token (Ba et al. 2016)."""

    kind: ClassVar[str] = "layer_norm"

    @property
    def groups(self) -> int:
        """Features."""
        return self.output_shape[-1]
