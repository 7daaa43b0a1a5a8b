"""Shapes of the values that flow between layers, for one sample, and how windows change them.

A shape leaves the batch out: ``(channels, height, width)`` for images, ``(features,)`` for vectors,
``(tokens, features)`` for sequences.
"""

from __future__ import annotations

import math

__all__ = ["Extent", "Shape", "elements", "pair", "window_positions"]

Shape = tuple[int, ...]

#: One number for both directions, or (vertical, horizontal).
Extent = int | tuple[int, int]


def elements(shape: Shape) -> int:
    """How many numbers a value of that shape holds.

    Examples
    --------
    >>> elements((3, 32, 32))
    3072
    """
    return math.prod(shape)


def pair(extent: Extent) -> tuple[int, int]:
    """(vertical, horizontal).

    Examples
    --------
    >>> pair(3), pair((1, 7))
    ((3, 3), (1, 7))
    """
    return (extent, extent) if isinstance(extent, int) else extent


def window_positions(size: int, window: int, stride: int, pad: int, ceil: bool = False) -> int:
    """How many places a sliding window takes along one direction; below 1 when it does not fit.

    Rounded down as convolutions everywhere and pooling in torchvision do, or up (``ceil``) as pooling in Caffe does.
    Rounding up needs ``pad < window``; a window that would start beyond the input and its leading padding is dropped,
    as both programs do.

    Examples
    --------
    >>> window_positions(112, window=3, stride=2, pad=0), window_positions(112, window=3, stride=2, pad=0, ceil=True)
    (55, 56)
    """
    span = size + 2 * pad - window
    if span < 0:
        return 0
    positions = (-(-span // stride) if ceil else span // stride) + 1
    if ceil and (positions - 1) * stride >= size + pad:
        positions -= 1
    return positions
