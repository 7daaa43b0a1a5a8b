"""What a table says of a check or a verdict, as text; the same on a terminal, in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isnan

from simulator.report.html.numbers import number, percent
from validation.checks import Check, Findings, Verdict

__all__ = [
    "CHECK_HEADINGS",
    "VERDICT_HEADINGS",
    "by_section",
    "check_cells",
    "noted",
    "outcome",
    "outcome_of_part",
    "summary",
    "verdict_cells",
    "worst_first",
]

CHECK_HEADINGS = ("row", "predicted", "measured", "error", "allowed", "")
#: Rows that a note names before it counts.
_NAMED = 4
VERDICT_HEADINGS = ("verdict", "value", "bound", "")


def outcome(passed: bool | None, fitted: bool = False) -> str:
    """One word for the last column; empty for what is not judged."""
    if fitted:
        return "fitted"
    return "" if passed is None else "ok" if passed else "FAILS"


def outcome_of_part(findings: Findings) -> str:
    """``passed``, ``FAILED``, ``skipped``, or ``not judged`` where there is nothing that could have failed."""
    if findings.missing:
        return "skipped"
    if not findings.passed:
        return "FAILED"
    judged = any(check.passed is not None for check in findings.checks) or findings.verdicts
    return "passed" if judged else "not judged"


def check_cells(check: Check) -> tuple[str, ...]:
    """Row, predicted, measured, error, allowed, outcome; see `CHECK_HEADINGS`."""
    confidence = f" ({check.confidence})" if check.confidence else ""
    return (
        f"{check.name}: {check.series}" if check.series and check.series not in check.name else check.name,
        number(check.predicted, check.unit),
        number(check.measured, check.unit) + confidence,
        percent(check.error, signed=True),
        "" if check.allowed is None or check.fitted else f"± {percent(check.allowed)}",
        outcome(check.passed, check.fitted),
    )


def verdict_cells(verdict: Verdict) -> tuple[str, ...]:
    """Statement, value, bound, outcome; see `VERDICT_HEADINGS`."""
    show = percent if verdict.unit == "%" else lambda value: number(value, verdict.unit)
    section = f"{verdict.section}: " if verdict.section else ""
    return (
        section + verdict.statement,
        show(verdict.value),
        f"{verdict.sense} {show(verdict.bound)}",
        outcome(verdict.passed),
    )


def by_section(findings: Findings) -> dict[str, list[Check]]:
    """Checks by section, both in the order in which the part gives them; sections that have only text are there too."""
    sections: dict[str, list[Check]] = {check.section: [] for check in findings.checks}
    sections |= {name: [] for name in findings.sections if name not in sections}
    for check in findings.checks:
        sections[check.section].append(check)
    return sections


def worst_first(checks: Sequence[Check]) -> list[Check]:
    """Failing rows, then those that are judged, then the rest; in each the largest error first."""
    rank = {False: 0, True: 1, None: 2}

    def size(check: Check) -> float:
        return inf if isnan(check.error) else abs(check.error)

    return sorted(checks, key=lambda check: (rank[check.passed], check.fitted, -size(check)))


def noted(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Lines for the (row, note) pairs that have a note, one for each note: "a, b and 3 more: the note".

    Examples
    --------
    >>> noted([("8 nodes", "odd"), ("16 nodes", ""), ("32 nodes", "odd")])
    ['8 nodes, 32 nodes: odd']
    """
    names: dict[str, list[str]] = {}
    for name, note in rows:
        if note and name not in names.setdefault(note, []):
            names[note].append(name)
    lines = []
    for note, found in names.items():
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        lines.append(f"{', '.join(found[:_NAMED])}{more}: {note}")
    return lines


def summary(findings: Findings) -> str:
    """One line: how many rows and verdicts were judged, and how many of them fail."""
    if findings.missing:
        return findings.missing
    judged = [check for check in findings.checks if check.passed is not None]
    failing = sum(not check.passed for check in judged)
    seen = sum(check.fitted for check in findings.checks)
    shown = len(findings.checks) - len(judged) - seen
    parts = []
    if judged:
        parts.append(f"{failing} of {_counted(len(judged), 'judged row')} beyond the allowed error")
    if findings.verdicts:
        missed = sum(not verdict.passed for verdict in findings.verdicts)
        parts.append(f"{missed} of {_counted(len(findings.verdicts), 'verdict')} missed")
    if seen:
        parts.append(f"{_counted(seen, 'row')} that the fit saw")
    if shown:
        parts.append(f"{_counted(shown, 'row')} shown, not judged alone")
    return "; ".join(parts)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
