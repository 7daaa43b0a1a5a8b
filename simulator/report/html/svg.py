"""Pieces of SVG that the plots share: escaped elements, marks that differ in colour and in shape, hatches, legends.

Colours are classes, so that a page's style sheet (``plot.css``, also put into files that stand alone) follows the
reader's light or dark setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

__all__ = ["COLOURS", "HATCHES", "element", "figure", "hatched", "hatches", "legend", "mark", "plot_style", "text"]

#: Classes ``c0`` to ``c5`` of the style sheet.
COLOURS = 6


def element(tag: str, content: str = "", **attributes: object) -> str:
    """An element; `content` is markup, attributes are escaped; in their names ``_`` stands for ``-``."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    written = "".join(f' {name}="{escape(_short(value))}"' for name, value in names.items())
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(x: float, y: float, words: str, **attributes: object) -> str:
    """Words at a place, escaped."""
    return element("text", escape(words), x=x, y=y, **attributes)


def figure(width: float, height: float, content: Sequence[str], label: str) -> str:
    """An SVG picture that scales with its place; `label` says what it shows to those who do not see it."""
    return element(
        "svg",
        "\n".join(content),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        class_="plot",
    )


@cache
def plot_style() -> str:
    """The style sheet of the plots."""
    return files("simulator.report.html").joinpath("assets", "plot.css").read_text(encoding="utf-8")


def mark(series: int, x: float, y: float, *, hollow: bool = False, ringed: bool = False, title: str = "") -> str:
    """A point of the series of that number: six colours times five shapes."""
    shape = _SHAPES[series % len(_SHAPES)]
    path = element("path", d=shape, class_=f"c{series % COLOURS}" + (" hollow" if hollow else ""))
    ring = element("circle", r=7, class_="ring") if ringed else ""
    told = element("title", escape(title)) if title else ""
    return element("g", told + ring + path, class_="mark" if title else None, transform=f"translate({x:.1f} {y:.1f})")


def legend(entries: Sequence[tuple[str, str]], left: float, top: float, line: float = 19.0) -> list[str]:
    """One entry a line, (sign, words): a sign is markup around the origin, about 16 wide."""
    return [
        element("g", sign, transform=f"translate({left:g} {top + line * place - 4:g})")
        + text(left + 16, top + line * place, words)
        for place, (sign, words) in enumerate(entries)
    ]


def hatched(number: int, d: str, kind: str) -> str:
    """An area of class `kind`, with the hatch of that number (0 is none) over its colour, as print may have none."""
    area = element("path", d=d, class_=f"area {kind}")
    return area + (element("path", d=d, fill=f"url(#hatch-{number})") if number % HATCHES else "")


def hatches() -> str:
    """What `hatched` refers to; a page holds it once, and it takes no place."""
    patterns = "".join(
        element(
            "pattern",
            element("path", d=strokes, class_="hatch"),
            id=f"hatch-{number}",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
        )
        for number, strokes in enumerate(_STROKES, start=1)
    )
    return element("svg", element("defs", patterns), width=0, height=0, aria_hidden="true", class_="plot nowhere")


#: Strokes of the hatches 1, 2, …: rising, falling, upright, level, dots, crossed.
_STROKES = (
    "M-2 2L2 -2M0 8L8 0M6 10L10 6",
    "M-2 6L2 10M0 0L8 8M6 -2L10 2",
    "M4 0V8",
    "M0 4H8",
    "M2 2h1.6v1.6h-1.6zM6 6h1.6v1.6h-1.6z",
    "M0 0L8 8M8 0L0 8",
)
#: How many there are, with none.
HATCHES = 1 + len(_STROKES)
_SHAPES = (
    "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z",
    "M-3.3 -3.3h6.6v6.6h-6.6z",
    "M0 -4.4L4.2 3.2H-4.2z",
    "M0 -4.8L4.4 0L0 4.8L-4.4 0z",
    "M0 4.4L4.2 -3.2H-4.2z",
)


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
