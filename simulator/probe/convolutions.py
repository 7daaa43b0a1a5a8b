"""The three passes of a convolution, timed on the learners' own layer.

The layer adds biases forwards, and sums their gradient backwards; the cost models have kernels of their own for both,
so that time is taken off. Backwards, the layer gives both gradients at once: that of the data is what they take
together less what that of the weights takes alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from simulator.cost.elementwise import StreamTable
from simulator.learning.convolution import Convolution as ConvolutionLayer
from simulator.probe.passes import ELEMENT_SIZE, layer_passes, less_other_kernels
from simulator.probe.timing import Measured
from simulator.workload.kernels import Convolution, Pass
from simulator.workload.layers.base import bias_backward, bias_forward

__all__ = ["Case", "TimedConvolution", "convolutions", "passes"]

#: Channels, height, filters, side of a filter, padding.
_SHAPES = (
    (1, 28, 20, 5, 0),
    (20, 12, 50, 5, 0),
    (1, 8, 8, 3, 1),
    (8, 8, 16, 3, 1),
    (3, 32, 16, 5, 0),
    (16, 14, 32, 5, 0),
)
_BATCHES = (1, 4, 16, 32, 64)
_QUICK_SHAPES = ((1, 28, 20, 5, 0), (20, 12, 50, 5, 0), (1, 8, 8, 3, 1), (8, 8, 16, 3, 1))
_QUICK_BATCHES = (2, 8, 32)


@dataclass(frozen=True)
class TimedConvolution:
    """One pass of a convolution and how long it took [s]."""

    kernel: Convolution
    seconds: float


@dataclass(frozen=True)
class Case:
    """What is timed: a layer on a batch, either forwards, or backwards with or without the gradient of the data."""

    batch: int
    shape: tuple[int, int, int, int, int]
    part: str

    def kernel(self, direction: Pass) -> Convolution:
        """What the cost models call it."""
        channels, side, filters, kernel, padding = self.shape
        return Convolution(
            self.batch, channels, side, side, filters, kernel, kernel, padding, padding, direction=direction
        )


def convolutions(quick: bool) -> dict[Case, Callable[[], object]]:
    """Work to time."""
    generator = np.random.default_rng(0)
    works: dict[Case, Callable[[], object]] = {}
    shapes, batches = (_QUICK_SHAPES, _QUICK_BATCHES) if quick else (_SHAPES, _BATCHES)
    for shape, batch in itertools.product(shapes, batches):
        channels, side, filters, kernel, padding = shape
        layer = ConvolutionLayer(channels, filters, kernel, padding)
        for part, work in layer_passes(layer, generator.random((batch, side, side, channels)), generator).items():
            works[Case(batch, shape, part)] = work
    return works


def passes(found: Mapping[Case, Measured], tables: Mapping[str, StreamTable]) -> dict[Pass, list[TimedConvolution]]:
    """The passes by themselves, from what was timed and the tables of the kernels of the biases."""
    rows: dict[Pass, list[TimedConvolution]] = {direction: [] for direction in Pass}

    def add(direction: Pass, case: Case, seconds: float, less: float) -> None:
        rows[direction].append(TimedConvolution(case.kernel(direction), less_other_kernels(seconds, less)))

    for case, measured in found.items():
        forward = case.kernel(Pass.FORWARD)
        if case.part == "forward":
            bias = bias_forward(forward.output_elements, forward.filters)
            add(Pass.FORWARD, case, measured.value, tables["bias"].time(bias.bytes_moved(ELEMENT_SIZE)))
        elif case.part == "weights":
            bias = bias_backward(forward.output_elements, forward.filters)
            less = tables["bias_gradient"].time(bias.bytes_moved(ELEMENT_SIZE))
            add(Pass.BACKWARD_WEIGHTS, case, measured.value, less)
        else:
            alone = found[Case(case.batch, case.shape, "weights")].value
            add(Pass.BACKWARD_DATA, case, measured.value, alone)
    return rows
