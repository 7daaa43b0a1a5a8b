"""Matrix products of fully connected layers, by the learners' own library (NumPy) and in their own precision.

A layer makes three products of its batch, each with other sides transposed; which is which is said in
`simulator.workload.layers.products`. Of a batch of one, the gradient of the weights is left out: NumPy then multiplies
column by row in a loop of its own, several times slower than for a batch of two, and a model in which more work never
takes less time cannot say so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.workload.kernels import Gemm

__all__ = ["TimedGemm", "largest_product", "products", "smallest_product"]

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
_QUICK_SIDES = ((64, 64), (784, 64), (784, 256), (64, 10), (1024, 512))


@dataclass(frozen=True)
class TimedGemm:
    """A product and how long it took [s]."""

    kernel: Gemm
    seconds: float


def products(quick: bool) -> dict[Gemm, Callable[[], object]]:
    """Work to time: the three products of layers from `inputs` to `outputs` units, at several batch sizes."""
    generator = np.random.default_rng(0)
    shapes = itertools.product(
        _QUICK_BATCHES if quick else _BATCHES, ((i, o) for i, o in (_QUICK_SIDES if quick else _SIDES))
    )
    works: dict[Gemm, Callable[[], object]] = {}
    for batch, (inputs, outputs) in shapes:
        values, weights = generator.random((batch, inputs)), generator.random((inputs, outputs))
        upstream, gradient = generator.random((batch, outputs)), np.empty((inputs, outputs))
        works[Gemm(outputs, batch, inputs, transpose_a=True)] = _forward(values, weights)
        if batch > 1:
            works[Gemm(inputs, outputs, batch, transpose_b=True)] = _weights(values, upstream, gradient)
        works[Gemm(inputs, batch, outputs)] = _data(upstream, weights)
    return works


def _forward(values: Any, weights: Any) -> Callable[[], object]:
    return lambda: values @ weights


def _weights(values: Any, upstream: Any, gradient: Any) -> Callable[[], object]:
    return lambda: np.matmul(values.T, upstream, out=gradient)


def _data(upstream: Any, weights: Any) -> Callable[[], object]:
    return lambda: upstream @ weights.T


def largest_product(dtype: type[Any], side: int) -> tuple[float, Callable[[], object]]:
    """Operations of a product of square matrices, and the product: it runs at the peak, or near it."""
    square = np.random.default_rng(0).random((side, side)).astype(dtype)
    return 2.0 * side**3, lambda: square @ square


def smallest_product() -> Callable[[], object]:
    """A product of single numbers: what it takes is what every call takes."""
    one = np.ones((1, 1))
    return lambda: one @ one
