"""The report of a comparison by time to accuracy: which method gets there first, and every method's curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

from simulator.report.html.comparison import scenarios_of
from simulator.report.html.curves import accuracy_figure
from simulator.report.html.document import Block, Figure, Notes, Repeat, Report, Section, Table
from simulator.report.html.numbers import percent
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.replicates import TimeToAccuracy

__all__ = ["time_to_accuracy_report"]


def time_to_accuracy_report(rows: Sequence[TimeToAccuracy], provenance: Mapping[str, str]) -> Report:
    """The report of ``compare --until``; `rows` as in `simulator.planning.replicates.time_to_accuracy`."""
    learned = rows[0].results[0]["learning"]
    title = f"Time to a test accuracy of {percent(rows[0].target)}"
    runs = [(row.name, [result["learning"]["curve"] for result in row.results]) for row in rows]
    picture = accuracy_figure(runs, rows[0].target)
    words = "Lines: means over the seeds. Bands: from the least to the most."
    note = (
        f"Gradients of {learned['model']} ({learned['parameters']:,} parameters) on {learned['data']}, times of "
        f"{learned['rides_on']}; intervals are of the seeds that reached the target."
    )
    blocks: list[Block] = [_table(rows), Notes([note]), Notes(_warnings(rows), "warning")]
    section = Section("Accuracy against simulated time", [Figure(picture, words)])
    repeat = Repeat(provenance, scenarios_of([(row.name, row.results[0]) for row in rows]), rows[0].results[0]["seed"])
    return Report(title, [_answer(rows)], blocks, [section], repeat)


def _answer(rows: Sequence[TimeToAccuracy]) -> str:
    reached = [row for row in rows if row.reached]
    if not reached:
        best = max(rows, key=lambda row: -1.0 if isnan(row.best_accuracy.mean) else row.best_accuracy.mean)
        return f"None of {len(rows)} reached it; the best was {best.name} with {percent(best.best_accuracy.mean)}."
    always = [row for row in reached if row.reached == row.replicates] or reached
    first = min(always, key=lambda row: row.times.mean)
    seeds = f"with {first.reached} of {first.replicates} seeds"
    return f"{first.name} gets there first: in {_time(first)} of simulated time, {seeds}."


def _time(row: TimeToAccuracy) -> str:
    mean = format_quantity(row.times.mean, "time")
    return mean if isnan(row.times.half_width) else f"{mean} ± {format_quantity(row.times.half_width, 'time', 2)}"


def _table(rows: Sequence[TimeToAccuracy]) -> Table:
    cells = [
        (
            row.name,
            _time(row) if row.reached else "not reached",
            f"{row.reached} of {row.replicates}",
            f"{row.gradients.mean:,.0f}" if row.reached else "",
            "" if isnan(row.best_accuracy.mean) else percent(row.best_accuracy.mean),
        )
        for row in rows
    ]
    headings = ("run", "time, 95 % interval", "seeds that reached it", "gradients", "best accuracy")
    return Table(headings, cells, "simulated time to the target", (1, 2, 3, 4))


def _warnings(rows: Sequence[TimeToAccuracy]) -> list[str]:
    """Of runs that were stopped short of the target, each once."""
    found = [
        f"{row.name}: {text}"
        for row in rows
        for result in row.results
        if result["learning"]["reached_at_s"] is None
        for text in result["warnings"]
        if "diverged" in text or "not reached" in text
    ]
    return list(dict.fromkeys(found))
