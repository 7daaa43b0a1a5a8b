"""What a learner is to the cost models: its layers as a network, its samples as a data set.

With ``workload.network = "learner"`` the time that is counted is that of the very network that learns. This is what a
real run on this machine does, so recorded and simulated runs move the same bytes and do the same arithmetic.
"""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any

from simulator.errors import InputError
from simulator.learning.convolution import Convolution, MaxPool
from simulator.learning.data import LearningData
from simulator.learning.feed_forward import FeedForward
from simulator.learning.layers import ChannelsLast, Dense, Relu
from simulator.learning.learner import Learner
from simulator.workload.builder import NetworkBuilder
from simulator.workload.datasets import Dataset
from simulator.workload.network import Network

__all__ = ["workload_dataset", "workload_network"]

_ELEMENT_SIZE = 8  #: learners compute, and keep their samples, in float64


def workload_dataset(data: LearningData) -> Dataset:
    """The samples a learner learns from, as large as they are in its memory."""
    return Dataset(
        name=data.name,
        title=data.name,
        samples=len(data.train_labels),
        test_samples=len(data.test_labels),
        sample_shape=data.shape,
        classes=data.classes,
        element_size=_ELEMENT_SIZE,
        source=data.source,
    )


def workload_network(learner: Learner, data: LearningData) -> Network:
    """The layers of a learner with their shapes.

    A network of the built-in kinds of layers is described layer by layer. Of a PyTorch module only the layers that have
    parameters are, each by the matrix product it comes down to (see `simulator.learning.torch_module`).

    Raises
    ------
    InputError
        If the learner is of a kind that does not say what its layers are.
    """
    net = NetworkBuilder(learner.name, input_shape=data.shape, title=learner.name, source="the learner itself")
    if isinstance(learner, FeedForward):
        for index, layer in enumerate(learner.layers):
            _describe(layer, net, f"layer{index}")
        net.softmax_loss("loss")
    elif hasattr(learner, "products"):
        for name, parameters, rows, columns, positions in learner.products(data):
            net.totals(name, parameters=parameters, rows=rows, columns=columns, positions=positions)
    else:
        raise InputError(
            f"{learner.name}: expected a built-in network or a PyTorch module, which say what they consist of"
        )
    network = net.build()
    assert tuple(count for _, count in network.parameter_layout()) == learner.layout, "description and weights differ"
    return network


@singledispatch
def _describe(layer: Any, net: NetworkBuilder, name: str) -> None:
    """Add what a layer computes to the network."""
    raise InputError(f"{type(layer).__name__}: not a layer that the cost models know")


@_describe.register
def _(layer: Convolution, net: NetworkBuilder, name: str) -> None:
    net.convolution(name, filters=layer.filters, kernel=layer.kernel, pad=layer.padding)


@_describe.register
def _(layer: MaxPool, net: NetworkBuilder, name: str) -> None:
    net.pool(name, operation="max", kernel=2, stride=2, ceil=False)


@_describe.register
def _(layer: Relu, net: NetworkBuilder, name: str) -> None:
    net.relu(name)


@_describe.register
def _(layer: Dense, net: NetworkBuilder, name: str) -> None:
    if math.prod(net.shape()) != layer.inputs:
        raise InputError(f"{net.name}: {name}: expected {layer.inputs} inputs, got {math.prod(net.shape())}")
    net.fully_connected(name, outputs=layer.outputs)


@_describe.register
def _(layer: ChannelsLast, net: NetworkBuilder, name: str) -> None:
    """Only the order of numbers in memory."""
