"""Making a fitted time table monotone: more work never takes less time.

A fitted time may dip where a library changes kernels. On a grid of shapes (powers of two), the running maximum along
every axis is the smallest non-decreasing table above it, the running minimum from the far end the largest one
below; any mean of the two is non-decreasing as well. Interpolating the logarithm of such a table linearly in the
logarithm of the shape keeps it non-decreasing and continuous.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["monotone"]

Array = NDArray[np.float64]


def monotone(table: Array, upper_share: float = 0.5, breaks: tuple[int, ...] = (), axis: int = 0) -> Array:
    """A table that does not decrease along any axis.

    Parameters
    ----------
    table : array, any shape
        Logarithms of times.
    upper_share : float
        Weight of the upper envelope, 0 to 1; the rest is the lower one.
    breaks : tuple of int
        Positions along `axis` where a new segment starts: the envelope is not carried from one segment to the next.

    Examples
    --------
    >>> monotone(np.array([0.0, 2.0, 1.0, 3.0]))
    array([0. , 1.5, 1.5, 3. ])
    """
    pieces = np.split(table, breaks, axis=axis)
    return np.concatenate([_monotone(piece, upper_share) for piece in pieces], axis=axis)


def _monotone(table: Array, upper_share: float) -> Array:
    upper = lower = table
    for axis in range(table.ndim):
        upper = np.maximum.accumulate(upper, axis=axis)
        lower = np.flip(np.minimum.accumulate(np.flip(lower, axis), axis=axis), axis)
    return upper_share * upper + (1.0 - upper_share) * lower
