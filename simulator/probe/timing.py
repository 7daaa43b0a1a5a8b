"""Timing many small pieces of work on a machine that others may be using.

All pieces take turns, round after round, so that a disturbance hits each of them at most in a few rounds. A sample
whose wall-clock time exceeds the processor time of its thread was disturbed: something else had the core meanwhile.
Such samples are left out as long as enough others remain. What is left is described by its median, and by the standard
error of the median, from the median absolute deviation as for normal noise (Huber, *Robust Statistics*, 1981, 5.1).
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Measured", "summary", "time_in_turn"]

Key = TypeVar("Key", bound=Hashable)

_SHORTEST_SAMPLE = 5e-4  #: work is repeated until a sample lasts this long [s]: caches are warm, as in training
_DISTURBED = 1.1  #: wall-clock over processor time
_ENOUGH = 3  #: undisturbed samples
_NORMAL = 1.4826  #: standard deviations in a median absolute deviation
_MEDIAN_ERROR = math.sqrt(math.pi / 2)  #: standard error of a median over that of a mean


@dataclass(frozen=True)
class Measured:
    """A measured number.

    Attributes
    ----------
    value, std : float
        Median, and its standard error.
    samples, disturbed : int
        Samples taken, and how many of them were disturbed.
    """

    value: float
    std: float
    samples: int = 1
    disturbed: int = 0

    def scaled(self, factor: float) -> Measured:
        """The same measurement in another unit."""
        return Measured(self.value * factor, self.std * factor, self.samples, self.disturbed)

    def inverse(self, amount: float) -> Measured:
        """`amount` over it: a rate from a time."""
        return Measured(amount / self.value, amount * self.std / self.value**2, self.samples, self.disturbed)


def summary(samples: Sequence[float], disturbed: int = 0) -> Measured:
    """Median of samples and its standard error.

    Examples
    --------
    >>> found = summary([1.0, 1.1, 0.9, 50.0, 1.0])
    >>> found.value, round(found.std, 3)
    (1.0, 0.083)
    """
    middle = statistics.median(samples)
    deviation = _NORMAL * statistics.median(abs(sample - middle) for sample in samples)
    return Measured(middle, _MEDIAN_ERROR * deviation / math.sqrt(len(samples)), len(samples) + disturbed, disturbed)


def time_in_turn(
    works: Mapping[Key, Callable[[], object]],
    rounds: int,
    time_limit: float = math.inf,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[Key, Measured]:
    """Seconds that each piece of work takes.

    Parameters
    ----------
    works : mapping
        What to time; called many times.
    rounds : int
        Samples of each.
    time_limit : float
        No round begins later than this [s]; there are always as many as it takes for a median of three.
    progress : callable
        Told the share of the rounds that is done.
    """
    begun = time.perf_counter()
    repeats = {key: _repeats(work) for key, work in works.items()}
    samples: dict[Key, list[tuple[float, bool]]] = {key: [] for key in works}
    for done in range(rounds):
        if done >= _ENOUGH and time.perf_counter() - begun > time_limit:
            break
        for key, work in works.items():
            samples[key].append(_sample(work, repeats[key]))
        progress((done + 1) / rounds)
    return {key: _undisturbed(taken) for key, taken in samples.items()}


def _repeats(work: Callable[[], object]) -> int:
    work()
    start = time.perf_counter()
    work()
    return max(1, math.ceil(_SHORTEST_SAMPLE / max(time.perf_counter() - start, 1e-7)))


def _sample(work: Callable[[], object], repeats: int) -> tuple[float, bool]:
    """Seconds of one piece of work, and whether it was disturbed."""
    used, start = time.thread_time(), time.perf_counter()
    for _ in range(repeats):
        work()
    passed, used = time.perf_counter() - start, time.thread_time() - used
    return passed / repeats, passed > _DISTURBED * used


def _undisturbed(samples: Sequence[tuple[float, bool]]) -> Measured:
    calm = [seconds for seconds, disturbed in samples if not disturbed]
    disturbed = len(samples) - len(calm)
    if len(calm) < _ENOUGH:
        everything = summary([seconds for seconds, _ in samples])
        return Measured(everything.value, everything.std, len(samples), disturbed)
    return summary(calm, disturbed)
