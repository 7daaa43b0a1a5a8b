"""VGG (Simonyan and Zisserman 2014): stages of 3 × 3 convolutions, then three fully connected layers.

Configurations D (16 layers with weights, 138,357,544 parameters) and E (19 layers, 143,667,240). Nine tenths of the
parameters sit in the fully connected layers, nearly all the multiply-adds in the convolutions.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network

__all__ = ["vgg_16", "vgg_19"]

_FILTERS = (64, 128, 256, 512, 512)


def vgg_16() -> Network:
    """Configuration D."""
    return _vgg("vgg-16", convolutions=(2, 2, 3, 3, 3))


def vgg_19() -> Network:
    """Configuration E."""
    return _vgg("vgg-19", convolutions=(2, 2, 4, 4, 4))


def _vgg(name: str, convolutions: tuple[int, ...]) -> Network:
    net = NetworkBuilder(
        name,
        title=name.upper(),
        input_shape=(3, 224, 224),
        source="Simonyan and Zisserman 2014, Very deep convolutional networks for large-scale recognition, table 1",
    )
    for stage, (filters, depth) in enumerate(zip(_FILTERS, convolutions, strict=True), start=1):
        for index in range(1, depth + 1):
            net.convolution(f"conv{stage}_{index}", filters=filters, kernel=3, pad=1)
            net.relu(f"relu{stage}_{index}")
        net.pool(f"pool{stage}", operation="max", kernel=2, stride=2)
    for index in (6, 7):
        net.fully_connected(f"fc{index}", outputs=4096)
        net.relu(f"relu{index}")
        net.dropout(f"drop{index}")
    net.fully_connected("fc8", outputs=1000)
    net.softmax_loss("loss")
    return net.build()
