"""Choices as points: what each takes and what it costs, and which of them no other is better than."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.html.plane import Point, Rule, Series, plane

__all__ = ["Choice", "tradeoff_figure"]

_RATIO = 30.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A point: the series it belongs to, its place, and what is read out.

    Attributes
    ----------
    front : bool
        On the Pareto front, of what is drawn or of more than that: ringed.
    edge : bool
        On the front of the two figures that are drawn: joined by a line.
    hollow : bool
        Whatever the legend says of hollow points.
    """

    series: str
    x: float
    y: float
    told: str
    front: bool = False
    edge: bool = False
    hollow: bool = False


def tradeoff_figure(
    choices: Sequence[Choice],
    x_label: str,
    y_label: str,
    label: str,
    rules: Sequence[Rule] = (),
    hollow: str = "",
) -> str:
    """Points by series, those of the front ringed, those of the edge joined by a broken line; "" where there are none.

    An axis whose values lie further apart than a factor of 30 is logarithmic.
    """
    by_series: defaultdict[str, list[Point]] = defaultdict(list)
    for choice in choices:
        by_series[choice.series].append(
            Point(choice.x, choice.y, choice.told, hollow=choice.hollow, ringed=choice.front)
        )
    series = [Series(name, points, joined=False) for name, points in by_series.items()]
    edge = sorted((choice.x, choice.y) for choice in choices if choice.edge)
    if len(edge) > 1:
        series.append(Series("", [Point(x, y) for x, y in edge], reference=True))
    return plane(
        series,
        x_label,
        y_label,
        label,
        log_x=_wide([choice.x for choice in choices]),
        log_y=_wide([choice.y for choice in choices]),
        rules=rules,
        hollow=hollow,
        ringed="no other is better (Pareto front)",
    )


def _wide(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0.0 and max(values) > _RATIO * min(values)
