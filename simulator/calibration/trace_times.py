"""Times of a trace's arithmetic by what was done, by whom and in which step, to lay measured beside simulated ones.

A kind, chosen by the caller, says which ranks are alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from simulator.calibration.measured import grouped, pooled_errors
from simulator.trace import Category, Span, Trace

__all__ = [
    "UPDATES",
    "Times",
    "batch_times",
    "by_size",
    "gradient_times",
    "known",
    "means_of",
    "together",
    "update_times",
]

#: Parts of the breakdown that updates and additions belong to.
UPDATES = (Category.DEVICE_UPDATE, Category.HOST_UPDATE)
#: Seconds by (key, rank, step), in order of time.
Times = Mapping[tuple[Any, int, int], list[float]]


def _times(spans: Iterator[tuple[Any, Span]]) -> Times:
    found: defaultdict[tuple[Any, int, int], list[float]] = defaultdict(list)
    for key, span in spans:
        found[key, span.rank, span.step].append(span.duration)
    return found


def gradient_times(trace: Trace, kind: Any) -> Times:
    """Forward and backward pass of each step together, whatever parts it was recorded in."""
    parts = _times((kind(s.rank), s) for s in trace.spans if s.category == Category.FORWARD_BACKWARD)
    return {key: [sum(seconds)] for key, seconds in parts.items()}


def update_times(trace: Trace, kind: Any) -> Times:
    """Updates, transforms and additions, each by itself."""
    return _times(((kind(s.rank), s.category, s.name), s) for s in trace.spans if s.category in UPDATES)


def together(times: Times) -> Times:
    """All updates of a rank and step in one, under one name."""
    found: defaultdict[tuple[Any, int, int], list[float]] = defaultdict(lambda: [0.0])
    for ((kind, category, _), rank, step), seconds in times.items():
        found[(kind, category, "updates of a step"), rank, step][0] += sum(seconds)
    return found


def by_size(modelled: Times, measured: Times) -> tuple[dict[Any, float], Times]:
    """Modelled means and measured times by key and size of the operation.

    A trace does not say how large an update is, but the k-th of a step is the k-th of the same step in the simulation,
    whose modelled time tells sizes apart. Where a step has another number of them, it is all of one size: the mean.
    """
    means: dict[Any, float] = {(key, 0): mean for key, mean in means_of(modelled).items()}
    sequences: defaultdict[Any, list[list[float]]] = defaultdict(list)
    for (key, _, _), seconds in modelled.items():
        sequences[key].append(seconds)
    sizes: dict[Any, list[Any]] = {}
    for key, found in sequences.items():
        if len({len(each) for each in found}) == 1:
            each_mean = np.mean(found, axis=0)
            sizes[key] = [float(f"{mean:.3g}") for mean in each_mean]
            for size in set(sizes[key]):
                means[key, size] = float(np.mean(each_mean[[each == size for each in sizes[key]]]))
    split: defaultdict[tuple[Any, int, int], list[float]] = defaultdict(list)
    for (key, rank, step), seconds in measured.items():
        same = sizes.get(key, ())
        for size, value in zip(same if len(same) == len(seconds) else [0] * len(seconds), seconds, strict=True):
            split[(key, size), rank, step].append(value)
    return means, split


def batch_times(trace: Trace, kind: Any) -> Times:
    """Loading of batches."""
    return _times((kind(s.rank), s) for s in trace.spans if s.category == Category.CPU_GPU_DATA and s.peer < 0)


def means_of(times: Times) -> dict[Any, float]:
    """Mean of each key over all ranks and steps."""
    found: defaultdict[Any, list[float]] = defaultdict(list)
    for (key, _, _), seconds in times.items():
        found[key].extend(seconds)
    return {key: float(np.mean(each)) for key, each in found.items()}


def known(times: Times, modelled: Mapping[Any, float]) -> list[tuple[Any, float]]:
    """Groups of measured times that the model has as well, with the errors of their means."""
    entries = ((key, step, each) for (key, _, step), seconds in times.items() for each in seconds)
    groups = [group for group in grouped(entries) if modelled.get(group.key, 0.0) > 0.0]
    return list(zip(groups, pooled_errors(groups), strict=True))
