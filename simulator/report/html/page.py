"""A report as one HTML page that needs nothing else: style, script and pictures are inside, no text is markup.

The page forbids itself to load anything or to run any script but its own (a Content Security Policy that names the
script's digest), so text of a scenario or profile could do nothing even if it became markup.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from simulator.errors import InputError
from simulator.report.html.blocks import blocks_markup, code_markup, words_markup
from simulator.report.html.document import Block, Code, Figure, Folded, Repeat, Report, Section
from simulator.report.html.svg import hatches
from simulator.report.html.timeline import Timeline

__all__ = ["render", "write_report"]

#: Sections from which on a page begins with links to them.
_WORTH_LINKS = 3


def write_report(path: Path, report: Report) -> None:
    """Write the page to a file.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        path.write_text(render(report), encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def render(report: Report) -> str:
    """The whole page: the answer, what belongs to it, the sections, how to repeat it."""
    body = "\n".join(_body(report))
    script = _script(_used(report))
    style = "\n".join(asset(name) for name in ("page.css", "plot.css", "timeline.css"))
    policy = f"'sha256-{_digest(script)}'" if script else "'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="'
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {policy}; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{body}\n" + (f"<script>{script}</script>\n" if script else "") + "</body>\n</html>\n"
    )


@cache
def asset(name: str) -> str:
    """A style sheet or script that pages hold."""
    return files("simulator.report.html").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _script(kinds: set[type]) -> str:
    """What the blocks of a page need to react to pointers, keys and printers."""
    needed = {Figure: "figures.js", Timeline: "timeline.js", Folded: "folds.js"}
    parts = [asset(name) for kind, name in needed.items() if kind in kinds]
    return "".join(f"\n(() => {{\n{part}}})();\n" for part in parts)


def _used(report: Report) -> set[type]:
    def kinds(blocks: Iterable[Block]) -> Iterator[type]:
        for block in blocks:
            yield type(block)
            if isinstance(block, Folded):
                yield from kinds(block.blocks)

    found = {kind for section in report.sections for kind in kinds(section.blocks)} | set(kinds(report.blocks))
    return found | ({Folded} if len(report.repeat.scenarios) > 1 else set())


# The page -------------------------------------------------------------------------------------------------------------


def _body(report: Report) -> Iterator[str]:
    anchors = _anchors(report.sections)
    parts = [*_head(report), *_links(report.sections, anchors)]
    for section, anchor in zip(report.sections, anchors, strict=True):
        parts += _section(section, anchor)
    parts += _repeat(report.repeat)
    if any("url(#hatch" in part for part in parts):
        yield hatches()
    yield from parts


def _anchors(sections: Sequence[Section]) -> list[str]:
    """Names of the sections for links, each once."""
    names: list[str] = []
    for place, section in enumerate(sections):
        name = section.anchor or "-".join(re.findall(r"[a-z0-9]+", section.title.lower())) or f"section-{place}"
        names.append(name if name not in names else f"{name}-{place}")
    return names


def _head(report: Report) -> Iterator[str]:
    yield f"<header>\n<h1>{escape(report.title)}</h1>"
    for place, sentence in enumerate(report.answer):
        yield f"<p class={'more' if place else 'answer'}>{escape(sentence)}</p>"
    yield from blocks_markup(report.blocks, 2)
    yield "</header>"


def _links(sections: Sequence[Section], anchors: Sequence[str]) -> Iterator[str]:
    if len(sections) >= _WORTH_LINKS:
        links = (f'<a href="#{escape(a)}">{escape(s.title)}</a>' for s, a in zip(sections, anchors, strict=True))
        yield f'<nav aria-label="sections">{" ".join(links)} <a href="#repeat">How to repeat this</a></nav>'


def _section(section: Section, anchor: str) -> Iterator[str]:
    badge = "" if section.badge is None else " " + words_markup(section.badge)
    yield f'<section id="{escape(anchor)}">\n<h2>{escape(section.title)}{badge}</h2>'
    yield from blocks_markup(section.blocks, 3)
    yield "</section>"


def _repeat(repeat: Repeat) -> Iterator[str]:
    made = repeat.provenance
    yield '<footer id="repeat">\n<h2>How to repeat this</h2>'
    yield from code_markup(Code(made["command"]))
    shown = [Code(toml, name) for name, toml in repeat.scenarios]
    yield from blocks_markup(shown if len(shown) < 2 else [Folded(f"all {len(shown)} scenarios in full", shown)], 3)
    seed = "" if repeat.seed is None else f"seed {repeat.seed}; "
    others = [f"{name} {value}" for name, value in made.items() if name not in ("command", "date")]
    yield f"<p class=soft>{escape(made['date'])}; {seed}{escape(', '.join(others))}</p>\n</footer>"
