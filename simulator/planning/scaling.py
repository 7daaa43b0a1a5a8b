"""Parallel efficiency: how much of its throughput a worker keeps when there are more of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from simulator.planning.axis import Point
from simulator.planning.replicates import Interval

__all__ = ["COUNTS", "efficiencies", "series_of"]

#: Keys that say how many workers there are.
COUNTS = ("cluster.nodes", "cluster.workers", "cluster.partitions")


def series_of(point: Point, tied: Sequence[Sequence[str]] = ()) -> Hashable:
    """What points have in common that differ in the number of workers only, or in what is tied to it."""
    counted = {*COUNTS, *(key for keys in tied if set(COUNTS) & set(keys) for key in keys)}
    return tuple((key, repr(value)) for key, value in point.items() if key not in counted)


def efficiencies(
    rows: Sequence[tuple[Point, Mapping[str, Interval]]], tied: Sequence[Sequence[str]] = ()
) -> list[float | None]:
    """Throughput a worker of each row, over that of the row of its series with the fewest workers.

    None for rows without a result, and for those of a series that has only one number of workers. Where that row has
    several equals, the first counts.
    """
    series: dict[Hashable, list[Mapping[str, Interval]]] = defaultdict(list)
    for point, values in rows:
        if values:
            series[series_of(point, tied)].append(values)
    return [_efficiency(values, series[series_of(point, tied)]) if values else None for point, values in rows]


def _efficiency(values: Mapping[str, Interval], others: Sequence[Mapping[str, Any]]) -> float | None:
    if len({other["workers"].mean for other in others}) < 2:
        return None
    smallest = min(others, key=lambda other: float(other["workers"].mean))
    return _a_worker(values) / _a_worker(smallest)


def _a_worker(values: Mapping[str, Interval]) -> float:
    return values["throughput_samples_per_s"].mean / values["workers"].mean
