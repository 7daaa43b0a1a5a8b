"""Stacked bars: what a total is made of, a bar a row, the row's name above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from simulator.report.html.axes import LinearAxis
from simulator.report.html.numbers import number, percent
from simulator.report.html.svg import element, figure, hatched, legend, text

__all__ = ["Bar", "Piece", "stacked_bars"]

_WIDTH, _MARGIN, _HEIGHT, _ROW = 480.0, 8.0, 20.0, 48.0
#: Narrower pieces cannot be seen, let alone pointed at.
_NARROWEST = 0.4


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: its words, the class of its colour, the number of its hatch, its length in the bars' unit."""

    words: str
    kind: str
    hatch: int
    value: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: its name, its pieces from left to right, and a remark at its end; `limit` is marked by an upright line."""

    name: str
    pieces: Sequence[Piece]
    remark: str = ""
    limit: float | None = None


def stacked_bars(bars: Sequence[Bar], axis_label: str, label: str, show: Callable[[float], str] = number) -> str:
    """The bars on one axis from zero, with a legend of the pieces that can be seen.

    Parameters
    ----------
    bars : sequence of Bar
        Values are not negative; what is below 0.4 pixels is left out.
    axis_label : str
        Quantity and unit.
    label : str
        What the picture shows, for those who do not see it.
    show : callable
        Writes a value with its unit, for details.

    Returns
    -------
    str
        SVG markup, or "" where there is nothing to draw.
    """
    totals = [sum(piece.value for piece in bar.pieces) for bar in bars]
    if not totals or max(totals) <= 0.0:
        return ""
    axis = LinearAxis.from_zero([*totals, *(bar.limit or 0.0 for bar in bars)], _MARGIN, _WIDTH - _MARGIN)
    parts: list[str] = []
    shown: dict[str, Piece] = {}
    bottom = _ROW * len(bars) + 6.0
    for tick in axis.ticks():
        x = axis(tick)
        parts.append(element("path", d=f"M{x:.1f} 4V{bottom:g}", class_="grid"))
        parts.append(text(x, bottom + 18, number(tick), text_anchor="middle" if tick else "start", class_="small"))
    for place, (bar, total) in enumerate(zip(bars, totals, strict=True)):
        y = _ROW * place
        parts.append(text(_MARGIN, y + 16, bar.name))
        if bar.remark:
            parts.append(text(_WIDTH - _MARGIN, y + 16, bar.remark, text_anchor="end", class_="small soft"))
        at = 0.0
        for piece in bar.pieces:
            left, right = axis(at), axis(at + piece.value)
            at += piece.value
            if right - left >= _NARROWEST:
                told = f"{bar.name}: {piece.words} {show(piece.value)}, {percent(piece.value / total)} of {show(total)}"
                parts.append(_piece(piece, left, right, y + 23, told))
                shown.setdefault(piece.words, piece)
        if bar.limit is not None:
            parts.append(element("path", d=f"M{axis(bar.limit):.1f} {y + 20:g}v{_HEIGHT + 6:g}", class_="median"))
    parts.append(element("path", d=f"M{axis.start:g} {bottom:g}H{axis.stop:g}", class_="frame"))
    parts.append(text(_WIDTH / 2, bottom + 38, axis_label, text_anchor="middle"))
    entries = [(hatched(piece.hatch, "M-8 -8h16v11h-16z", piece.kind), words) for words, piece in shown.items()]
    parts += legend(entries, 18.0, bottom + 64)
    return figure(_WIDTH, bottom + 54 + 19 * len(entries), parts, label)


def _piece(piece: Piece, left: float, right: float, top: float, told: str) -> str:
    area = f"M{left:.1f} {top:g}H{right:.1f}v{_HEIGHT:g}H{left:.1f}z"
    return element("g", element("title", escape(told)) + hatched(piece.hatch, area, piece.kind), class_="mark")
