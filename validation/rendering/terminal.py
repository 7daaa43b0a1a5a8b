"""Findings on a terminal: verdicts, then for every section its failing rows and the largest errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from validation.checks import Check, Findings
from validation.rendering.cells import (
    CHECK_HEADINGS,
    VERDICT_HEADINGS,
    by_section,
    check_cells,
    outcome_of_part,
    summary,
    verdict_cells,
    worst_first,
)

__all__ = ["ROWS", "part_view"]

#: Rows of a section that are shown unless all are asked for.
ROWS = 12
_STYLES = {"FAILS": "bold red", "FAILED": "bold red", "ok": "green", "passed": "green", "skipped": "yellow"}


def part_view(findings: Findings, all_rows: bool = False) -> RenderableType:
    """One part. In the order of the part if all rows are shown, else the worst of each section first."""
    return Group(*_pieces(findings, all_rows))


def _pieces(findings: Findings, all_rows: bool) -> Iterator[RenderableType]:
    outcome = outcome_of_part(findings)
    yield Text.assemble((findings.title, "bold"), ": ", (outcome, _STYLES.get(outcome, "")), f"; {summary(findings)}")
    if findings.verdicts:
        yield _table(VERDICT_HEADINGS, [verdict_cells(verdict) for verdict in findings.verdicts])
    for section, checks in by_section(findings).items():
        if checks:
            yield _section(section, checks, all_rows)
    yield Text()


def _section(name: str, checks: Sequence[Check], all_rows: bool) -> Table:
    shown = list(checks) if all_rows or len(checks) <= ROWS else worst_first(checks)[:ROWS]
    table = _table(CHECK_HEADINGS, [check_cells(check) for check in shown], title=name)
    hidden = [check for check in checks if check not in shown] if len(shown) < len(checks) else []
    if hidden:
        failing = sum(check.passed is False for check in hidden)
        what = f"{failing} of them beyond the allowed error" if failing else "none of them beyond an allowed error"
        table.caption = Text(
            f"the worst {len(shown)} of {len(checks):,} rows; {len(hidden):,} more, {what}: --all-rows"
        )
    return table


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Table:
    table = Table(title=Text(title, style="bold") if title else None, title_justify="left", caption_justify="left")
    for place, heading in enumerate(headings):
        middle = 0 < place < len(headings) - 1
        table.add_column(heading, justify="right" if middle else "left", overflow="fold", no_wrap=middle)
    for row in rows:
        style = _STYLES.get(row[-1], "")
        table.add_row(*(Text(text) for text in row[:-1]), Text(row[-1], style=style))
    return table
