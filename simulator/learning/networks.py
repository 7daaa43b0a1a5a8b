"""The built-in networks: softmax regression, multi-layer perceptron, and a convolutional net after LeNet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.errors import InputError
from simulator.learning.convolution import Convolution, MaxPool
from simulator.learning.feed_forward import FeedForward
from simulator.learning.layers import ChannelsLast, Dense, Layer, Relu

__all__ = ["lenet", "mlp", "softmax"]

Shape = tuple[int, int, int]
_LARGE = 16  #: from this height and width on, 5 × 5 filters without padding fit twice


def softmax(shape: Shape, classes: int) -> FeedForward:
    """Softmax (multinomial logistic) regression on the flattened sample; its loss is convex."""
    return FeedForward("softmax", shape, (Dense(math.prod(shape), classes),))


def mlp(shape: Shape, classes: int, *, hidden: Sequence[int] = (64,)) -> FeedForward:
    """Fully connected layers of `hidden` units with ReLU in between.

    Raises
    ------
    InputError
        If `hidden` is not a list of whole numbers of at least 1.
    """
    layers: list[Layer] = []
    width = math.prod(shape)
    for units in _counts("mlp", "hidden", hidden):
        layers += [Dense(width, units, gain=2.0), Relu()]
        width = units
    return FeedForward("mlp", shape, (*layers, Dense(width, classes)))


def lenet(
    shape: Shape, classes: int, *, filters: Sequence[int] | None = None, hidden: int | None = None
) -> FeedForward:
    """Convolution, pooling, convolution, pooling, two fully connected layers, after LeNet (LeCun et al. 1998).

    As in Caffe's LeNet, pooling takes the maximum and the hidden layer has ReLU; here ReLU also follows each pooling.
    From 16 × 16 pixels on: 5 × 5 filters, 20 and 50 of them, 500 hidden units, which is 431,080 weights on 28 × 28
    pixels with 10 classes. Below: 3 × 3 filters padded to keep the size, 8 and 16 of them, 64 hidden units.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width, at least 4 × 4.
    classes : int
        Outputs.
    filters : sequence of int, optional
        Filters of the two convolutions.
    hidden : int, optional
        Units of the hidden layer.

    Raises
    ------
    InputError
        If the samples are too small, or an option is not of the stated kind.
    """
    channels, height, width = shape
    large = min(height, width) >= _LARGE
    if min(height, width) < 4:
        raise InputError(f"lenet: expected samples of at least 4 × 4 pixels, got {height} × {width}")
    chosen = filters if filters is not None else ((20, 50) if large else (8, 16))
    first, second = _counts("lenet", "filters", chosen, length=2)
    (units,) = _counts("lenet", "hidden", hidden if hidden is not None else (500 if large else 64), length=1)
    kernel, padding = (5, 0) if large else (3, 1)
    lost = kernel - 1 - 2 * padding
    rows, columns = ((((extent - lost) // 2) - lost) // 2 for extent in (height, width))
    return FeedForward(
        "lenet",
        shape,
        (
            ChannelsLast(),
            Convolution(channels, first, kernel, padding),
            MaxPool(),
            Relu(),  # after pooling: the same result as before it, for a quarter of the work
            Convolution(first, second, kernel, padding),
            MaxPool(),
            Relu(),
            Dense(rows * columns * second, units, gain=2.0),
            Relu(),
            Dense(units, classes),
        ),
    )


def _counts(learner: str, option: str, values: object, length: int | None = None) -> tuple[int, ...]:
    """Whole numbers of at least 1, `length` of them if it is given; one alone may do without a list."""
    listed = values if isinstance(values, Sequence) else [values]
    if any(type(value) is not int or value < 1 for value in listed):
        raise InputError(f"{learner}: {option}: expected whole numbers of at least 1, got {values!r}")
    if length not in (None, len(listed)):
        number = "one whole number" if length == 1 else f"{length} whole numbers"
        raise InputError(f"{learner}: {option}: expected {number}, got {values!r}")
    return tuple(listed)
