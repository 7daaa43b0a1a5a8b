"""LeNet as Caffe ships it for MNIST (``examples/mnist/lenet_train_test.prototxt``): 431,080 parameters.

ReLU, no padding, and wider than LeCun's LeNet-5 of 1998: 20 and 50 filters, 500 hidden units.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network

__all__ = ["lenet"]


def lenet() -> Network:
    """LeNet for 1 × 28 × 28."""
    net = NetworkBuilder(
        "lenet",
        title="LeNet (Caffe)",
        input_shape=(1, 28, 28),
        source="Caffe, examples/mnist/lenet_train_test.prototxt",
        ceil_pooling=True,
    )
    net.convolution("conv1", filters=20, kernel=5)
    net.pool("pool1", operation="max", kernel=2, stride=2)
    net.convolution("conv2", filters=50, kernel=5)
    net.pool("pool2", operation="max", kernel=2, stride=2)
    net.fully_connected("ip1", outputs=500)
    net.relu("relu1")
    net.fully_connected("ip2", outputs=10)
    net.softmax_loss("loss")
    return net.build()
