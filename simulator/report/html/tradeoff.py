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
    """A point: the series it belongs to, its place, what is read out, whether it is on the Pareto front."""

    series: str
    x: float
    y: float
    told: str
    front: bool = False


def tradeoff_figure(
    choices: Sequence[Choice], x_label: str, y_label: str, label: str, rules: Sequence[Rule] = ()
) -> str:
    """Points by series, those of the front ringed and joined by a broken line; "" where there is nothing to draw.

    An axis whose values lie further apart than a factor of 30 is logarithmic.
    """
    by_series: defaultdict[str, list[Point]] = defaultdict(list)
    for choice in choices:
        by_series[choice.series].append(Point(choice.x, choice.y, choice.told, ringed=choice.front))
    series = [Series(name, points, joined=False) for name, points in by_series.items()]
    front = sorted((choice.x, choice.y) for choice in choices if choice.front)
    if len(front) > 1:
        series.append(Series("", [Point(x, y) for x, y in front], reference=True))
    return plane(
        series,
        x_label,
        y_label,
        label,
        log_x=_wide([choice.x for choice in choices]),
        log_y=_wide([choice.y for choice in choices]),
        rules=rules,
        ringed="no other is better (Pareto front)",
    )


def _wide(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0.0 and max(values) > _RATIO * min(values)
