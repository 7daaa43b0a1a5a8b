"""What a report is made of, before it is markup: sections of text, facts, tables, figures and timelines.

All text is plain text or Markdown, and escaped by `simulator.report.html.page`, wherever it came from; the one thing
that is markup already is a figure's picture, which `simulator.report.html.svg` has escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.report.html.timeline import Timeline

__all__ = [
    "Block",
    "Cell",
    "Code",
    "Facts",
    "Figure",
    "Folded",
    "Heading",
    "Notes",
    "Prose",
    "Repeat",
    "Report",
    "Section",
    "Table",
    "Words",
]


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is more than text: of a kind that has a colour ("fails", "ok"), a badge, or a link within the page."""

    text: str
    kind: str = ""
    badge: bool = False
    anchor: str = ""


Cell = str | Words


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section; what follows it belongs to it."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and what they stand for, one pair a line."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Notes:
    """Remarks in small print, one a line; `kind` "warning" makes them stand out."""

    lines: Sequence[str]
    kind: str = "soft"


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied as it stands."""

    text: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings.

    Attributes
    ----------
    numbers : sequence of int
        Columns that are set flush right.
    kinds : mapping of int to str
        Rows that stand out, by their number: "failing", "best".
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    numbers: Sequence[int] = ()
    kinds: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as SVG markup (see `simulator.report.html.svg`), and what it shows."""

    picture: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Folded:
    """What only some readers want: shown when it is asked for, and in print."""

    summary: str
    blocks: Sequence[Block]


Block = Prose | Heading | Facts | Notes | Code | Table | Figure | Folded | Timeline


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report with a heading; `anchor` is what links inside the page call it."""

    title: str
    blocks: Sequence[Block]
    anchor: str = ""
    badge: Words | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """What it takes to get the same again.

    Attributes
    ----------
    provenance : mapping of str to str
        See `simulator.report.html.provenance`.
    scenarios : sequence of (str, str)
        What each is, and its TOML in full.
    seed : int or None
        Of the first scenario.
    """

    provenance: Mapping[str, str]
    scenarios: Sequence[tuple[str, str]] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole page: title, the answer in a sentence or two, what belongs to it, sections, how to repeat it."""

    title: str
    answer: Sequence[str]
    blocks: Sequence[Block]
    sections: Sequence[Section]
    repeat: Repeat
