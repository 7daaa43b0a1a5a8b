"""A network as a graph of layers: what it holds, what it computes and what it keeps in memory.

Everything is a count or a list of kernels for a given batch; how long a kernel takes is `simulator.cost`'s business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from simulator.workload.activations import Held, Recomputation, recomputation, worst_moment
from simulator.workload.kernels import Elementwise, Kernel
from simulator.workload.layers import Layer
from simulator.workload.shapes import Shape, elements

__all__ = ["INPUT", "Direction", "LayerKernel", "LayerSummary", "Network"]

#: The name by which layers refer to the network's input.
INPUT = "data"

Direction = Literal["forward", "backward"]


class LayerKernel(NamedTuple):
    """One kernel of a pass and the layer it belongs to."""

    layer_name: str
    kernel: Kernel


class LayerSummary(NamedTuple):
    """One row of a printed network; all counts are per sample."""

    name: str
    kind: str
    output_shape: Shape
    parameters: int
    flops: float


@dataclass(frozen=True)
class Network:
    """A directed acyclic graph of layers, listed so that every layer comes after those it reads.

    Parameters
    ----------
    name, title : str
        How to ask for it, and what it is.
    input_shape : tuple of int
        One sample as the first layer sees it: (channels, height, width), or (tokens,).
    layers : tuple of Layer
    source : str
        Where the description comes from.
    """

    name: str
    title: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    source: str

    @cached_property
    def parameters(self) -> int:
        """Trained numbers."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def forward_flops(self) -> float:
        """FLOPs of convolutions and matrix products in one forward pass, per sample; a multiply-add is two."""
        return sum(layer.flops for layer in self.layers)

    @cached_property
    def elementwise_flops(self) -> float:
        """Operations of everything else (bias, activation, pooling, normalisation) in one forward pass, per sample."""
        kernels = (kernel for _, kernel in self.kernels(1, "forward"))
        return sum(kernel.flops for kernel in kernels if isinstance(kernel, Elementwise))

    def parameter_bytes(self, element_size: int = 4) -> int:
        """Size [bytes] of one copy of the parameters, and of the gradient."""
        return self.parameters * element_size

    def parameter_layout(self) -> tuple[tuple[str, int], ...]:
        """(layer name, parameters) for each layer that has any, in the order in which they lie in memory.

        Packed, a transfer is one message of them all; unpacked, one message a row.
        """
        return tuple((layer.name, layer.parameters) for layer in self.layers if layer.parameters)

    def kernels(self, batch: int, direction: Direction, recomputed: Container[str] = ()) -> tuple[LayerKernel, ...]:
        """Every kernel of a pass over `batch` samples, in the order of execution.

        Backward runs the layers in reverse. A layer computes the gradient of its input only if a layer with parameters
        lies upstream, so the first convolution does not. Where several layers read one value, their gradients are added
        up (``gradient_sum``) before its layer's own backward kernels. The backward pass runs the forward kernels of the
        layers in `recomputed` once more, each before its own backward kernels.

        Raises
        ------
        ValueError
            If `batch` is not positive or `direction` neither ``forward`` nor ``backward``.
        """
        if batch < 1:
            raise ValueError(f"batch: expected at least 1 sample, got {batch}")
        if direction == "forward":
            return tuple(LayerKernel(layer.name, kernel) for layer in self.layers for kernel in layer.forward(batch))
        if direction != "backward":
            raise ValueError(f"direction: expected 'forward' or 'backward', got {direction!r}")
        return tuple(
            LayerKernel(layer.name, kernel)
            for layer in reversed(self.layers)
            for kernel in (
                *(layer.forward(batch) if layer.name in recomputed else ()),
                *self._gradient_sum(layer, batch),
                *layer.backward(batch, self._needs_input_gradient(layer)),
            )
        )

    def activation_elements(self) -> int:
        """Elements kept from the forward for the backward pass, per sample, without the input itself.

        Every layer's output that its own backward pass or a reader's needs, once, and what layers save beside it. The
        output of a batch normalisation whose only reader is a ReLU, for example, is not among them.
        """
        kept = sum(layer.output_elements for layer in self.layers if layer.name in self.kept)
        return kept + sum(layer.saved_elements for layer in self.layers)

    def activation_bytes(self, batch: int, element_size: int = 4) -> int:
        """Size [bytes] of the activations kept for the backward pass; see `activation_elements`."""
        return batch * self.activation_elements() * element_size

    @cached_property
    def kept(self) -> frozenset[str]:
        """Values that some backward pass reads, that of the layer which made them or a reader's; perhaps the input."""
        own = {layer.name for layer in self.layers if layer.keeps_output}
        return frozenset(own.union(*(layer.inputs for layer in self.layers if layer.keeps_input)))

    @cached_property
    def worst_moment(self) -> Held:
        """What the backward pass holds, per sample, when it holds most."""
        return worst_moment(self)

    @cached_property
    def recomputation(self) -> Recomputation | None:
        """How to hold least by computing segments twice; None where that does not help."""
        return recomputation(self)

    @cached_property
    def trained(self) -> frozenset[str]:
        """Layers with parameters of their own or upstream: gradients must reach them."""
        trained: set[str] = set()
        for layer in self.layers:
            if layer.parameters or not trained.isdisjoint(layer.inputs):
                trained.add(layer.name)
        return frozenset(trained)

    def layer(self, name: str) -> Layer:
        """The layer of that name.

        Raises
        ------
        KeyError
            If there is none.
        """
        return self._by_name[name]

    def summary(self) -> tuple[LayerSummary, ...]:
        """One row a layer, for printing."""
        return tuple(
            LayerSummary(layer.name, layer.kind, layer.output_shape, layer.parameters, layer.flops)
            for layer in self.layers
        )

    @property
    def input_elements(self) -> int:
        """Elements of one input sample."""
        return elements(self.input_shape)

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def _readers(self) -> Counter[str]:
        """How often each value is read."""
        return Counter(name for layer in self.layers for name in layer.inputs)

    def _needs_input_gradient(self, layer: Layer) -> bool:
        return not self.trained.isdisjoint(layer.inputs)

    def _gradient_sum(self, layer: Layer, batch: int) -> tuple[Kernel, ...]:
        readers = self._readers[layer.name]
        if readers < 2 or layer.name not in self.trained:
            return ()
        values = batch * layer.output_elements
        return (Elementwise("gradient_sum", readers * values, values, (readers - 1) * values),)
