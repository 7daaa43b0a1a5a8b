"""Inception-v3 (Szegedy et al. 2015, "Rethinking the Inception architecture") as torchvision has it.

``inception-v3``
    The main path alone, 23,834,568 parameters. Counts that leave out the 34,432 scales and shifts of batch
    normalisation arrive at 23,800,136 (Intel's Caffe model).
``inception-v3-aux``
    With the auxiliary classifier that training adds after the 17 × 17 modules, 27,161,264 parameters.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network
from simulator.workload.networks.blocks import normalised_convolution
from simulator.workload.shapes import Extent

__all__ = ["inception_v3", "inception_v3_aux"]

#: One convolution of a branch: name, filters, kernel, stride, pad.
_Step = tuple[str, int, Extent, int, Extent]

_ROW: tuple[Extent, Extent] = ((1, 7), (0, 3))
_COLUMN: tuple[Extent, Extent] = ((7, 1), (3, 0))


def inception_v3() -> Network:
    """The main path alone."""
    return _inception_v3("inception-v3", "Inception-v3, no auxiliary head", head=False)


def inception_v3_aux() -> Network:
    """With the auxiliary classifier."""
    return _inception_v3("inception-v3-aux", "Inception-v3, training, auxiliary head", head=True)


def _inception_v3(name: str, title: str, head: bool) -> Network:
    net = NetworkBuilder(
        name,
        title=title,
        input_shape=(3, 299, 299),
        source="Szegedy et al. 2015, table 1; torchvision, models/inception.py",
    )
    _branch(net, "stem", "data", ("1a", 32, 3, 2, 0), ("2a", 32, 3, 1, 0), ("2b", 64, 3, 1, 1))
    top = net.pool("stem/pool1", operation="max", kernel=3, stride=2)
    _branch(net, "stem", top, ("3b", 80, 1, 1, 0), ("4a", 192, 3, 1, 0))
    top = net.pool("stem/pool2", operation="max", kernel=3, stride=2)
    for module, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        top = _module_35(net, f"mixed_{module}", top, pooled)
    top = _reduction_35(net, "mixed_6a", top)
    for module, narrow in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        top = _module_17(net, f"mixed_{module}", top, narrow)
    if head:
        _auxiliary_head(net, "aux", top)
    top = _reduction_17(net, "mixed_7a", top)
    for module in ("7b", "7c"):
        top = _module_8(net, f"mixed_{module}", top)
    net.global_pool("pool", after=top)
    net.dropout("dropout")
    net.fully_connected("fc", outputs=1000)
    net.softmax_loss("loss")
    return net.build()


def _branch(net: NetworkBuilder, module: str, bottom: str, *steps: _Step) -> str:
    """Convolutions one after another."""
    for name, filters, kernel, stride, pad in steps:
        bottom = normalised_convolution(
            net, f"{module}/{name}", filters=filters, kernel=kernel, stride=stride, pad=pad, after=bottom
        )
    return bottom


def _pooled(net: NetworkBuilder, module: str, bottom: str, filters: int) -> str:
    pool = net.pool(f"{module}/pool", operation="average", kernel=3, stride=1, pad=1, after=bottom)
    return _branch(net, module, pool, ("pool_proj", filters, 1, 1, 0))


def _module_35(net: NetworkBuilder, name: str, bottom: str, pooled: int) -> str:
    one = _branch(net, name, bottom, ("1x1", 64, 1, 1, 0))
    five = _branch(net, name, bottom, ("5x5_1", 48, 1, 1, 0), ("5x5_2", 64, 5, 1, 2))
    double = _branch(net, name, bottom, ("double_1", 64, 1, 1, 0), ("double_2", 96, 3, 1, 1), ("double_3", 96, 3, 1, 1))
    return net.concat(f"{name}/output", inputs=(one, five, double, _pooled(net, name, bottom, pooled)))


def _reduction_35(net: NetworkBuilder, name: str, bottom: str) -> str:
    three = _branch(net, name, bottom, ("3x3", 384, 3, 2, 0))
    double = _branch(net, name, bottom, ("double_1", 64, 1, 1, 0), ("double_2", 96, 3, 1, 1), ("double_3", 96, 3, 2, 0))
    pool = net.pool(f"{name}/pool", operation="max", kernel=3, stride=2, after=bottom)
    return net.concat(f"{name}/output", inputs=(three, double, pool))


def _module_17(net: NetworkBuilder, name: str, bottom: str, narrow: int) -> str:
    one = _branch(net, name, bottom, ("1x1", 192, 1, 1, 0))
    (row, row_pad), (column, column_pad) = _ROW, _COLUMN
    seven = _branch(
        net,
        name,
        bottom,
        ("7x7_1", narrow, 1, 1, 0),
        ("7x7_2", narrow, row, 1, row_pad),
        ("7x7_3", 192, column, 1, column_pad),
    )
    double = _branch(
        net,
        name,
        bottom,
        ("double_1", narrow, 1, 1, 0),
        ("double_2", narrow, column, 1, column_pad),
        ("double_3", narrow, row, 1, row_pad),
        ("double_4", narrow, column, 1, column_pad),
        ("double_5", 192, row, 1, row_pad),
    )
    return net.concat(f"{name}/output", inputs=(one, seven, double, _pooled(net, name, bottom, 192)))


def _reduction_17(net: NetworkBuilder, name: str, bottom: str) -> str:
    three = _branch(net, name, bottom, ("3x3_1", 192, 1, 1, 0), ("3x3_2", 320, 3, 2, 0))
    (row, row_pad), (column, column_pad) = _ROW, _COLUMN
    seven = _branch(
        net,
        name,
        bottom,
        ("7x7_1", 192, 1, 1, 0),
        ("7x7_2", 192, row, 1, row_pad),
        ("7x7_3", 192, column, 1, column_pad),
        ("7x7_4", 192, 3, 2, 0),
    )
    pool = net.pool(f"{name}/pool", operation="max", kernel=3, stride=2, after=bottom)
    return net.concat(f"{name}/output", inputs=(three, seven, pool))


def _module_8(net: NetworkBuilder, name: str, bottom: str) -> str:
    one = _branch(net, name, bottom, ("1x1", 320, 1, 1, 0))
    three = _split(net, f"{name}/3x3", _branch(net, name, bottom, ("3x3_1", 384, 1, 1, 0)))
    double = _branch(net, name, bottom, ("double_1", 448, 1, 1, 0), ("double_2", 384, 3, 1, 1))
    double = _split(net, f"{name}/double", double)
    return net.concat(f"{name}/output", inputs=(one, three, double, _pooled(net, name, bottom, 192)))


def _split(net: NetworkBuilder, name: str, bottom: str) -> str:
    """A 1 × 3 and a 3 × 1 convolution side by side."""
    row = _branch(net, name, bottom, ("row", 384, (1, 3), 1, (0, 1)))
    column = _branch(net, name, bottom, ("column", 384, (3, 1), 1, (1, 0)))
    return net.concat(f"{name}/output", inputs=(row, column))


def _auxiliary_head(net: NetworkBuilder, name: str, bottom: str) -> None:
    pool = net.pool(f"{name}/pool", operation="average", kernel=5, stride=3, after=bottom)
    _branch(net, name, pool, ("conv0", 128, 1, 1, 0), ("conv1", 768, 5, 1, 0))
    net.global_pool(f"{name}/global_pool")
    net.fully_connected(f"{name}/fc", outputs=1000)
    net.softmax_loss(f"{name}/loss", weight=0.3)
