"""Time to accuracy: a table with intervals, its JSON, and accuracy against simulated time as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.figures import figure_for, save_figure
from simulator.planning.replicates import Interval, TimeToAccuracy
from simulator.units import format_quantity

__all__ = ["accuracy_curves", "time_to_accuracy_document", "time_to_accuracy_table"]

SCHEMA = "clustersim/time-to-accuracy/1"
_STYLES = ("-", "--", ":", "-.")


def time_to_accuracy_table(rows: Sequence[TimeToAccuracy]) -> RenderableType:
    """A row a method: simulated time to the target with its interval, how often reached, gradients, asynchrony."""
    table = Table(title=f"simulated time to a test accuracy of {rows[0].target:g}", title_justify="left")
    table.add_column("run", no_wrap=True)
    for heading in ("time", "95 % interval", "reached", "gradients", "best accuracy", "staleness", "lost updates"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        time = format_quantity(row.times.mean, "time") if row.reached else "not reached"
        table.add_row(
            escape(row.name),
            time,
            _around(row.times) if row.reached else "",
            f"{row.reached}/{row.replicates}",
            f"{row.gradients.mean:,.0f}" if row.reached else "",
            f"{row.best_accuracy.mean:.1%}",
            *_asynchrony_cells(row),
        )
    learned = rows[0].results[0]["learning"]
    note = (
        f"gradients of {learned['model']} ({learned['parameters']:,} parameters) on {learned['data']}, "
        f"times of {learned['rides_on']}; intervals are of the replicates that reached the target"
    )
    warnings = [Text(f"warning: {row.name}: {text}", style="yellow") for row in rows for text in _first_warnings(row)]
    return Group(table, Text(note), *warnings)


def _first_warnings(row: TimeToAccuracy) -> list[str]:
    """Warnings of the first replicate that was stopped short of the target, without the note every run has."""
    for result in row.results:
        if result["learning"]["reached_at_s"] is None:
            return [text for text in result["warnings"] if "diverged" in text or "not reached" in text]
    return []


def _around(values: Interval) -> str:
    return "one replicate" if values.replicates < 2 else f"± {format_quantity(values.half_width, 'time', 2)}"


def _asynchrony_cells(row: TimeToAccuracy) -> tuple[str, str]:
    found = [result["asynchrony"] for result in row.results if result["asynchrony"] is not None]
    if not found:
        return "", ""
    staleness = float(np.mean([use["staleness"]["mean"] for use in found]))
    lost = sum(use["lost_updates"] for use in found) / sum(use["updates"] for use in found)
    return f"{staleness:.2f}", f"{lost:.2%}"


def time_to_accuracy_document(rows: Sequence[TimeToAccuracy]) -> dict[str, Any]:
    """The JSON of a comparison; each row holds the full result of every replicate."""

    def numbers(values: Interval) -> dict[str, Any]:
        half_width = None if values.replicates < 2 else values.half_width
        mean = values.mean if values.replicates else None
        return {"mean": mean, "half_width_95": half_width, "replicates": values.replicates}

    return {
        "schema": SCHEMA,
        "target_accuracy": rows[0].target,
        "rows": [
            {
                "name": row.name,
                "time_s": numbers(row.times),
                "reached": row.reached,
                "replicates": row.replicates,
                "gradients": numbers(row.gradients),
                "best_accuracy": numbers(row.best_accuracy),
                "results": list(row.results),
            }
            for row in rows
        ],
    }


def accuracy_curves(rows: Sequence[TimeToAccuracy], path: Path) -> None:
    """Test error against simulated time, a line a method (the mean of its replicates), a band from least to most.

    Raises
    ------
    InputError
        If matplotlib is missing, or the file cannot be written or has another suffix.
    """
    figure = figure_for(path, 9.0, 5.5, layout="constrained")
    axes = figure.add_subplot()
    for number, row in enumerate(rows):
        times, errors = _common_curve(row)
        style = _STYLES[number // 10 % len(_STYLES)]
        (line,) = axes.plot(times, errors.mean(axis=0), style, label=row.name, linewidth=1.5)
        axes.fill_between(times, errors.min(axis=0), errors.max(axis=0), color=line.get_color(), alpha=0.12)
    axes.axhline(1.0 - rows[0].target, color="#555555", linewidth=0.8, linestyle=":")
    axes.set_xlabel("simulated time [s]")
    axes.set_ylabel("test error")
    axes.set_yscale("log")
    axes.set_xscale("log")
    axes.grid(visible=True, which="both", alpha=0.2)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    save_figure(figure, path, dpi=150)


def _common_curve(row: TimeToAccuracy) -> tuple[Any, Any]:
    """Error of each replicate at common times, shape (times,) and (replicates, times); held once a replicate ends."""
    curves = [result["learning"]["curve"] for result in row.results]
    first = min(point["time_s"] for curve in curves for point in curve if point["time_s"] > 0)
    last = max(point["time_s"] for curve in curves for point in curve)
    times = np.geomspace(first, last, 200) if last > first else np.array([last])
    errors = [
        np.interp(times, [p["time_s"] for p in curve], [max(1.0 - p["accuracy"], 1e-4) for p in curve])
        for curve in curves
    ]
    return times, np.array(errors)
