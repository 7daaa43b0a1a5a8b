"""Named random streams: one for each rank and purpose, so that adding a rank does not disturb the others."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np

__all__ = ["always_one", "jitter", "stragglers", "stream"]


def stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """The generator for `purpose` of the rank `index`; the same for the same three arguments, whatever else exists.

    Examples
    --------
    >>> stream(1, "jitter", 3).random() == stream(1, "jitter", 3).random()
    True
    >>> stream(1, "jitter", 3).random() == stream(1, "jitter", 4).random()
    False
    """
    key = (zlib.crc32(purpose.encode()), index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def jitter(generator: Callable[[], np.random.Generator], variation: float) -> Callable[[], float]:
    """A source of factors on compute times: log-normal with mean 1 and coefficient of variation `variation`.

    Log-normal because step times cannot be negative and their upper tail is the longer one. With no variation
    the factor is exactly 1, and `generator` is not even asked for what would draw it.
    """
    if variation == 0.0:
        return always_one
    variance = math.log1p(variation * variation)
    mean, deviation = -variance / 2.0, math.sqrt(variance)
    lognormal = generator().lognormal
    return lambda: float(lognormal(mean, deviation))


def stragglers(generator: Callable[[], np.random.Generator], probability: float, factor: float) -> Callable[[], float]:
    """A source of factors on compute times: `factor` with `probability`, else 1. Without any, nothing is drawn."""
    if probability == 0.0:
        return always_one
    random = generator().random
    return lambda: factor if random() < probability else 1.0


def always_one() -> float:
    """The factor on the times of a rank that nothing delays."""
    return 1.0
