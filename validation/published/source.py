"""What a source of published measurements is to the validation: a table, its cases, their fits, words about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import nan
from statistics import median

from validation.checks import Check, Verdict
from validation.published.fitting import Case, Stage
from validation.published.jobs import Simulated
from validation.published.reference import Row

__all__ = ["ALLOWED", "Judged", "Source", "larger_scales", "median_error", "unseen"]

#: Largest median error of throughput at the larger scales.
ALLOWED = 0.10

#: A case and what was predicted for it.
Judged = tuple[Case, Check]


def larger_scales(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    """The median error over the predicted rows of the larger scales, whatever else they are."""
    rows = unseen(judged)
    return [
        Verdict(
            title, f"median error of throughput at the larger scales, {len(rows)} rows", median_error(rows), ALLOWED
        )
    ]


def unseen(judged: Iterable[Judged]) -> list[Check]:
    """Rows at the larger scales that no fit saw."""
    return [check for case, check in judged if case.larger and not check.fitted]


def median_error(checks: Sequence[Check]) -> float:
    """Median of the errors' sizes; no number without rows, which passes no verdict."""
    return median(abs(check.error) for check in checks) if checks else nan


@dataclass(frozen=True)
class Source:
    """One table.

    Attributes
    ----------
    name, title : str
        The key of its fits, short and unique, and how verdicts call it.
    table : str
        Name of the CSV without its ending.
    text : str
        Markdown: what was run and how it was mapped.
    stages : sequence of Stage
    cases : callable
        From the rows of the table to its cases.
    reasons : str
        Markdown: what is off and why.
    verdicts : callable
        From the title and all cases with their predictions to what is judged.
    """

    name: str
    title: str
    table: str
    text: str
    stages: Sequence[Stage]
    cases: Callable[[Sequence[Row], Simulated], list[Case]]
    reasons: str = ""
    verdicts: Callable[[str, Sequence[Judged]], list[Verdict]] = larger_scales
