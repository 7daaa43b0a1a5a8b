"""Latin hypercubes: points spread evenly over several axes at once (McKay, Beckman and Conover 1979).

Of N points, each axis has one in every Nth of its range, or of its list of values. So 200 points tell as much about
each axis alone as 200 values of it would, whatever the number of axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.errors import InputError
from simulator.planning.axis import Axis, Point, check_axes

__all__ = ["latin_hypercube"]


def latin_hypercube(axes: Sequence[Axis], samples: int, seed: int = 0) -> list[Point]:
    """Points of a Latin hypercube; the same for the same seed.

    Parameters
    ----------
    axes : sequence of Axis
        Numbers between two (`Between`), or lists, of which each value is drawn equally often, give or take one.
    samples : int
        Points, >= 1. Where axes have few values, some may be equal.

    Raises
    ------
    InputError
        If there is no axis, one is there twice, or `samples` is not positive.
    """
    check_axes(axes)
    if samples < 1 or not axes:
        raise InputError("--sample: expected a positive number of points and at least one --vary")
    from scipy.stats import qmc

    draws = qmc.LatinHypercube(len(axes), seed=np.random.default_rng(seed)).random(samples)
    return [{axis.key: _value(axis, float(draw)) for axis, draw in zip(axes, row, strict=True)} for row in draws]


def _value(axis: Axis, quantile: float) -> object:
    if axis.between is not None:
        return axis.between.at(quantile)
    return axis.values[min(int(quantile * len(axis.values)), len(axis.values) - 1)]
