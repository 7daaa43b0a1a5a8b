"""The small network Caffe ships for CIFAR-10: 145,578 parameters.

After ``examples/cifar10/cifar10_quick_train_test.prototxt``, itself after cuda-convnet (Krizhevsky). Note the order of
the first block: pooling before the ReLU.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network

__all__ = ["cifar10_quick"]


def cifar10_quick() -> Network:
    """CIFAR-10 quick for 3 × 32 × 32."""
    net = NetworkBuilder(
        "cifar10-quick",
        title="CIFAR-10 quick (Caffe)",
        input_shape=(3, 32, 32),
        source="Caffe, examples/cifar10/cifar10_quick_train_test.prototxt",
        ceil_pooling=True,
    )
    net.convolution("conv1", filters=32, kernel=5, pad=2)
    net.pool("pool1", operation="max", kernel=3, stride=2)
    net.relu("relu1")
    net.convolution("conv2", filters=32, kernel=5, pad=2)
    net.relu("relu2")
    net.pool("pool2", operation="average", kernel=3, stride=2)
    net.convolution("conv3", filters=64, kernel=5, pad=2)
    net.relu("relu3")
    net.pool("pool3", operation="average", kernel=3, stride=2)
    net.fully_connected("ip1", outputs=64)
    net.fully_connected("ip2", outputs=10)
    net.softmax_loss("loss")
    return net.build()
