"""Residual networks (He et al. 2015, "Deep residual learning for image recognition", table 1) as torchvision has them.

``resnet-18``, ``-34``: blocks of two 3 × 3 convolutions. ``resnet-50``, ``-101``, ``-152``: bottlenecks (1 × 1, 3 × 3,
1 × 1). Where a stage halves the image, the 3 × 3 convolution of the bottleneck has the stride: "v1.5", 4.09 G
multiply-adds for ResNet-50. ``resnet-50-v1`` has it in the first 1 × 1 convolution, as the paper and its Caffe models
do: the same 25,557,032 parameters (the Caffe file has 64 more, a bias in conv1), 3.86 G multiply-adds.

Parameters include scale and shift of batch normalisation, not its running averages.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network
from simulator.workload.networks.blocks import normalised_convolution

__all__ = ["resnet_18", "resnet_34", "resnet_50", "resnet_50_v1", "resnet_101", "resnet_152"]

_WIDTHS = (64, 128, 256, 512)


def resnet_18() -> Network:
    """Two basic blocks a stage."""
    return _resnet("resnet-18", "ResNet-18", blocks=(2, 2, 2, 2), bottleneck=False)


def resnet_34() -> Network:
    """Basic blocks."""
    return _resnet("resnet-34", "ResNet-34", blocks=(3, 4, 6, 3), bottleneck=False)


def resnet_50() -> Network:
    """Bottlenecks, v1.5."""
    return _resnet("resnet-50", "ResNet-50 v1.5", blocks=(3, 4, 6, 3))


def resnet_50_v1() -> Network:
    """Bottlenecks with the stride in the first 1 × 1 convolution."""
    return _resnet("resnet-50-v1", "ResNet-50 v1", blocks=(3, 4, 6, 3), stride_first=True)


def resnet_101() -> Network:
    """Bottlenecks, v1.5."""
    return _resnet("resnet-101", "ResNet-101 v1.5", blocks=(3, 4, 23, 3))


def resnet_152() -> Network:
    """Bottlenecks, v1.5."""
    return _resnet("resnet-152", "ResNet-152 v1.5", blocks=(3, 8, 36, 3))


def _resnet(
    name: str, title: str, blocks: tuple[int, ...], *, bottleneck: bool = True, stride_first: bool = False
) -> Network:
    net = NetworkBuilder(
        name,
        title=title,
        input_shape=(3, 224, 224),
        source="He et al. 2015, table 1; torchvision, models/resnet.py",
    )
    normalised_convolution(net, "conv1", filters=64, kernel=7, stride=2, pad=3)
    top = net.pool("pool1", operation="max", kernel=3, stride=2, pad=1)
    for stage, (width, depth) in enumerate(zip(_WIDTHS, blocks, strict=True), start=1):
        for index in range(depth):
            stride = 2 if stage > 1 and index == 0 else 1
            block = f"stage{stage}/block{index + 1}"
            if bottleneck:
                top = _bottleneck(net, block, top, width, stride, stride_first)
            else:
                top = _basic(net, block, top, width, stride)
    net.global_pool("pool5", after=top)
    net.fully_connected("fc", outputs=1000)
    net.softmax_loss("loss")
    return net.build()


def _basic(net: NetworkBuilder, name: str, bottom: str, width: int, stride: int) -> str:
    normalised_convolution(net, f"{name}/conv1", filters=width, kernel=3, stride=stride, pad=1, after=bottom)
    branch = normalised_convolution(net, f"{name}/conv2", filters=width, kernel=3, pad=1, relu=False)
    return _residual(net, name, bottom, branch, width, stride)


def _bottleneck(net: NetworkBuilder, name: str, bottom: str, width: int, stride: int, stride_first: bool) -> str:
    first, second = (stride, 1) if stride_first else (1, stride)
    normalised_convolution(net, f"{name}/conv1", filters=width, kernel=1, stride=first, after=bottom)
    normalised_convolution(net, f"{name}/conv2", filters=width, kernel=3, stride=second, pad=1)
    branch = normalised_convolution(net, f"{name}/conv3", filters=4 * width, kernel=1, relu=False)
    return _residual(net, name, bottom, branch, 4 * width, stride)


def _residual(net: NetworkBuilder, name: str, bottom: str, branch: str, channels: int, stride: int) -> str:
    """Add the block's input, projected where its shape differs."""
    if net.shape(bottom) != net.shape(branch):
        bottom = normalised_convolution(
            net, f"{name}/projection", filters=channels, kernel=1, stride=stride, relu=False, after=bottom
        )
    net.add(f"{name}/add", inputs=(branch, bottom))
    return net.relu(f"{name}/relu")
