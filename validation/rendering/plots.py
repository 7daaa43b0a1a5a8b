"""Plots of findings as SVG: predicted against measured on logarithmic axes, and errors by section and series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, sqrt
from statistics import median

from simulator.report.html.axes import LogAxis
from simulator.report.html.numbers import number, percent
from simulator.report.html.svg import element, figure, legend, mark, text
from validation.checks import Check, Findings
from validation.rendering.cells import by_section

__all__ = ["error_strips", "predicted_against_measured"]

_WIDTH = 480.0
_LEFT, _RIGHT, _TOP, _SIDE = 66.0, 14.0, 14.0, 400.0
_LINE = 19.0
#: Fewer points make no picture.
_FEWEST = 3


def predicted_against_measured(checks: Sequence[Check]) -> str:
    """One section: a point a row, the identity, and the band of what is allowed; "" where there is nothing to draw.

    Hollow points are rows that the fit saw, ringed ones are beyond what is allowed. Rows that a logarithm cannot show
    are left out, and so are those of another unit than the first.
    """
    shown = [check for check in checks if _drawable(check) and check.unit == checks[0].unit]
    if len(shown) < _FEWEST:
        return ""
    values = [value for check in shown for value in (check.predicted, check.measured)]
    across = LogAxis.around(values, _LEFT, _LEFT + _SIDE)
    up = LogAxis.around(values, _TOP + _SIDE, _TOP)
    unit = f" [{shown[0].unit}]" if shown[0].unit else ""
    series = list(dict.fromkeys(check.series for check in shown))
    allowed = sorted({check.allowed for check in shown if check.allowed is not None and not check.fitted}, reverse=True)
    parts = [*_grid(across, up), *(_band(across, up, width) for width in allowed)]
    parts.append(element("path", d=_line(across, up, across.low, across.high), class_="identity"))
    parts.append(element("rect", x=_LEFT, y=_TOP, width=_SIDE, height=_SIDE, class_="frame"))
    parts += [_point(check, series.index(check.series), across, up) for check in shown]
    bottom = _TOP + _SIDE
    parts.append(text(_LEFT + _SIDE / 2, bottom + 38, f"measured{unit}", text_anchor="middle"))
    middle = _TOP + _SIDE / 2
    parts.append(text(14, middle, f"predicted{unit}", text_anchor="middle", transform=f"rotate(-90 14 {middle:g})"))
    entries = list(_entries(series, shown, allowed))
    parts += legend(entries, _LEFT + 8, bottom + 62, _LINE)
    height = bottom + 54 + _LINE * len(entries)
    return figure(_WIDTH, height, parts, "predicted against measured, logarithmic axes")


def _drawable(check: Check) -> bool:
    return all(isfinite(value) and value > 0.0 for value in (check.predicted, check.measured))


def _grid(across: LogAxis, up: LogAxis) -> Iterator[str]:
    for tick in across.ticks():
        x, y = across(tick), up(tick)
        yield element("path", d=f"M{x:.1f} {_TOP:g}v{_SIDE:g}M{_LEFT:g} {y:.1f}h{_SIDE:g}", class_="grid")
        yield text(x, _TOP + _SIDE + 18, number(tick), text_anchor="middle", class_="small")
        yield text(_LEFT - 6, y + 4, number(tick), text_anchor="end", class_="small")


def _line(across: LogAxis, up: LogAxis, low: float, high: float) -> str:
    return f"M{across(low):.1f} {up(low):.1f}L{across(high):.1f} {up(high):.1f}"


def _band(across: LogAxis, up: LogAxis, allowed: float) -> str:
    """Between the lines of the largest errors that pass, clipped to the frame."""
    low, high = across.low, across.high
    upper, lower = 1.0 + allowed, max(1.0 - allowed, 1e-9)
    corners = [
        (low, low * upper),
        (high / upper, high),
        (high, high),
        (high, max(high * lower, low)),
        (min(low / lower, high), low),
        (low, low),
    ]
    points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in corners)
    return element("polygon", points=points, class_="band")


def _point(check: Check, series: int, across: LogAxis, up: LogAxis) -> str:
    return mark(
        series,
        across(check.measured),
        up(check.predicted),
        hollow=check.fitted,
        ringed=check.passed is False,
        title=_title(check),
    )


def _title(check: Check) -> str:
    """What a pointer over the point reads."""
    series = f"{check.series}: " if check.series else ""
    figures = f"predicted {number(check.predicted, check.unit)}, measured {number(check.measured, check.unit)}"
    return f"{series}{check.name}: {figures}, {percent(check.error, signed=True)}"


def _entries(series: Sequence[str], shown: Sequence[Check], allowed: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Of the legend: series, then what hollow, ringed and shaded mean, where they occur."""
    yield from ((mark(place, 0, 0), name) for place, name in enumerate(series) if name)
    if any(check.fitted for check in shown):
        yield mark(0, 0, 0, hollow=True), "hollow: seen by the fit"
    if any(check.passed is False for check in shown):
        yield element("circle", r=7, class_="ring"), "ringed: beyond what is allowed"
    if allowed:
        shade = element("rect", x=-8, y=-6, width=16, height=12, class_="band")
        yield shade, "shaded: allowed, " + " and ".join(f"± {percent(width)}" for width in allowed)


# Errors ---------------------------------------------------------------------------------------------------------------

#: Predicted / measured at the right edge of the strips (its inverse at the left), and where errors are ticked.
_EDGES = {
    1.05: (-0.04, -0.02, 0.0, 0.02, 0.04),
    1.25: (-0.2, -0.1, 0.0, 0.1, 0.25),
    2.0: (-0.5, -0.25, -0.1, 0.0, 0.1, 0.4, 1.0),
    4.0: (-0.75, -0.5, -0.25, 0.0, 0.5, 1.0, 3.0),
}
_STRIP, _ROW, _MARGIN = 16.0, 42.0, 28.0
#: The golden ratio spreads points of a strip evenly, whatever their number.
_GOLDEN = (sqrt(5.0) - 1.0) / 2.0


def error_strips(findings: Findings) -> str:
    """A strip for every series of every section: a point a row, a bar at the median, the allowed error shaded.

    The axis is as wide as the largest error needs, up to a factor of 4; what lies beyond is drawn at the edge.
    """
    parts: list[str] = []
    ratios = [check.predicted / check.measured for check in findings.checks if _drawable(check)]
    widest = max((max(ratio, 1.0 / ratio) for ratio in ratios), default=1.0)
    edge = next((edge for edge in _EDGES if edge >= widest), max(_EDGES))
    axis = LogAxis(1.0 / edge, edge, _MARGIN, _WIDTH - _MARGIN)
    y = 16.0
    for section, checks in by_section(findings).items():
        shown = [check for check in checks if _drawable(check)]
        if not shown:
            continue
        parts.append(text(_MARGIN, y, section, class_="heading"))
        y += 7.0
        series = list(dict.fromkeys(check.series for check in shown))
        for place, name in enumerate(series):
            strip = _strip([check for check in shown if check.series == name], name, place, axis, y, _EDGES[edge])
            parts += strip
            y += _ROW
        y += 24.0
    if not parts:
        return ""
    parts += _error_axis(axis, y - 6.0, _EDGES[edge])
    return figure(_WIDTH, y + 34.0, parts, "relative errors by section and series")


def _strip(
    checks: Sequence[Check], name: str, series: int, axis: LogAxis, y: float, ticks: Sequence[float]
) -> Iterator[str]:
    rows = "row" if len(checks) == 1 else "rows"
    label = f"{name} · {len(checks):,} {rows}" if name else f"{len(checks):,} {rows}"
    yield text(_MARGIN, y + 12, label, class_="small")
    top = y + 21.0
    allowed = [check.allowed for check in checks if check.passed is not None and check.allowed is not None]
    if allowed:
        left, right = axis(max(1.0 - max(allowed), axis.low)), axis(min(1.0 + max(allowed), axis.high))
        yield element("rect", x=left, y=top, width=right - left, height=_STRIP, class_="band")
    uprights = "".join(f"M{axis(1.0 + tick):.1f} {top:g}v{_STRIP:g}" for tick in ticks)
    yield element("path", d=f"M{axis.start:g} {top + _STRIP:g}H{axis.stop:g}{uprights}", class_="grid")
    yield element("path", d=f"M{axis(1.0):.1f} {top:g}v{_STRIP:g}", class_="frame")
    for place, check in enumerate(checks):
        ratio = min(max(check.predicted / check.measured, axis.low), axis.high)
        height = top + _STRIP * (0.15 + 0.7 * ((place + 0.5) * _GOLDEN % 1.0)) if len(checks) > 1 else top + _STRIP / 2
        title, ringed = _title(check), check.passed is False
        yield mark(series, axis(ratio), height, hollow=check.fitted, ringed=ringed, title=title)
    centre = axis(min(max(median(check.predicted / check.measured for check in checks), axis.low), axis.high))
    yield element("path", d=f"M{centre:.1f} {top - 1:g}v{_STRIP + 2:g}", class_="median")


def _error_axis(axis: LogAxis, y: float, ticks: Sequence[float]) -> Iterator[str]:
    yield element("path", d=f"M{axis.start:g} {y:g}H{axis.stop:g}", class_="frame")
    for tick in ticks:
        x = axis(1.0 + tick)
        yield element("path", d=f"M{x:.1f} {y:g}v5", class_="frame")
        words = "0" if tick == 0.0 else f"{100 * tick:+.0f}%".replace("-", "−")
        yield text(x, y + 20, words, text_anchor="middle", class_="small")
    yield text(
        _WIDTH / 2,
        y + 37,
        "predicted / measured − 1, logarithmic",
        text_anchor="middle",
        class_="small",
    )
