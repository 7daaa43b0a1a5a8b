"""Measured times in groups of equal operations: the mean of each group, and how well it is known.

The same operation on the same data takes the same time but for noise, so a fit needs one number a group. That number
is a mean, because it is means that add up to the time of a run. Two kinds of measurements are left out and counted:
those of the first step, which warms caches and connections up, where there are at least three steps; and those further
than `OUTLIER` robust standard deviations from the group's median, which are interruptions of the machine, not its
speed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

__all__ = ["OUTLIER", "Group", "grouped", "pooled_errors"]

#: Robust standard deviations (1.4826 median absolute deviations) beyond which a measurement is an interruption.
OUTLIER = 10.0
#: The spread of a small group is taken together with so many measurements' worth of the spread of all groups.
_SHARED = 4.0


@dataclass(frozen=True)
class Group:
    """Equal operations: their mean [s], the spread of one relative to it, how many there are, and were left out."""

    key: Any
    mean: float
    spread: float
    count: int
    left_out: int


def grouped(measurements: Iterable[tuple[Hashable, int, float]]) -> list[Group]:
    """Groups of (key, step, seconds), in the order in which their keys first come. Times of zero are left out."""
    found: defaultdict[Hashable, list[tuple[int, float]]] = defaultdict(list)
    for key, step, seconds in measurements:
        found[key].append((step, seconds))
    steps = {step for entries in found.values() for step, _ in entries}
    cold = min(steps) if len(steps) >= 3 else None
    groups = []
    for key, entries in found.items():
        warm = [seconds for step, seconds in entries if step != cold]
        kept = _without_interruptions(np.array(warm or [seconds for _, seconds in entries]))
        if not len(kept) or kept.mean() <= 0.0:
            continue
        spread = float(kept.std(ddof=1) / kept.mean()) if len(kept) > 1 else 0.0
        groups.append(Group(key, float(kept.mean()), spread, len(kept), len(entries) - len(kept)))
    return groups


def _without_interruptions(seconds: Any) -> Any:
    positive = seconds[seconds > 0.0]
    if len(positive) < 4:
        return positive
    median = np.median(positive)
    deviation = 1.4826 * np.median(np.abs(positive - median))
    return positive[np.abs(positive - median) <= OUTLIER * deviation + 1e-9 * median]


def pooled_errors(groups: Sequence[Group]) -> list[float]:
    """Standard error of each group's mean, relative to it.

    The spread of few measurements is itself badly known, so it is mixed with that of all groups given, which should be
    of one kind. Where nothing was measured twice, errors are unknown, which is NaN.
    """
    freedom = sum(group.count - 1 for group in groups)
    if not freedom:
        return [nan] * len(groups)
    common = sum((group.count - 1) * group.spread**2 for group in groups) / freedom
    errors = []
    for group in groups:
        own = group.count - 1
        variance = (own * group.spread**2 + _SHARED * common) / (own + _SHARED)
        errors.append((variance / group.count) ** 0.5)
    return errors
