"""Lines and points on two axes: scaling curves, accuracy against time, cost against time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from simulator.report.html.axes import Axis, LinearAxis, LogAxis
from simulator.report.html.numbers import number
from simulator.report.html.svg import COLOURS, element, figure, legend, mark, text

__all__ = ["Point", "Rule", "Series", "plane"]

_WIDTH, _LEFT, _TOP, _ACROSS, _UP = 480.0, 66.0, 14.0, 400.0, 300.0
_LINE = 19.0
_DASHES = 4


@dataclass(frozen=True, slots=True)
class Point:
    """A point, and what is read out when it is pointed at; `hollow` and `ringed` as the legend says."""

    x: float
    y: float
    told: str = ""
    hollow: bool = False
    ringed: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one name, joined by a line or not; `marks` limits how many of a long line are marked.

    A point's `low` and `high` are an interval: a band along a line, an upright bar at a single point.
    """

    name: str
    points: Sequence[Point]
    joined: bool = True
    marks: int = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the picture that names a bound: a level of the upright axis, or of the other one."""

    value: float
    words: str
    upright: bool = False


def plane(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    label: str,
    *,
    log_x: bool = False,
    log_y: bool = False,
    rules: Sequence[Rule] = (),
    hollow: str = "",
    ringed: str = "",
) -> str:
    """Series that differ in colour, shape and dash, with a legend below.

    Points that are not finite, or not positive on a logarithmic axis, are left out.

    Parameters
    ----------
    label : str
        What the picture shows, for those who do not see it.
    hollow, ringed : str
        What such points mean, for the legend.

    Returns
    -------
    str
        SVG markup, or "" where there is nothing to draw.
    """
    kept = [(place, one, [p for p in one.points if _drawable(p, log_x, log_y)]) for place, one in enumerate(series)]
    points = [point for _, _, found in kept for point in found]
    if not points:
        return ""
    levels = [rule.value for rule in rules if not rule.upright and (rule.value > 0.0 or not log_y)]
    places = [rule.value for rule in rules if rule.upright and (rule.value > 0.0 or not log_x)]
    ends = [value for p in points for value in (p.low, p.high) if value is not None and (value > 0.0 or not log_y)]
    across = _axis([*(p.x for p in points), *places], log_x, _LEFT, _LEFT + _ACROSS)
    up = _axis([*(p.y for p in points), *ends, *levels], log_y, _TOP + _UP, _TOP)
    parts = [*_grid(across, up)]
    parts.append(element("rect", x=_LEFT, y=_TOP, width=_ACROSS, height=_UP, class_="frame"))
    for rule in rules:
        parts += _rule(rule, across, up)
    for place, one, found in kept:
        if one.joined and len(found) > 1:
            parts += _lines(place, found, across, up)
    for place, one, found in kept:
        parts += _marks(place, one, found, across, up)
    bottom = _TOP + _UP
    parts.append(text(_LEFT + _ACROSS / 2, bottom + 38, x_label, text_anchor="middle"))
    middle = _TOP + _UP / 2
    parts.append(text(14, middle, y_label, text_anchor="middle", transform=f"rotate(-90 14 {middle:g})"))
    entries = [(_sign(place, one.joined), one.name) for place, one, found in kept if found and one.name]
    if hollow and any(point.hollow for point in points):
        entries.append((mark(0, 0, 0, hollow=True), f"hollow: {hollow}"))
    if ringed and any(point.ringed for point in points):
        entries.append((element("circle", r=7, class_="ring"), f"ringed: {ringed}"))
    parts += legend(entries, _LEFT + 8, bottom + 62, _LINE)
    return figure(_WIDTH, bottom + 54 + _LINE * len(entries), parts, label)


def _drawable(point: Point, log_x: bool, log_y: bool) -> bool:
    whole = isfinite(point.x) and isfinite(point.y)
    return whole and (point.x > 0.0 or not log_x) and (point.y > 0.0 or not log_y)


def _axis(values: Sequence[float], logarithmic: bool, start: float, stop: float) -> Axis:
    return LogAxis.around(values, start, stop) if logarithmic else LinearAxis.from_zero(values, start, stop)


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for tick in across.ticks():
        x = across(tick)
        yield element("path", d=f"M{x:.1f} {_TOP:g}v{_UP:g}", class_="grid")
        yield text(x, _TOP + _UP + 18, number(tick), text_anchor="middle", class_="small")
    for tick in up.ticks():
        y = up(tick)
        yield element("path", d=f"M{_LEFT:g} {y:.1f}h{_ACROSS:g}", class_="grid")
        yield text(_LEFT - 6, y + 4, number(tick), text_anchor="end", class_="small")


def _rule(rule: Rule, across: Axis, up: Axis) -> Iterator[str]:
    if rule.upright:
        x = across(rule.value)
        yield element("path", d=f"M{x:.1f} {_TOP:g}v{_UP:g}", class_="rule")
        yield text(x - 5, _TOP + 14, rule.words, text_anchor="end", class_="small")
    else:
        y = up(rule.value)
        yield element("path", d=f"M{_LEFT:g} {y:.1f}h{_ACROSS:g}", class_="rule")
        yield text(_LEFT + 6, y - 5, rule.words, class_="small")


def _lines(place: int, points: Sequence[Point], across: Axis, up: Axis) -> Iterator[str]:
    banded = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    if len(banded) > 1:
        there = [f"{across(x):.1f} {up(max(high, up.low)):.1f}" for x, _, high in banded]
        back = [f"{across(x):.1f} {up(max(low, up.low)):.1f}" for x, low, _ in reversed(banded)]
        yield element("path", d=f"M{'L'.join(there + back)}z", class_=f"spread c{place % COLOURS}")
    course = "L".join(f"{across(p.x):.1f} {up(p.y):.1f}" for p in points)
    yield element("path", d=f"M{course}", class_=f"line c{place % COLOURS} dash{place // COLOURS % _DASHES}")


def _marks(place: int, one: Series, points: Sequence[Point], across: Axis, up: Axis) -> Iterator[str]:
    every = -(-len(points) // one.marks) if one.joined else 1
    for order, point in enumerate(points):
        if order % every and order != len(points) - 1 and not point.ringed:
            continue
        x, y = across(point.x), up(point.y)
        if point.low is not None and point.high is not None and (not one.joined or len(points) == 1):
            ends = f"M{x:.1f} {up(max(point.low, up.low)):.1f}V{up(max(point.high, up.low)):.1f}"
            yield element("path", d=ends, class_=f"line c{place % COLOURS}")
        yield mark(place, x, y, hollow=point.hollow, ringed=point.ringed, title=point.told or _told(one, point))


def _told(one: Series, point: Point) -> str:
    return f"{one.name}: {number(point.x)}, {number(point.y)}" if one.name else f"{number(point.x)}, {number(point.y)}"


def _sign(place: int, joined: bool) -> str:
    line = element("path", d="M-9 0h18", class_=f"line c{place % COLOURS} dash{place // COLOURS % _DASHES}")
    return (line if joined else "") + mark(place, 0, 0)
