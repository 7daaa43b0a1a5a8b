"""Findings as one HTML page that needs nothing else: style and plots are inside, and no text of a finding is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from markdown_it import MarkdownIt

from validation.checks import Check, Findings
from validation.rendering.cells import (
    CHECK_HEADINGS,
    VERDICT_HEADINGS,
    by_section,
    check_cells,
    noted,
    outcome_of_part,
    summary,
    verdict_cells,
    worst_first,
)
from validation.rendering.plots import error_strips, predicted_against_measured
from validation.rendering.svg import plot_style

__all__ = ["html_report", "prose"]

#: Rows of a section that are shown open; all of them fold out below.
_OPEN_ROWS = 15


def html_report(findings: Sequence[Findings], title: str, provenance: Mapping[str, str]) -> str:
    """The whole page: what passed and what failed, then every part, then what made it."""
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    body = "\n".join(
        [*_head(findings, title), *(line for part in findings for line in _part(part)), *_foot(provenance)]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}\n{plot_style()}\n</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


@cache
def _markdown() -> MarkdownIt:
    # No HTML passes through, and pictures would be fetched from elsewhere.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def prose(text: str) -> str:
    """Markdown as HTML; markup inside it is shown as text. Its headings come below those of a section.

    Links to files of the project become plain text: the page may lie anywhere.

    Examples
    --------
    >>> prose("*a* <b>").strip()
    '<p><em>a</em> &lt;b&gt;</p>'
    """
    html: str = _markdown().render(text)
    html = re.sub(r'<a href="(?!https?:|#)[^"]*">(.*?)</a>', r"\1", html, flags=re.DOTALL)
    return re.sub(r"<(/?)h[1-6]>", r"<\1h4>", html)


def _head(findings: Sequence[Findings], title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    yield "<div class=wide><table><thead><tr><th>part</th><th>result</th><th></th></tr></thead><tbody>"
    for part in findings:
        yield (
            f'<tr><td><a href="#{escape(part.part)}">{escape(part.title)}</a></td>'
            f"<td>{_badge(outcome_of_part(part))}</td><td>{escape(summary(part))}</td></tr>"
        )
    yield "</tbody></table></div>"


def _badge(outcome: str) -> str:
    return f'<span class="badge {outcome.lower().replace(" ", "-")}">{escape(outcome)}</span>'


def _part(findings: Findings) -> Iterator[str]:
    yield f'<section id="{escape(findings.part)}">'
    yield f"<h2>{escape(findings.title)} {_badge(outcome_of_part(findings))}</h2>"
    yield f"<p><strong>{escape(summary(findings))}</strong></p>"
    yield f"<p class=soft>Repeat with <code>clustersim validate {escape(findings.part)}</code>.</p>"
    if findings.verdicts:
        yield from _table(VERDICT_HEADINGS, [verdict_cells(verdict) for verdict in findings.verdicts])
        yield from _notes([(verdict.statement, verdict.note) for verdict in findings.verdicts])
    yield prose(findings.introduction)
    yield from _figure(error_strips(findings), "Errors by section and series. Bars: medians. Shaded: allowed.")
    for section, checks in by_section(findings).items():
        yield f"<h3>{escape(section)}</h3>"
        yield prose(findings.sections.get(section, ""))
        yield from _figure(predicted_against_measured(checks), "On the line: predicted as measured.")
        if checks:
            yield from _rows(checks)
    if findings.reasons:
        yield "<h3>What is off, and why</h3>"
        yield prose(findings.reasons)
    yield "</section>"


def _figure(picture: str, caption: str) -> Iterator[str]:
    if picture:
        yield f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _rows(checks: Sequence[Check]) -> Iterator[str]:
    """All rows; of a long section the worst openly and all of them folded away."""
    if len(checks) <= _OPEN_ROWS:
        yield from _table(CHECK_HEADINGS, [check_cells(check) for check in checks])
    else:
        shown = [check_cells(check) for check in worst_first(checks)[:_OPEN_ROWS]]
        yield from _table(CHECK_HEADINGS, shown, f"the worst {_OPEN_ROWS} of {len(checks):,} rows")
        yield f"<details><summary>all {len(checks):,} rows</summary>"
        yield from _table(CHECK_HEADINGS, [check_cells(check) for check in checks])
        yield "</details>"
    yield from _notes([(check.name, check.note) for check in checks])


def _notes(notes: Sequence[tuple[str, str]]) -> Iterator[str]:
    lines = noted(notes)
    if lines:
        yield "<ul class=soft>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Iterator[str]:
    yield "<div class=wide><table>"
    if caption:
        yield f"<caption>{escape(caption)}</caption>"
    heads = (f"<th{_number(place, headings)}>{escape(heading)}</th>" for place, heading in enumerate(headings))
    yield f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"
    for row in rows:
        failing = ' class="failing"' if row[-1] == "FAILS" else ""
        cells = [f"<td{_number(place, headings)}>{escape(text)}</td>" for place, text in enumerate(row[:-1])]
        yield f'<tr{failing}>{"".join(cells)}<td class="{escape(row[-1].lower())}">{escape(row[-1])}</td></tr>'
    yield "</tbody></table></div>"


def _number(place: int, headings: Sequence[str]) -> str:
    return " class=number" if 0 < place < len(headings) - 1 else ""


def _foot(provenance: Mapping[str, str]) -> Iterator[str]:
    yield "<footer><h3>How this was made</h3>"
    yield f"<pre><code>{escape(provenance['command'])}</code></pre>"
    others = [f"{name} {value}" for name, value in provenance.items() if name not in ("command", "date")]
    yield f"<p class=soft>{escape(provenance['date'])}; {escape(', '.join(others))}</p></footer>"
