"""Findings as a report: what passed and what failed, then every part with its figures, rows and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simulator.report.html.document import (
    Block,
    Code,
    Figure,
    Folded,
    Heading,
    Notes,
    Prose,
    Repeat,
    Report,
    Section,
    Table,
    Words,
)
from simulator.report.html.page import render
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

__all__ = ["findings_report", "html_report"]

#: Rows of a section that are shown open; all of them fold out below.
_OPEN_ROWS = 15


def html_report(findings: Sequence[Findings], title: str, provenance: Mapping[str, str]) -> str:
    """The whole page."""
    return render(findings_report(findings, title, provenance))


def findings_report(findings: Sequence[Findings], title: str, provenance: Mapping[str, str]) -> Report:
    """What passed and what failed, then every part, then what made it."""
    rows = [(Words(part.title, anchor=part.part), _badge(part), summary(part)) for part in findings]
    sections = [Section(part.title, list(_part(part)), part.part, _badge(part)) for part in findings]
    return Report(title, [_answer(findings)], [Table(("part", "result", ""), rows)], sections, Repeat(provenance))


def _answer(findings: Sequence[Findings]) -> str:
    """How many parts passed, and the names of those that did not.

    Examples
    --------
    >>> _answer([Findings("paper", "Paper"), Findings("peers", "Peers", missing="not installed")])
    '1 of 2 parts: nothing that was judged has failed; skipped: Peers.'
    """
    ran = [part for part in findings if not part.missing]
    failed = ", ".join(part.title for part in ran if not part.passed)
    skipped = ", ".join(part.title for part in findings if part.missing)
    counted = f"{len(ran)} of {len(findings)} parts" if skipped else f"{len(ran)} part{'s' if len(ran) > 1 else ''}"
    outcome = f"beyond what is allowed: {failed}" if failed else "nothing that was judged has failed"
    return f"{counted}: {outcome}{f'; skipped: {skipped}' if skipped else ''}."


def _badge(findings: Findings) -> Words:
    outcome = outcome_of_part(findings)
    return Words(outcome, outcome.lower().replace(" ", "-"), badge=True)


def _part(findings: Findings) -> Iterator[Block]:
    yield Prose(f"**{_plain(summary(findings))}**")
    yield Code(f"clustersim validate {findings.part}")
    if findings.verdicts:
        yield _table(VERDICT_HEADINGS, [verdict_cells(verdict) for verdict in findings.verdicts])
        yield Notes(noted([(verdict.statement, verdict.note) for verdict in findings.verdicts]))
    yield Prose(findings.introduction)
    yield Figure(error_strips(findings), "Errors by section and series. Bars: medians. Shaded: allowed.")
    for section, checks in by_section(findings).items():
        yield Heading(section)
        yield Prose(findings.sections.get(section, ""))
        yield Figure(predicted_against_measured(checks), "On the line: predicted as measured.")
        if checks:
            yield from _rows(checks)
    if findings.reasons:
        yield Heading("What is off, and why")
        yield Prose(findings.reasons)


def _plain(text: str) -> str:
    """Text that Markdown leaves alone."""
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>&#" else letter for letter in text)


def _rows(checks: Sequence[Check]) -> Iterator[Block]:
    """All rows; of a long section the worst openly and all of them folded away."""
    rows = [check_cells(check) for check in checks]
    if len(checks) <= _OPEN_ROWS:
        yield _table(CHECK_HEADINGS, rows)
    else:
        shown = [check_cells(check) for check in worst_first(checks)[:_OPEN_ROWS]]
        yield _table(CHECK_HEADINGS, shown, f"the worst {_OPEN_ROWS} of {len(checks):,} rows")
        yield Folded(f"all {len(checks):,} rows", [_table(CHECK_HEADINGS, rows)])
    yield Notes(noted([(check.name, check.note) for check in checks]))


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Table:
    return Table(
        headings,
        [(*row[:-1], Words(row[-1], row[-1].lower())) for row in rows],
        caption,
        range(1, len(headings) - 1),
        {place: "failing" for place, row in enumerate(rows) if row[-1] == "FAILS"},
    )
