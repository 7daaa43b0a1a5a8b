"""Findings as Markdown: verdicts first, then a table for every section, then the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

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
)

__all__ = ["cell", "part_markdown", "table"]


def part_markdown(findings: Findings, level: int = 1, pictures: Mapping[str, str] | None = None) -> str:
    """One part, under a heading of `level` (1 to 4).

    Parameters
    ----------
    pictures : mapping of str to str, optional
        Paths of plots by section; the one under "" stands under the verdicts.
    """
    return "\n".join(_lines(findings, "#" * level, pictures or {})).rstrip() + "\n"


def _lines(findings: Findings, hashes: str, pictures: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{hashes} {findings.title}", "")
    yield from (
        f"**{outcome_of_part(findings)}**: {summary(findings)}. Repeat with `clustersim validate {findings.part}`.",
        "",
    )
    if findings.introduction:
        yield from (findings.introduction.strip(), "")
    if findings.verdicts:
        yield from table(VERDICT_HEADINGS, map(verdict_cells, findings.verdicts))
        yield from _notes((verdict.statement, verdict.note) for verdict in findings.verdicts)
    if "" in pictures:
        yield from (f"![residuals of all sections]({pictures['']})", "")
    for section, checks in by_section(findings).items():
        yield from (f"{hashes}# {section}", "")
        if findings.sections.get(section):
            yield from (findings.sections[section].strip(), "")
        if section in pictures:
            yield from (f"![predicted against measured: {section}]({pictures[section]})", "")
        if checks:
            yield from _check_table(checks)
    if findings.reasons:
        yield from (f"{hashes}# What is off, and why", "", findings.reasons.strip(), "")


def _check_table(checks: Sequence[Check]) -> Iterator[str]:
    yield from table(CHECK_HEADINGS, map(check_cells, checks))
    yield from _notes((check.name, check.note) for check in checks)


def _notes(notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    found = noted(notes)
    if found:
        yield from (*(f"- {cell(line)}" for line in found), "")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, a line at a time; columns between the first and the last stand to the right."""
    yield f"| {' | '.join(map(cell, headings))} |"
    yield "|---|" + "---:|" * (len(headings) - 2) + "---|"
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"
    yield ""


def cell(text: str) -> str:
    """Text that stays one cell and no markup.

    Examples
    --------
    >>> cell("a|b <i>" + chr(10) + "c")
    'a\\\\|b &lt;i> c'
    """
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
