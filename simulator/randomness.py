"""Named random streams: one for each rank and purpose, so that adding a rank does not disturb the others."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np

__all__ = ["jitter", "stragglers", "stream"]


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


def jitter(generator: np.random.Generator, variation: float) -> Callable[[], float]:
    """A source of factors on compute times: log-normal with mean 1 and coefficient of variation `variation`.

    Log-normal because step times cannot be negative and their upper tail is the longer one. With no variation
    the factor is exactly 1 and nothing is drawn.
    """
    if variation == 0.0:
        return lambda: 1.0
    variance = math.log1p(variation * variation)
    mean, deviation = -variance / 2.0, math.sqrt(variance)

    def draw() -> float:
        return float(generator.lognormal(mean, deviation))

    return draw


def stragglers(generator: np.random.Generator, probability: float, factor: float) -> Callable[[], float]:
    """A source of factors on compute times: `factor` with `probability`, else 1. Without any, nothing is drawn."""
    if probability == 0.0:
        return lambda: 1.0
    return lambda: factor if generator.random() < probability else 1.0
