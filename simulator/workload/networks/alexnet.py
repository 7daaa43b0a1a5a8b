"""AlexNet (Krizhevsky, Sutskever and Hinton 2012) in the two forms that matter here.

``alexnet``
    One tower: no convolution is split over two groups. 62,378,344 parameters, 249.5 MB in single precision: this is the
    network whose weights the paper this project starts from gives as 249 MB.
``alexnet-grouped``
    conv2, conv4 and conv5 in two groups, as trained on two GPUs in 2012 and as Caffe's ``bvlc_alexnet`` keeps them:
    60,965,224 parameters, 243.9 MB. Half the multiply-adds in those three layers.

Both take 227 × 227 crops. The paper trains AlexNet on CIFAR-10 and still has 249 MB of weights, which only this
input size gives (fc6 alone reads 9,216 numbers); so its 32 × 32 images must have been enlarged before conv1.
"""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network

__all__ = ["alexnet", "alexnet_grouped"]


def alexnet() -> Network:
    """One tower, 62,378,344 parameters."""
    net = NetworkBuilder(
        "alexnet",
        title="AlexNet, one tower",
        input_shape=(3, 227, 227),
        source="Krizhevsky et al. 2012 without groups; 249 MB as in You, Buluç and Demmel, SC'17",
        ceil_pooling=True,
    )
    return _layers(net, groups=1)


def alexnet_grouped() -> Network:
    """Two groups, 60,965,224 parameters."""
    net = NetworkBuilder(
        "alexnet-grouped",
        title="AlexNet, two groups (Caffe)",
        input_shape=(3, 227, 227),
        source="Caffe, models/bvlc_alexnet/train_val.prototxt",
        ceil_pooling=True,
    )
    return _layers(net, groups=2)


def _layers(net: NetworkBuilder, groups: int) -> Network:
    net.convolution("conv1", filters=96, kernel=11, stride=4)
    net.relu("relu1")
    net.lrn("norm1", size=5)
    net.pool("pool1", operation="max", kernel=3, stride=2)
    net.convolution("conv2", filters=256, kernel=5, pad=2, groups=groups)
    net.relu("relu2")
    net.lrn("norm2", size=5)
    net.pool("pool2", operation="max", kernel=3, stride=2)
    net.convolution("conv3", filters=384, kernel=3, pad=1)
    net.relu("relu3")
    net.convolution("conv4", filters=384, kernel=3, pad=1, groups=groups)
    net.relu("relu4")
    net.convolution("conv5", filters=256, kernel=3, pad=1, groups=groups)
    net.relu("relu5")
    net.pool("pool5", operation="max", kernel=3, stride=2)
    net.fully_connected("fc6", outputs=4096)
    net.relu("relu6")
    net.dropout("drop6")
    net.fully_connected("fc7", outputs=4096)
    net.relu("relu7")
    net.dropout("drop7")
    net.fully_connected("fc8", outputs=1000)
    net.softmax_loss("loss")
    return net.build()
