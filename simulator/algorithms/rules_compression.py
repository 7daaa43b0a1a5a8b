"""Compressing gradients with error feedback: pure functions, as in `simulator.algorithms.rules`.

Encoders take a worker's residual e first, what earlier steps held back, and give what is held back now: with feedback,
sent + e' = g + e, so that nothing is lost but late (Seide et al. 2014; Karimireddy et al. 2019).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.algorithms.rules import Settings, Weights, writes

__all__ = [
    "dequantise",
    "factor_elements",
    "keep_largest",
    "kept",
    "left_factor",
    "low_rank_gradient",
    "quantise",
    "right_factor",
    "scales",
    "scatter",
    "start_right",
]

#: Largest code of an 8-bit number with a sign; the codes are symmetric.
_LARGEST_CODE = 127


# Top-k ----------------------------------------------------------------------------------------------------------------


def kept(elements: int, fraction: float) -> int:
    """How many of `elements` numbers are sent: at least one, where there is one."""
    return min(elements, max(1, math.ceil(elements * fraction)))


@writes(1)
def keep_largest(
    residual: Weights, gradient: Weights, *, settings: Settings, fraction: float, feedback: bool = True
) -> tuple[Weights, Weights]:
    """The numbers of g + e that are largest in magnitude, and behind them their places; the rest is held back."""
    wanted = residual + gradient
    count = kept(len(wanted), fraction)
    places = np.sort(np.argpartition(-np.abs(wanted), count - 1)[:count])
    message = np.concatenate([wanted[places], places.astype(wanted.dtype)])
    wanted[places] = 0.0
    return wanted if feedback else np.zeros_like(wanted), message


def scatter(gathered: Weights, *, settings: Settings, workers: int, numbers: int) -> Weights:
    """The sum, shape ``(numbers,)``, of what `workers` workers kept."""
    total = np.zeros(numbers, gathered.dtype)
    for message in gathered.reshape(workers, -1):
        values, places = np.split(message, 2)
        total[places.astype(np.intp)] += values
    return total


# 8 bits ---------------------------------------------------------------------------------------------------------------


def scales(elements: int, block: int) -> int:
    """How many blocks, each with a scale of its own, `elements` numbers make."""
    return -(-elements // block)


@writes(1)
def quantise(
    residual: Weights, gradient: Weights, *, settings: Settings, block: int, feedback: bool = True
) -> tuple[Weights, NDArray[np.uint8]]:
    """g + e in steps of a 127th of the largest number of each block, rounded to the nearest.

    Gives what is held back, and the bytes of the message: a signed code for each number, then the step of each block
    in single precision.
    """
    wanted = residual + gradient
    padded = np.zeros(scales(len(wanted), block) * block, wanted.dtype)
    padded[: len(wanted)] = wanted
    rows = padded.reshape(-1, block)
    largest = float(np.finfo(np.float32).max)
    steps = np.clip(np.max(np.abs(rows), axis=1) / _LARGEST_CODE, 0.0, largest).astype(np.float32)
    quanta = steps.astype(wanted.dtype)[:, None]
    # Rounding a step to single precision may put the largest number of its block just beyond the last code.
    codes = np.clip(np.rint(rows / np.where(quanta > 0, quanta, 1.0)), -_LARGEST_CODE, _LARGEST_CODE)
    sent = (codes * quanta).reshape(-1)[: len(wanted)]
    # A gradient that is no number has no code either; its message says so by its step.
    message = np.nan_to_num(codes).astype(np.int8).reshape(-1)[: len(wanted)]
    packed = np.concatenate([message.view(np.uint8), steps.view(np.uint8)])
    return wanted - sent if feedback else np.zeros_like(wanted), packed


def dequantise(gathered: NDArray[np.uint8], *, settings: Settings, workers: int, numbers: int, block: int) -> Weights:
    """The sum, shape ``(numbers,)`` in double precision, of what `workers` workers sent."""
    messages = gathered.reshape(workers, -1)
    codes = messages[:, :numbers].view(np.int8)
    steps = np.ascontiguousarray(messages[:, numbers:]).view(np.float32).astype(np.float64)
    total: Weights = np.sum(codes * np.repeat(steps, block, axis=1)[:, :numbers], axis=0)
    return total


# Low rank -------------------------------------------------------------------------------------------------------------


def _shape(elements: int, rank: int) -> tuple[int, int, int]:
    """Rows, columns and rank of the matrix that stands for a layer: as square as can be, filled up with zeros."""
    rows = math.isqrt(elements - 1) + 1 if elements else 0
    columns = -(-elements // rows) if rows else 0
    return rows, columns, min(rank, rows, columns)


def factor_elements(layout: tuple[int, ...], rank: int) -> tuple[int, int]:
    """Elements of the left and of the right factors of all layers."""
    shapes = [_shape(elements, rank) for elements in layout]
    return sum(rows * inner for rows, _, inner in shapes), sum(columns * inner for _, columns, inner in shapes)


def _pieces(numbers: int, layout: tuple[int, ...]) -> list[tuple[int, int]]:
    """[first, last) of the numbers that stand for each layer; they may be fewer than the layout's elements."""
    ends = np.cumsum((0, *layout))
    edges = [int(end) * numbers // int(ends[-1]) for end in ends]
    return list(itertools.pairwise(edges))


def _matrices(value: Weights, layout: tuple[int, ...], rank: int) -> Iterator[tuple[tuple[int, int], Weights, int]]:
    """For each layer: its place among the numbers, its matrix, and the rank of its factors."""
    for first, last in _pieces(len(value), layout):
        rows, columns, inner = _shape(last - first, rank)
        matrix = np.zeros(rows * columns, value.dtype)
        matrix[: last - first] = value[first:last]
        yield (first, last), matrix.reshape(rows, columns), inner


class _Factors:
    """Factors of one side, one behind the other, taken off one by one."""

    def __init__(self, value: Weights) -> None:
        self._rest = value

    def take(self, rows: int, inner: int) -> Weights:
        """The next, shape ``(rows, inner)``."""
        taken, self._rest = self._rest[: rows * inner], self._rest[rows * inner :]
        return taken.reshape(rows, inner)


def _orthonormal(matrix: Weights) -> Weights:
    result: Weights = np.linalg.qr(matrix)[0] if matrix.size else matrix
    return result


def start_right(numbers: int, layout: tuple[int, ...], rank: int, generator: np.random.Generator) -> Weights:
    """Random right factors Q to begin with; equal on all workers."""
    sizes = [_shape(last - first, rank) for first, last in _pieces(numbers, layout)]
    return generator.standard_normal(sum(columns * inner for _, columns, inner in sizes))


@writes(1)
def left_factor(
    residual: Weights, gradient: Weights, right: Weights, *, settings: Settings, layout: tuple[int, ...], rank: int
) -> tuple[Weights, Weights]:
    """M = g + e in place of e, and P = M Q for each layer (Vogels, Karimireddy, Jaggi 2019, algorithm 1)."""
    wanted, factors, made = residual + gradient, _Factors(right), []
    for _, matrix, inner in _matrices(wanted, layout, rank):
        made.append((matrix @ factors.take(matrix.shape[1], inner)).reshape(-1))
    return wanted, np.concatenate(made)


def right_factor(wanted: Weights, left: Weights, *, settings: Settings, layout: tuple[int, ...], rank: int) -> Weights:
    """Q = Mᵀ P̂ for each layer, P̂ an orthonormal basis of the columns of the workers' summed P."""
    factors, made = _Factors(left), []
    for _, matrix, inner in _matrices(wanted, layout, rank):
        basis = _orthonormal(factors.take(matrix.shape[0], inner))
        made.append((matrix.T @ basis).reshape(-1))
    return np.concatenate(made)


@writes(1)
def low_rank_gradient(
    wanted: Weights,
    left: Weights,
    right_sum: Weights,
    *,
    settings: Settings,
    layout: tuple[int, ...],
    rank: int,
    contributions: int,
    feedback: bool = True,
) -> tuple[Weights, Weights]:
    """The sum P̂ (Σ Q)ᵀ of the workers' compressed gradients; held back is e = M less its mean."""
    lefts, rights, total = _Factors(left), _Factors(right_sum), np.empty_like(wanted)
    for (first, last), matrix, inner in _matrices(wanted, layout, rank):
        rows, columns = matrix.shape
        product = _orthonormal(lefts.take(rows, inner)) @ rights.take(columns, inner).T
        total[first:last] = product.reshape(-1)[: last - first]
    return wanted - total / contributions if feedback else np.zeros_like(wanted), total
