"""Figures that several reports share: accuracy against simulated time, and how a run scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.report.html.numbers import percent
from simulator.report.html.plane import Point, Rule, Series, plane
from simulator.units import format_quantity

__all__ = ["accuracy_figure", "scaling_figure"]

Curve = Sequence[Mapping[str, Any]]

#: Times at which several curves are compared.
_COMMON = 80


def accuracy_figure(runs: Sequence[tuple[str, Sequence[Curve]]], target: float | None) -> str:
    """Test accuracy against simulated time; "" where nothing was evaluated.

    Parameters
    ----------
    runs : sequence of (str, sequence of curve)
        Each run's name, and the curve of each of its replicates as in the JSON result. The line is their mean, the
        band goes from the least to the most.
    target : float or None
        Accuracy that was asked for.
    """
    series = [Series(name, _mean_curve(name, [c for c in curves if c])) for name, curves in runs if any(curves)]
    rules = [] if target is None else [Rule(100 * target, f"target {percent(target)}")]
    label = "test accuracy against simulated time"
    return plane(series, "simulated time [s]", "test accuracy [%]", label, rules=rules)


def _mean_curve(name: str, curves: Sequence[Curve]) -> list[Point]:
    if len(curves) == 1:
        return [
            Point(p["time_s"], 100 * p["accuracy"], _told(name, p["time_s"], p["accuracy"], p["loss"]))
            for p in curves[0]
        ]
    first = min(curve[0]["time_s"] for curve in curves)
    last = max(curve[-1]["time_s"] for curve in curves)
    times = np.linspace(first, last, _COMMON)
    # A replicate that has ended keeps what it had.
    found = np.array([np.interp(times, [p["time_s"] for p in c], [p["accuracy"] for p in c]) for c in curves])
    return [
        Point(float(t), 100 * float(m), _told(name, float(t), float(m)), low=100 * float(low), high=100 * float(high))
        for t, m, low, high in zip(times, found.mean(axis=0), found.min(axis=0), found.max(axis=0), strict=True)
    ]


def _told(name: str, time: float, accuracy: float, loss: float | None = None) -> str:
    words = f"{name}: {percent(accuracy)} at {format_quantity(time, 'time', 4)}"
    return words if loss is None else f"{words}, loss {loss:.4g}"


def scaling_figure(runs: Mapping[str, Sequence[tuple[float, float]]], count: str) -> str:
    """Throughput against a count (nodes, workers) on logarithmic axes, a line a name, and the first line's ideal.

    Parameters
    ----------
    runs : mapping of str to sequence of (float, float)
        Points (count, samples/s) of each name.
    count : str
        What is counted.
    """
    series = []
    for name, points in runs.items():
        ordered = sorted(points)
        first, rate = ordered[0]
        told = [
            f"{name}: {at:g} {count}, {value:,.0f} samples/s, {percent(value / rate * first / at)} of ideal"
            for at, value in ordered
        ]
        series.append(Series(name, [Point(at, value, words) for (at, value), words in zip(ordered, told, strict=True)]))
    base = min((min(points) for points in runs.values()), default=None)
    if base is not None:
        counts = sorted({at for points in runs.values() for at, _ in points})
        ideal = [Point(at, base[1] * at / base[0], f"ideal: {at:g} {count}") for at in counts]
        series.append(Series("ideal: in proportion", ideal, marks=1))
    label = f"throughput against {count}, logarithmic axes"
    return plane(series, count, "samples/s", label, log_x=True, log_y=True)
