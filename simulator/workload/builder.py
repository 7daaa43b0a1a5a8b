"""Writing a network down as its paper's table reads: one call a layer, shapes worked out along the way.

>>> net = NetworkBuilder("tiny", input_shape=(1, 28, 28))
>>> _ = net.convolution("conv1", filters=20, kernel=5)
>>> _ = net.pool("pool1", operation="max", kernel=2, stride=2)
>>> _ = net.fully_connected("fc1", outputs=10)
>>> _ = net.softmax_loss("loss")
>>> network = net.build()
>>> network.parameters, network.layer("pool1").output_shape
(29330, (20, 12, 12))

Each call reads what the previous one produced unless `after` names another layer (``"data"`` is the network's input),
and returns the name of the layer it added. `kernel`, `stride` and `pad` are one number or (vertical, horizontal).
"""

from __future__ import annotations

from typing import Any

from simulator.workload.graph import GraphBuilder
from simulator.workload.layers import (
    ActivationLayer,
    AddLayer,
    AttentionLayer,
    BatchNormLayer,
    ConcatLayer,
    ConvolutionLayer,
    DropoutLayer,
    EmbeddingLayer,
    FirstTokenLayer,
    FullyConnectedLayer,
    LayerNormLayer,
    LocalResponseNormLayer,
    PoolLayer,
    SoftmaxLossLayer,
    TotalsLayer,
)
from simulator.workload.shapes import Extent, Shape, pair

__all__ = ["NetworkBuilder"]


class NetworkBuilder(GraphBuilder):
    """A `GraphBuilder` with one method for each kind of layer.

    Parameters
    ----------
    name, title, source, input_shape
        See `GraphBuilder`.
    ceil_pooling : bool
        Whether pooled sizes round up unless a layer says otherwise, as in Caffe, or down, as in torchvision.
    """

    def __init__(
        self, name: str, *, input_shape: Shape, title: str = "", source: str = "", ceil_pooling: bool = False
    ) -> None:
        super().__init__(name, input_shape=input_shape, title=title, source=source)
        self.ceil_pooling = ceil_pooling

    def convolution(
        self,
        name: str,
        *,
        filters: int,
        kernel: Extent,
        stride: Extent = 1,
        pad: Extent = 0,
        groups: int = 1,
        bias: bool = True,
        after: str | None = None,
    ) -> str:
        """2-D convolution; with `groups`, each group of filters sees its own share of the channels."""
        source = self._resolve(after, name)
        image = self._image(name, source)
        self._at_least(name, 1, filters=filters, groups=groups)
        if image[0] % groups or filters % groups:
            raise self.error(name, "groups", f"expected a divisor of {image[0]} channels and {filters} filters", groups)
        size = self._window(name, image, kernel, stride, pad, ceil=False)
        ports = self._ports(name, (source,), (filters, *size))
        return self._append(
            ConvolutionLayer(
                **ports,
                filters=filters,
                kernel=pair(kernel),
                stride=pair(stride),
                pad=pair(pad),
                groups=groups,
                bias=bias,
            )
        )

    def pool(
        self,
        name: str,
        *,
        operation: str,
        kernel: Extent,
        stride: Extent = 1,
        pad: Extent = 0,
        ceil: bool | None = None,
        after: str | None = None,
    ) -> str:
        """``max`` or ``average`` pooling; `ceil` rounds the size up, by default as the builder says."""
        if operation not in ("max", "average"):
            raise self.error(name, "operation", "expected 'max' or 'average'", operation)
        source = self._resolve(after, name)
        image = self._image(name, source)
        if any(margin >= window for margin, window in zip(pair(pad), pair(kernel), strict=True)):
            raise self.error(name, "pad", f"expected less than the kernel's {kernel}, or windows see nothing", pad)
        size = self._window(name, image, kernel, stride, pad, self.ceil_pooling if ceil is None else ceil)
        ports = self._ports(name, (source,), (image[0], *size))
        return self._append(
            PoolLayer(**ports, operation=operation, kernel=pair(kernel), stride=pair(stride), pad=pair(pad))
        )

    def global_pool(self, name: str, *, operation: str = "average", after: str | None = None) -> str:
        """Pooling over the whole image, down to one value a channel."""
        _, height, width = self._image(name, self._resolve(after, name))
        return self.pool(name, operation=operation, kernel=(height, width), after=after)

    def fully_connected(self, name: str, *, outputs: int, bias: bool = True, after: str | None = None) -> str:
        """Fully connected layer over everything in a sample, whatever its shape."""
        self._at_least(name, 1, outputs=outputs)
        ports = self._ports(name, (self._resolve(after, name),), (outputs,))
        return self._append(FullyConnectedLayer(**ports, outputs=outputs, bias=bias))

    def token_connected(self, name: str, *, outputs: int, bias: bool = True, after: str | None = None) -> str:
        """Fully connected layer over the features of each token alone: (tokens, features) to (tokens, outputs)."""
        self._at_least(name, 1, outputs=outputs)
        source = self._resolve(after, name)
        tokens, _ = self._sequence(name, source)
        ports = self._ports(name, (source,), (tokens, outputs))
        return self._append(FullyConnectedLayer(**ports, outputs=outputs, positions=tokens, bias=bias))

    def relu(self, name: str, *, after: str | None = None) -> str:
        """max(0, x)."""
        return self._activation(name, "relu", after)

    def sigmoid(self, name: str, *, after: str | None = None) -> str:
        """1 / (1 + exp(-x))."""
        return self._activation(name, "sigmoid", after)

    def tanh(self, name: str, *, after: str | None = None) -> str:
        """Hyperbolic tangent."""
        return self._activation(name, "tanh", after)

    def gelu(self, name: str, *, after: str | None = None) -> str:
        """Gaussian error linear unit."""
        return self._activation(name, "gelu", after)

    def lrn(self, name: str, *, size: int = 5, region: str = "across_channels", after: str | None = None) -> str:
        """Local response normalisation over `size` neighbours, ``across_channels`` or ``within_channel``."""
        if region not in ("across_channels", "within_channel"):
            raise self.error(name, "region", "expected 'across_channels' or 'within_channel'", region)
        self._at_least(name, 1, size=size)
        return self._append(LocalResponseNormLayer(**self._same_shape(name, after), size=size, region=region))

    def batch_norm(self, name: str, *, affine: bool = True, after: str | None = None) -> str:
        """Normalisation of each channel over the batch, with a learned scale and shift if `affine`."""
        return self._append(BatchNormLayer(**self._same_shape(name, after), affine=affine))

    def layer_norm(self, name: str, *, affine: bool = True, after: str | None = None) -> str:
        """Normalisation over the features of each token, with a learned scale and shift if `affine`."""
        return self._append(LayerNormLayer(**self._same_shape(name, after), affine=affine))

    def dropout(self, name: str, *, ratio: float = 0.5, after: str | None = None) -> str:
        """Zero a random share `ratio` of the elements while training."""
        if not 0 <= ratio < 1:
            raise self.error(name, "ratio", "expected a share from 0 to below 1", ratio)
        return self._append(DropoutLayer(**self._same_shape(name, after), ratio=ratio))

    def concat(self, name: str, *, inputs: tuple[str, ...]) -> str:
        """Branches laid one after another along the first axis."""
        sources = self._branches(name, inputs)
        shapes = [self._shapes[source] for source in sources]
        if len({shape[1:] for shape in shapes}) > 1:
            raise self.error(name, "inputs", "expected equal sizes apart from the first axis", [*map(list, shapes)])
        output_shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
        return self._append(ConcatLayer(**self._ports(name, sources, output_shape)))

    def add(self, name: str, *, inputs: tuple[str, ...]) -> str:
        """Element by element sum of branches, as at the end of a residual block."""
        sources = self._branches(name, inputs)
        shapes = [self._shapes[source] for source in sources]
        if len(set(shapes)) > 1:
            raise self.error(name, "inputs", "expected equal shapes", [*map(list, shapes)])
        return self._append(AddLayer(**self._ports(name, sources, shapes[0])))

    def softmax_loss(self, name: str, *, weight: float = 1.0, after: str | None = None) -> str:
        """Softmax and cross-entropy; `weight` is an auxiliary loss's share in the total."""
        return self._append(SoftmaxLossLayer(**self._same_shape(name, after), weight=weight))

    def embedding(self, name: str, *, tables: tuple[int, ...], features: int, after: str | None = None) -> str:
        """One row from each table (given by its number of rows), summed: (tokens,) to (tokens, features)."""
        source = self._resolve(after, name)
        (tokens,) = self._ranked(name, source, 1, "tokens")
        self._at_least(name, 1, features=features, tables=min(tables, default=0))
        return self._append(EmbeddingLayer(**self._ports(name, (source,), (tokens, features)), tables=tables))

    def attention(self, name: str, *, heads: int, inputs: tuple[str, ...]) -> str:
        """Scaled dot-product attention of the queries, keys and values that `inputs` names, split over `heads`."""
        sources = self._branches(name, inputs)
        shapes = [self._sequence(name, source) for source in sources]
        if len(shapes) != 3 or len(set(shapes)) > 1:
            raise self.error(name, "inputs", "expected queries, keys and values of one shape", [*map(list, shapes)])
        self._at_least(name, 1, heads=heads)
        if shapes[0][1] % heads:
            raise self.error(name, "heads", f"expected a divisor of {shapes[0][1]} features", heads)
        return self._append(AttentionLayer(**self._ports(name, sources, shapes[0]), heads=heads))

    def first_token(self, name: str, *, after: str | None = None) -> str:
        """The features of the first token: (tokens, features) to (features,)."""
        source = self._resolve(after, name)
        _, features = self._sequence(name, source)
        return self._append(FirstTokenLayer(**self._ports(name, (source,), (features,))))

    def totals(
        self, name: str, *, parameters: int, rows: int, columns: int, positions: int, after: str | None = None
    ) -> str:
        """A layer known only by totals: `positions` vectors times a (rows × columns) matrix."""
        self._at_least(name, 1, rows=rows, columns=columns, positions=positions)
        self._at_least(name, rows * columns, parameters=parameters)
        ports = self._ports(name, (self._resolve(after, name),), (positions, rows))
        return self._append(
            TotalsLayer(**ports, total_parameters=parameters, rows=rows, columns=columns, positions=positions)
        )

    def _activation(self, name: str, function: str, after: str | None) -> str:
        return self._append(ActivationLayer(**self._same_shape(name, after), function=function))

    def _same_shape(self, name: str, after: str | None) -> dict[str, Any]:
        source = self._resolve(after, name)
        return self._ports(name, (source,), self._shapes[source])

    def _branches(self, name: str, inputs: tuple[str, ...]) -> tuple[str, ...]:
        if not inputs:
            raise self.error(name, "inputs", "expected at least one layer", [])
        return tuple(self._resolve(source, name, "inputs") for source in inputs)
