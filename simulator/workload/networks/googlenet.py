"""GoogLeNet (Szegedy et al. 2014, "Going deeper with convolutions", table 1) as Caffe's ``bvlc_googlenet`` has it.

``googlenet``
    The main path alone, 6,998,552 parameters: what is deployed, and what most published counts mean.
``googlenet-aux``
    With the two auxiliary classifiers that training adds after inception 4a and 4d, 13,378,280 parameters: their fully
    connected layers nearly double what must be communicated and add half a per cent of arithmetic.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network

__all__ = ["googlenet", "googlenet_aux"]

#: Filters of each module: 1×1; reduction and 3×3; reduction and 5×5; after pooling.
_INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet() -> Network:
    """The main path alone."""
    return _googlenet("googlenet", "GoogLeNet, no auxiliary heads", heads=())


def googlenet_aux() -> Network:
    """With both auxiliary classifiers."""
    return _googlenet("googlenet-aux", "GoogLeNet, training, two auxiliary heads", heads=("4a", "4d"))


def _googlenet(name: str, title: str, heads: tuple[str, ...]) -> Network:
    net = NetworkBuilder(
        name,
        title=title,
        input_shape=(3, 224, 224),
        source="Szegedy et al. 2014, table 1; Caffe, models/bvlc_googlenet/train_val.prototxt",
        ceil_pooling=True,
    )
    _convolution(net, "conv1/7x7", filters=64, kernel=7, stride=2, pad=3)
    net.pool("pool1", operation="max", kernel=3, stride=2)
    net.lrn("norm1", size=5)
    _convolution(net, "conv2/3x3_reduce", filters=64, kernel=1)
    _convolution(net, "conv2/3x3", filters=192, kernel=3, pad=1)
    net.lrn("norm2", size=5)
    top = net.pool("pool2", operation="max", kernel=3, stride=2)
    for module, filters in _INCEPTION.items():
        top = _inception(net, f"inception_{module}", top, filters)
        if module in heads:
            _auxiliary_head(net, f"loss{heads.index(module) + 1}", top)
        if module in ("3b", "4e"):
            top = net.pool(f"pool{module[0]}", operation="max", kernel=3, stride=2, after=top)
    net.global_pool("pool5", after=top)
    net.dropout("drop5", ratio=0.4)
    net.fully_connected("classifier", outputs=1000)
    net.softmax_loss("loss")
    return net.build()


def _convolution(
    net: NetworkBuilder,
    name: str,
    *,
    filters: int,
    kernel: int,
    stride: int = 1,
    pad: int = 0,
    after: str | None = None,
) -> str:
    net.convolution(name, filters=filters, kernel=kernel, stride=stride, pad=pad, after=after)
    return net.relu(f"{name}/relu")


def _inception(net: NetworkBuilder, name: str, bottom: str, filters: tuple[int, ...]) -> str:
    one, three_reduce, three, five_reduce, five, pooled = filters
    branches = [_convolution(net, f"{name}/1x1", filters=one, kernel=1, after=bottom)]
    _convolution(net, f"{name}/3x3_reduce", filters=three_reduce, kernel=1, after=bottom)
    branches.append(_convolution(net, f"{name}/3x3", filters=three, kernel=3, pad=1))
    _convolution(net, f"{name}/5x5_reduce", filters=five_reduce, kernel=1, after=bottom)
    branches.append(_convolution(net, f"{name}/5x5", filters=five, kernel=5, pad=2))
    net.pool(f"{name}/pool", operation="max", kernel=3, stride=1, pad=1, after=bottom)
    branches.append(_convolution(net, f"{name}/pool_proj", filters=pooled, kernel=1))
    return net.concat(f"{name}/output", inputs=tuple(branches))


def _auxiliary_head(net: NetworkBuilder, name: str, bottom: str) -> None:
    net.pool(f"{name}/pool", operation="average", kernel=5, stride=3, after=bottom)
    _convolution(net, f"{name}/conv", filters=128, kernel=1)
    net.fully_connected(f"{name}/fc", outputs=1024)
    net.relu(f"{name}/relu_fc")
    net.dropout(f"{name}/drop", ratio=0.7)
    net.fully_connected(f"{name}/classifier", outputs=1000)
    net.softmax_loss(f"{name}/loss", weight=0.3)
