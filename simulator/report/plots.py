"""Plots for files: breakdown bars of several runs, and the timeline of a few steps. Need matplotlib (an extra)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError
from simulator.figures import figure_for, save_figure
from simulator.trace.spans import Category, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.result import Result

__all__ = ["COLOURS", "breakdown_bars", "timeline"]

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS: Mapping[str, str] = {
    Category.GPU_GPU_PARAMETERS: "#56B4E9",
    Category.CPU_GPU_DATA: "#F0E442",
    Category.CPU_GPU_PARAMETERS: "#D55E00",
    Category.NODE_NODE_PARAMETERS: "#CC79A7",
    Category.FORWARD_BACKWARD: "#009E73",
    Category.DEVICE_UPDATE: "#0072B2",
    Category.HOST_UPDATE: "#E69F00",
    Category.IDLE: "#DDDDDD",
}
_DPI = 150


def breakdown_bars(rows: Sequence[tuple[str, Result]], path: Path, title: str) -> None:
    """One stacked bar a run: time a gradient along the critical path, by part.

    Raises
    ------
    InputError
        If matplotlib is missing, or the file cannot be written or has another suffix.
    """
    figure = figure_for(path, 8.0, 1.3 + 0.5 * len(rows), layout="constrained")
    axes = figure.add_subplot()
    names = [name for name, _ in rows]
    left = [0.0] * len(rows)
    for part, colour in COLOURS.items():
        widths = [result.breakdown[part] / result.gradients * 1e3 for _, result in rows]
        if max(widths) > 1e-9 * max(result.time_per_gradient * 1e3 for _, result in rows):
            axes.barh(names, widths, left=left, color=colour, label=part.replace("_", " "), height=0.7)
        left = [position + width for position, width in zip(left, widths, strict=True)]
    for place, (_, result) in enumerate(rows):
        axes.text(left[place], place, f" {result.communication_ratio:.0%} communication", va="center", fontsize=8)
    axes.set_xlim(0, 1.4 * max(left))
    axes.invert_yaxis()
    axes.set_xlabel("time a gradient [ms]")
    axes.set_title(title, fontsize=10, loc="left")
    _legend_below(figure, axes)
    save_figure(figure, path, _DPI)


def timeline(trace: Trace, path: Path, first: int, last: int) -> None:
    """Every rank's lanes over the steps `first` to `last` (both included), a box a span, coloured by part.

    Raises
    ------
    InputError
        If the trace has no such steps; else as `breakdown_bars`.
    """
    spans = [span for span in trace.spans if first <= span.step <= last]
    if not spans:
        steps = max((span.step for span in trace.spans), default=0)
        raise InputError(f"steps {first} to {last}: expected steps between 0 and {steps}")
    lanes = sorted({(span.rank, span.lane) for span in spans})
    rows = {lane: place for place, lane in enumerate(lanes)}
    roles = {rank.index: f"{rank.role} {rank.index} {rank.device}" for rank in trace.ranks}
    begin = min(span.start for span in spans)
    figure = figure_for(path, 10.0, 1.2 + 0.3 * len(lanes), layout="constrained")
    axes = figure.add_subplot()
    used = set()
    for span in spans:
        label = None if span.category in used else span.category.replace("_", " ")
        used.add(span.category)
        axes.barh(
            rows[span.rank, span.lane],
            span.duration * 1e3,
            left=(span.start - begin) * 1e3,
            color=COLOURS.get(span.category, "#555555"),
            edgecolor="white",
            linewidth=0.3,
            height=0.8,
            label=label,
        )
    axes.set_yticks(range(len(lanes)), [f"{roles[rank]} · {lane}" for rank, lane in lanes], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel(f"time since the start of step {first} [ms]")
    _legend_below(figure, axes)
    save_figure(figure, path, _DPI)


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
