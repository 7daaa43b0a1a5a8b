"""Copies of the weights while they learn, to be evaluated when the run is over and nobody's time counts any more."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.algorithms.rank import Rank

__all__ = ["Snapshots"]


class Snapshots:
    """Copies that the ranks of one process have taken.

    Parameters
    ----------
    every : int
        Steps from one to the next.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._taken: dict[str, NDArray[np.float64]] = {}

    def take(self, rank: Rank, array: str, step: int) -> None:
        """Copy the weights as they are after `step` steps of a rank, if that is due."""
        if step % self._every == 0 and array in rank.arrays:
            key = f"{rank.index}:{step}:{time.perf_counter()!r}"
            self._taken[key] = rank.arrays[array].value.copy()

    def save(self, path: Path) -> None:
        """Write all of them, each under "rank:step:time"."""
        np.savez(path, **self._taken)  # type: ignore[arg-type]
