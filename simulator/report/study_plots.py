"""Studies as figures: scaling curves where a count is varied, else throughput against each varied key."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError
from simulator.figures import figure_for, save_figure
from simulator.planning.scaling import series_of
from simulator.report.studies import short_names, study_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.planning.study import Row, Study

__all__ = ["study_plot"]

# Okabe and Ito's palette, which colour-blind readers can tell apart; markers and dashes for those who see no colour.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", "--", "-.", ":")
_DPI = 150
#: More lines than anybody can tell apart.
_MOST_LINES = 20


def study_plot(study: Study, path: Path) -> None:
    """Draw the points that have a result.

    Raises
    ------
    InputError
        If there is none, matplotlib is missing, or the file cannot be written.
    """
    rows = [row for row in study.table if row.values]
    if not rows:
        raise InputError(f"{path}: no point of the study has a result to draw")
    numeric = [key for key in study.keys if _is_numeric(rows, key)]
    if any(row.efficiency is not None for row in rows):
        figure = _scaling(study, rows, path)
    elif numeric and _is_sample(study):
        figure = _scatter(study, rows, numeric, path)
    elif numeric:
        longest = max(numeric, key=lambda key: len({row.point[key] for row in rows}))
        figure = _curves(rows, longest, path)
    else:
        figure = _bars(rows, path)
    figure.suptitle(study_title(study), fontsize=10, x=0.01, ha="left")
    save_figure(figure, path, _DPI)


def _is_numeric(rows: Sequence[Row], key: str) -> bool:
    values = {row.point[key] for row in rows if not isinstance(row.point[key], bool | list | dict)}
    return len(values) > 1 and all(isinstance(value, int | float) for value in values)


def _is_sample(study: Study) -> bool:
    """Whether the points are far fewer than the combinations of their values: not a grid."""
    combinations = math.prod(len({repr(row.point[key]) for row in study.table}) for key in study.keys)
    return not study.tied and combinations > 1.5 * len(study.table)


def _scaling(study: Study, rows: Sequence[Row], path: Path) -> Figure:
    """Throughput and efficiency against the number of workers, a line for each combination of the other keys."""
    figure = figure_for(path, 10.0, 4.6, layout="constrained")
    speed, share = figure.subplots(1, 2)
    lines: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        lines[series_of(row.point, study.tied)].append(row)
    most = max(row.values["workers"].mean for row in rows)
    for number, line in enumerate(_drawn(figure, lines)):
        line = sorted(line, key=lambda row: row.values["workers"].mean)
        workers = [row.values["workers"].mean for row in line]
        style = _style(number, _series_label(study, line))
        _errorbar(speed, workers, line, style)
        first = line[0].values["throughput_samples_per_s"].mean
        ideal = {"color": style["color"], "linestyle": ":", "linewidth": 1, "label": "" if number else "ideal"}
        speed.plot([workers[0], most], [first, first * most / workers[0]], zorder=1, **ideal)
        share.plot(workers, [100 * (row.efficiency or 0.0) for row in line], **style)
    counts = sorted({row.values["workers"].mean for row in rows})
    speed.set_yscale("log", base=2)
    speed.yaxis.set_major_formatter(_thousands)
    for axes in (speed, share):
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,.0f}" for count in counts], rotation=0 if len(counts) < 9 else 60)
        axes.minorticks_off()
        axes.set_xlabel("workers")
        axes.grid(True, alpha=0.3)
    speed.set_ylabel("throughput [samples/s]")
    share.set_ylabel("throughput a worker, of that of the fewest [%]")
    share.set_ylim(0, max(105.0, 105 * max(row.efficiency or 0.0 for row in rows)))
    _legend_below(figure, speed)
    return figure


def _curves(rows: Sequence[Row], key: str, path: Path) -> Figure:
    """Throughput against a varied number, a line for each combination of the other keys."""
    figure = figure_for(path, 7.0, 4.6, layout="constrained")
    axes = figure.subplots()
    lines: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        lines[tuple(repr(value) for other, value in row.point.items() if other != key)].append(row)
    for number, line in enumerate(_drawn(figure, lines)):
        line = sorted(line, key=lambda row: row.point[key])
        others = {other: value for other, value in line[0].point.items() if other != key}
        values = [row.point[key] for row in line]
        _errorbar(axes, values, line, _style(number, _label(others)))
    _number_axis(axes, rows, key)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(_thousands)
    axes.set_ylabel("throughput [samples/s]")
    if len(lines) > 1:
        _legend_below(figure, axes)
    return figure


def _scatter(study: Study, rows: Sequence[Row], keys: Sequence[str], path: Path) -> Figure:
    """Throughput against each varied number, a panel each; a colour for each combination of the other keys."""
    figure = figure_for(path, 1.0 + 3.4 * len(keys), 4.4, layout="constrained")
    panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
    others = [key for key in study.keys if key not in keys]
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(repr(row.point[key]) for key in others)].append(row)
    for axes, key in zip(panels, keys, strict=True):
        for number, group in enumerate(_drawn(figure, groups)):
            style = {**_style(number, _label({key: group[0].point[key] for key in others})), "linestyle": "none"}
            speeds = [row.values["throughput_samples_per_s"].mean for row in group]
            axes.plot([row.point[key] for row in group], speeds, alpha=0.7, **style)
        _number_axis(axes, rows, key)
    panels[0].yaxis.set_major_formatter(_thousands)
    panels[0].set_ylabel("throughput [samples/s]")
    if len(groups) > 1:
        _legend_below(figure, panels[0])
    return figure


def _bars(rows: Sequence[Row], path: Path) -> Figure:
    """Throughput of each point."""
    figure = figure_for(path, 8.0, 1.2 + 0.32 * len(rows), layout="constrained")
    axes = figure.subplots()
    found = [row.values["throughput_samples_per_s"] for row in rows]
    errors = [0.0 if value.replicates < 2 else value.half_width for value in found]
    means = [value.mean for value in found]
    axes.barh([_label(row.point) for row in rows], means, xerr=errors, color=_COLOURS[0], capsize=2)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(_thousands)
    axes.set_xlabel("throughput [samples/s]")
    return figure


def _number_axis(axes: Axes, rows: Sequence[Row], key: str) -> None:
    """Logarithmic where the values span more than a factor of 16, and most of them lie at its lower end."""
    values = sorted(row.point[key] for row in rows)
    if 0 < min(values) < max(values) / 16 and values[len(values) // 2] < max(values) / 4:
        axes.set_xscale("log")
        if len(set(values)) <= 10:
            axes.set_xticks(sorted(set(values)), [f"{value:g}" for value in sorted(set(values))])
            axes.minorticks_off()
    axes.set_xlabel(key)
    axes.grid(True, alpha=0.3)


def _errorbar(axes: Axes, places: Sequence[float], line: Sequence[Row], style: dict[str, Any]) -> None:
    found = [row.values["throughput_samples_per_s"] for row in line]
    errors = [0.0 if value.replicates < 2 else value.half_width for value in found]
    axes.errorbar(places, [value.mean for value in found], yerr=errors if any(errors) else None, capsize=3, **style)


def _style(number: int, label: str) -> dict[str, Any]:
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": _DASHES[number // len(_COLOURS) % len(_DASHES)],
        "markersize": 5,
        "linewidth": 1.5,
        "label": label,
    }


def _drawn(figure: Figure, lines: dict[Hashable, list[Row]]) -> list[list[Row]]:
    """As many lines as can be told apart; that there are more is said."""
    if len(lines) > _MOST_LINES:
        text = f"the first {_MOST_LINES} of {len(lines)} combinations"
        figure.supxlabel(text, fontsize=8, x=0.99, ha="right")
    return list(lines.values())[:_MOST_LINES]


def _series_label(study: Study, line: Sequence[Row]) -> str:
    """The values that all points of a line share, of the keys that differ within the study."""
    shared = {key: value for key, value in line[0].point.items() if all(row.point[key] == value for row in line)}
    return _label(shared) or "simulated"


def _label(point: dict[str, Any]) -> str:
    names = short_names(list(point))
    return ", ".join(str(v) if isinstance(v, str) else f"{names[k]} {v}" for k, v in point.items())


def _thousands(value: float, _place: float) -> str:
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
