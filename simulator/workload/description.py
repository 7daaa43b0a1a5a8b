"""Your own network in a TOML file.

A list of layers, in an order in which each comes after those it reads::

    schema = "clustersim/network/1"
    name = "mine"
    title = "Two convolutions and a shortcut"   # optional
    source = "our paper, table 2"               # optional
    input_shape = [3, 32, 32]                   # channels, height, width; or [tokens]
    pooling = "floor"                           # pooled sizes round down (torchvision) or up ("ceil", Caffe)

    [[layer]]
    type = "convolution"
    name = "conv1"
    filters = 16
    kernel = 3                # or [vertical, horizontal], as are stride and pad
    pad = 1

    [[layer]]
    type = "relu"
    name = "relu1"

    [[layer]]
    type = "convolution"
    name = "conv2"
    filters = 16
    kernel = [1, 3]
    pad = [0, 1]

    [[layer]]
    type = "add"
    name = "shortcut"
    inputs = ["relu1", "conv2"]

    [[layer]]
    type = "fully_connected"
    name = "fc"
    outputs = 10
    after = "shortcut"        # what is read; left out, the layer before ("data" is the network's input)

    [[layer]]
    type = "softmax_loss"
    name = "loss"

The types are the methods of `simulator.workload.builder.NetworkBuilder` and the keys their arguments:

========================  ==============================================================
type                      keys beside `name` and `after` (optional ones in parentheses)
========================  ==============================================================
convolution               filters, kernel, (stride, pad, groups, bias)
pool                      operation ("max" or "average"), kernel, (stride, pad, ceil)
global_pool               (operation)
fully_connected           outputs, (bias): over a whole sample
token_connected           outputs, (bias): over each token's features
relu, sigmoid, tanh,      –
gelu
lrn                       (size, region)
batch_norm, layer_norm    (affine)
dropout                   (ratio)
concat, add               inputs, instead of `after`
softmax_loss              (weight)
embedding                 tables (rows of each), features
attention                 heads, inputs (queries, keys, values) instead of `after`
first_token               –
========================  ==============================================================

If only the totals are known, say so instead of listing layers (see `simulator.workload.synthetic`)::

    schema = "clustersim/network/1"
    name = "what-if"
    input_shape = [3, 224, 224]

    [totals]
    parameters = 25000000
    forward_flops = "8.2 GFLOP"     # a sample; a multiply-add is two
    layers = 50
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.documents import load_document, validate
from simulator.errors import InputError, UnknownNameError
from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network
from simulator.workload.schemas import LAYER_TYPES, NetworkDocument, TotalsTable, layer_table
from simulator.workload.synthetic import synthetic_network

__all__ = ["read_network"]


def read_network(path: Path) -> Network:
    """The network a file describes.

    Raises
    ------
    InputError
        One line that names the file, the layer, the key and what was expected.
    """
    document = load_document(path, NetworkDocument)
    if bool(document.layer) == bool(document.totals):
        found = "both" if document.layer else "neither"
        raise InputError(f"{path}: layer: expected either [[layer]] tables or one [totals] table, got {found}")
    layers = [
        _checked(table, f"{path}: layer[{index}] ({table.get('name', 'unnamed')})")
        for index, table in enumerate(document.layer)
    ]
    source = document.source or str(path)
    try:
        return _from_totals(document, document.totals, source) if document.totals else _built(document, layers, source)
    except InputError as error:  # the layers fit their types but not each other; only the file's name is missing
        raise InputError(f"{path}: {error}") from None


def _from_totals(document: NetworkDocument, totals: TotalsTable, source: str) -> Network:
    return synthetic_network(
        totals.parameters,
        totals.forward_flops,
        totals.layers,
        name=document.name,
        title=document.title,
        input_shape=document.input_shape,
        source=source,
    )


def _built(document: NetworkDocument, layers: list[tuple[str, dict[str, Any]]], source: str) -> Network:
    net = NetworkBuilder(
        document.name,
        input_shape=document.input_shape,
        title=document.title,
        source=source,
        ceil_pooling=document.pooling == "ceil",
    )
    for kind, arguments in layers:
        getattr(net, kind)(**arguments)
    return net.build()


def _checked(table: dict[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    """The type of a layer table and the builder's arguments."""
    kind = table.get("type")
    if not isinstance(kind, str):
        raise InputError(f"{where}: type: expected one of: {', '.join(sorted(LAYER_TYPES))}; got {kind!r}")
    if kind not in LAYER_TYPES:
        raise UnknownNameError("layer type", kind, LAYER_TYPES, where)
    model = validate(table, layer_table(kind), where)
    return kind, model.model_dump(exclude={"type"}, exclude_unset=True)
