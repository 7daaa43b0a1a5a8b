"""Matrix products of fully connected layers, timed on the learners' own layer.

A layer makes three products of its batch, each with other sides transposed; which is which is said in
`simulator.workload.layers.products`. Of a batch of one, the gradient of the weights is left out: NumPy then multiplies
column by row in a loop of its own, several times slower than for a batch of two, and a model in which more work never
takes less time cannot say so. As for convolutions (`simulator.probe.convolutions`), the time of the biases is taken
off, and that of the data's gradient is what both gradients take less what that of the weights takes alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.cost.elementwise import StreamTable
from simulator.learning.layers import Dense
from simulator.probe.passes import ELEMENT_SIZE, layer_passes, less_other_kernels
from simulator.probe.timing import Measured
from simulator.workload.kernels import Gemm
from simulator.workload.layers.base import bias_backward, bias_forward

__all__ = ["DenseCase", "TimedGemm", "largest_product", "products", "smallest_product", "timed_products"]

_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
_SIDES = (
    (64, 10),
    (512, 10),
    (32, 32),
    (64, 64),
    (128, 128),
    (256, 64),
    (784, 64),
    (784, 256),
    (800, 500),
    (3072, 128),
)
_QUICK_BATCHES = (1, 4, 16, 64)
_QUICK_SIDES = ((64, 64), (784, 64), (784, 256), (64, 10), (800, 500))


@dataclass(frozen=True)
class TimedGemm:
    """A product and how long it took [s]."""

    kernel: Gemm
    seconds: float


@dataclass(frozen=True)
class DenseCase:
    """What is timed: a layer on a batch, forwards, or backwards with or without the gradient of the data."""

    batch: int
    inputs: int
    outputs: int
    part: str


def products(quick: bool) -> dict[DenseCase, Callable[[], object]]:
    """Work to time: layers from so many inputs to so many outputs, at several batch sizes."""
    generator = np.random.default_rng(0)
    works: dict[DenseCase, Callable[[], object]] = {}
    sides, batches = (_QUICK_SIDES, _QUICK_BATCHES) if quick else (_SIDES, _BATCHES)
    for (inputs, outputs), batch in itertools.product(sides, batches):
        layer = Dense(inputs, outputs)
        for part, work in layer_passes(layer, generator.random((batch, inputs)), generator).items():
            works[DenseCase(batch, inputs, outputs, part)] = work
    return works


def timed_products(found: Mapping[DenseCase, Measured], tables: Mapping[str, StreamTable]) -> list[TimedGemm]:
    """The products by themselves, from what was timed and the tables of the kernels of the biases."""
    rows = []
    for case, measured in found.items():
        values, seconds = case.batch * case.outputs, measured.value
        if case.part == "forward":
            kernel = Gemm(case.outputs, case.batch, case.inputs, transpose_a=True)
            less = tables["bias"].time(bias_forward(values, case.outputs).bytes_moved(ELEMENT_SIZE))
        elif case.part == "weights":
            kernel = Gemm(case.inputs, case.outputs, case.batch, transpose_b=True)
            less = tables["bias_gradient"].time(bias_backward(values, case.outputs).bytes_moved(ELEMENT_SIZE))
        else:
            kernel = Gemm(case.inputs, case.batch, case.outputs)
            less = found[DenseCase(case.batch, case.inputs, case.outputs, "weights")].value
        if case.part != "weights" or case.batch > 1:
            rows.append(TimedGemm(kernel, less_other_kernels(seconds, less)))
    return rows


def largest_product(dtype: type[Any], side: int) -> tuple[float, Callable[[], object]]:
    """Operations of a product of square matrices, and the product: it runs at the peak, or near it."""
    square = np.random.default_rng(0).random((side, side)).astype(dtype)
    return 2.0 * side**3, lambda: square @ square


def smallest_product() -> Callable[[], object]:
    """A product of single numbers: what it takes is what every call takes."""
    one = np.ones((1, 1))
    return lambda: one @ one
