"""What PyTorch's autograd keeps of a network's values between forward and backward pass, counted without computing.

A `Network` is replayed layer by layer with PyTorch's own operators on tensors of its ``meta`` device, which have shapes
and no numbers; hooks on what is saved for the backward pass count every storage once. Parameters and the network's
input are left out, as they are in `Network.activation_elements`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from simulator.workload import Network
from simulator.workload.layers.base import Layer
from simulator.workload.network import INPUT

__all__ = ["adapted_bytes", "saved_bytes"]


def saved_bytes(network: Network, batch: int) -> int:
    """Bytes that autograd saves in single precision for a batch; ReLUs work in place, as in torchvision's networks.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    KeyError
        If the network has a layer of a kind that is not replayed here.
    """
    torch = import_module("torch")
    data = torch.empty((batch, *network.input_shape), device="meta")
    weights: list[Any] = []
    saved: dict[int, Any] = {}

    def parameter(*shape: int) -> Any:
        weights.append(torch.empty(shape, device="meta", requires_grad=True))
        return weights[-1]

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        saved[storage._cdata] = storage
        return tensor

    values: dict[str, Any] = {INPUT: data}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        for layer in network.layers:
            values[layer.name] = _REPLAYED[layer.kind](layer, [values[name] for name in layer.inputs], parameter)
    own = {tensor.untyped_storage()._cdata for tensor in (data, *weights)}
    return sum(int(storage.nbytes()) for key, storage in saved.items() if key not in own)


def adapted_bytes(network: Network, batch: int) -> int:
    """Bytes that the model counts, with PyTorch's sizes: winners of pooling take 8 bytes, masks of dropout 1, not 4."""
    winners = sum(layer.saved_elements for layer in network.layers if layer.kind == "pool")
    masks = sum(layer.saved_elements for layer in network.layers if layer.kind == "dropout")
    return network.activation_bytes(batch) + batch * (4 * winners - 3 * masks)


def _functional() -> Any:
    return import_module("torch.nn.functional")


def _convolution(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    channels = layer.input_shapes[0][0] // layer.groups
    weights = parameter(layer.filters, channels, *layer.kernel)
    bias = parameter(layer.filters) if layer.bias else None
    return _functional().conv2d(inputs[0], weights, bias, layer.stride, layer.pad, groups=layer.groups)


def _fully_connected(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    values = inputs[0] if layer.positions > 1 else inputs[0].flatten(1)
    bias = parameter(layer.outputs) if layer.bias else None
    return _functional().linear(values, parameter(layer.outputs, layer.features), bias)


def _batch_norm(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    scales = (parameter(layer.groups), parameter(layer.groups)) if layer.affine else (None, None)
    return _functional().batch_norm(inputs[0], None, None, *scales, training=True)


def _activation(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    if layer.function == "relu":
        return _functional().relu(inputs[0], inplace=True)
    return getattr(_functional(), layer.function)(inputs[0])


def _pool(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    pool = _functional().max_pool2d if layer.operation == "max" else _functional().avg_pool2d
    rounded_down = (inputs[0].shape[2] + 2 * layer.pad[0] - layer.kernel[0]) // layer.stride[0] + 1
    ceil_mode = rounded_down != layer.output_shape[1]
    return pool(inputs[0], layer.kernel, layer.stride, layer.pad, ceil_mode=ceil_mode)


def _concat(layer: Layer, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    torch = import_module("torch")
    return torch.cat(inputs, 1)


def _loss(layer: Layer, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    return _functional().log_softmax(inputs[0], -1)


def _dropout(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    torch = import_module("torch")
    return torch.native_dropout(inputs[0], layer.ratio, True)[0]


def _embedding(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    torch = import_module("torch")
    words = torch.empty(inputs[0].shape, dtype=torch.long, device="meta")
    return sum(_functional().embedding(words, parameter(rows, layer.output_shape[-1])) for rows in layer.tables)


def _layer_norm(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    return _functional().layer_norm(inputs[0], (layer.groups,), parameter(layer.groups), parameter(layer.groups))


def _attention(layer: Any, inputs: list[Any], parameter: Callable[..., Any]) -> Any:
    """Scores, softmax and weighted values one after the other, as before fused attention."""
    batch, tokens, features = inputs[0].shape
    query, key, value = (
        tensor.view(batch, tokens, layer.heads, features // layer.heads).transpose(1, 2) for tensor in inputs
    )
    scores = query @ key.transpose(-1, -2)
    return (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, features)


#: By the kind of a layer: the layer, its inputs and a maker of parameters to its output.
_REPLAYED: Mapping[str, Callable[[Any, list[Any], Callable[..., Any]], Any]] = MappingProxyType(
    {
        "convolution": _convolution,
        "fully_connected": _fully_connected,
        "batch_norm": _batch_norm,
        "activation": _activation,
        "pool": _pool,
        "concat": _concat,
        "add": lambda layer, inputs, parameter: sum(inputs[1:], inputs[0]),
        "softmax_loss": _loss,
        "dropout": _dropout,
        "embedding": _embedding,
        "layer_norm": _layer_norm,
        "attention": _attention,
        "first_token": lambda layer, inputs, parameter: inputs[0][:, 0],
    }
)
