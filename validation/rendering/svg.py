"""Pieces of SVG that the plots share: escaped elements, logarithmic axes, marks that differ in colour and in shape.

Colours are classes, so that a page's style sheet (``plot.css``, also put into files that stand alone) follows the
reader's light or dark setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from math import ceil, floor, log10

__all__ = ["COLOURS", "LogAxis", "element", "figure", "mark", "plot_style", "text"]

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
    return files(__package__).joinpath("plot.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class LogAxis:
    """Values from `low` to `high` (both positive) on the pixels from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, stop: float) -> LogAxis:
        """With a margin of a tenth of a decade or of a twentieth of their span, whichever is more."""
        low, high = log10(min(values)), log10(max(values))
        margin = max(0.04, 0.05 * (high - low))
        return cls(10 ** (low - margin), 10 ** (high + margin), start, stop)

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """At most seven: powers of ten, with 2 and 5 between them or finer where the axis is short."""
        first, last = floor(log10(self.low)), ceil(log10(self.high))
        for steps in ((1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
            found = [
                step * 10.0**power
                for power in range(first, last + 1)
                for step in steps
                if self.low <= step * 10.0**power <= self.high
            ]
            if len(found) <= 7:
                return found
        every = ceil(len(found) / 7)
        return found[::every]


def mark(series: int, x: float, y: float, *, hollow: bool = False, ringed: bool = False, title: str = "") -> str:
    """A point of the series of that number: six colours times five shapes."""
    shape = _SHAPES[series % len(_SHAPES)]
    path = element("path", d=shape, class_=f"c{series % COLOURS}" + (" hollow" if hollow else ""))
    ring = element("circle", r=7, class_="ring") if ringed else ""
    told = element("title", escape(title)) if title else ""
    return element("g", told + ring + path, transform=f"translate({x:.1f} {y:.1f})")


_SHAPES = (
    "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z",
    "M-3.3 -3.3h6.6v6.6h-6.6z",
    "M0 -4.4L4.2 3.2H-4.2z",
    "M0 -4.8L4.4 0L0 4.8L-4.4 0z",
    "M0 4.4L4.2 -3.2H-4.2z",
)


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
