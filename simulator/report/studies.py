"""Studies in the terminal: a row for each point, the varied keys first, and why some points have no result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.planning.axes import ALGORITHM
from simulator.planning.scaling import COUNTS
from simulator.report.tables import percent
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.replicates import Interval
    from simulator.planning.study import Row, Study

__all__ = ["short_names", "study_title", "study_view"]

#: Rows that people read in a terminal; of more, the fastest are shown.
_MOST_ROWS = 60
_MOST_REASONS = 8


def study_view(study: Study, width: int = 150) -> RenderableType:
    """A table of the points that have a result, and the reasons of those that have none."""
    done = [row for row in study.table if row.values]
    shown = done
    if len(done) > _MOST_ROWS:
        shown = sorted(done, key=lambda row: -row.values["throughput_samples_per_s"].mean)[:_MOST_ROWS]
    parts: list[RenderableType] = []
    if shown:
        parts.append(_table(study, shown, width))
    if len(shown) < len(done):
        text = f"the {len(shown)} with the highest throughput of {len(done):,}; --csv and --json write all"
        parts.append(Text(text, style="dim"))
    if study.replicates > 1 and done and all(_exact(row) for row in done):
        parts.append(Text("all replicates are equal: nothing in these scenarios is random", style="yellow"))
    return Group(*parts, *_reasons(study))


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The last part of each dotted key, or the whole key where two would look the same.

    Examples
    --------
    >>> short_names(["cluster.nodes", "algorithm.name", "network.model"])
    {'cluster.nodes': 'nodes', 'algorithm.name': 'algorithm', 'network.model': 'model'}
    >>> short_names(["network.model", "learning.model"])
    {'network.model': 'network.model', 'learning.model': 'learning.model'}
    """
    last = {key: "algorithm" if key == ALGORITHM else key.rsplit(".", 1)[-1] for key in keys}
    names = list(last.values())
    return {key: name if names.count(name) == 1 else key for key, name in last.items()}


@dataclass(frozen=True)
class _Column:
    """A column of numbers: the name of its metric, how it is headed and written, and which columns go first when
    the terminal is narrow (the higher the rank, the sooner)."""

    metric: str
    heading: str
    write: Callable[[float], str]
    rank: int
    spread: bool = False


_COLUMNS = (
    _Column("workers", "workers", lambda value: f"{value:,.0f}", 3),
    _Column("step_time_s", "step", lambda value: format_quantity(value, "time"), 1, spread=True),
    _Column("throughput_samples_per_s", "samples/s", lambda value: f"{value:,.0f}", 0, spread=True),
    _Column("time_s", "time", lambda value: format_quantity(value, "time"), 1, spread=True),
    _Column("expected_time_s", "with\nfailures", lambda value: format_quantity(value, "time"), 2),
    _Column("reached_at_s", "to\naccuracy", lambda value: format_quantity(value, "time"), 0, spread=True),
    _Column("best_accuracy", "best\naccuracy", lambda value: f"{value:.1%}", 4),
    _Column("communication_ratio", "comm", percent, 5),
    _Column("cost_usd", "cost", lambda value: format_quantity(value, "money"), 2),
    _Column("energy_j", "energy", lambda value: format_quantity(value, "energy"), 4),
    _Column("memory_bytes", "memory", lambda value: format_quantity(value, "size"), 4),
)


def _table(study: Study, rows: Sequence[Row], width: int) -> Table:
    """As many columns as fit the width, the least important ones left out first."""
    rank = max(column.rank for column in _COLUMNS)
    while True:
        table, needed = _with_columns(study, rows, [column for column in _COLUMNS if column.rank <= rank])
        if needed <= width or rank == 0:
            if rank < max(column.rank for column in _COLUMNS):
                table.caption = f"{table.caption}; more columns in a wider terminal, --csv or --json"
            return table
        rank -= 1


def _with_columns(study: Study, rows: Sequence[Row], columns: Sequence[_Column]) -> tuple[Table, int]:
    """The table, and how wide it is."""
    keys = study.keys
    used = [column for column in columns if any(column.metric in row.values for row in rows)]
    counts = [row.values["workers"].mean for row in rows]
    if len(set(counts)) == 1 or any(counts == [row.point.get(key) for row in rows] for key in COUNTS):
        used = [column for column in used if column.metric != "workers"]
    efficient = any(row.efficiency is not None for row in rows)
    names = short_names(keys)
    cells = [[*(names[key] for key in keys), *(column.heading for column in used)]]
    cells[0] += ["efficiency"] * efficient + ["bound by"]
    for row in rows:
        line = [_value(row.point[key]) for key in keys]
        line += [_cell(column, row) for column in used]
        line += ([percent(row.efficiency)] if row.efficiency is not None else [""]) * efficient
        cells.append([*line, row.bounded_by.replace("_", " ")])
    table = Table(title=escape(study_title(study)), title_justify="left", caption_justify="left")
    table.caption = "time of the whole run; memory of the fullest worker" + (
        "; efficiency = throughput a worker over that of the fewest workers" * efficient
    )
    if study.replicates > 1:
        table.caption += f"; ± half a 95 % interval over {study.replicates} seeds"
    for place, heading in enumerate(cells[0]):
        numbers = place >= len(keys) or all(_number(row.point[keys[place]]) for row in rows)
        text = not numbers or place == len(cells[0]) - 1
        table.add_column(escape(heading), justify="left" if text else "right", no_wrap=True)
    for line in cells[1:]:
        table.add_row(*map(escape, line))
    widths = [max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*cells, strict=True)]
    return table, sum(widths) + 3 * len(widths) + 1


def study_title(study: Study) -> str:
    """What all points have in common, in a line."""
    tables, keys = study.scenario.tables, set(study.keys)
    nodes = "" if "cluster.nodes" in keys else f"{tables.cluster.nodes} × "
    system = "several systems" if "cluster.system" in keys else f"{nodes}{tables.cluster.system}"
    network = "several networks" if "workload.network" in keys else tables.workload.network
    algorithm = "" if "algorithm.name" in keys else f", {tables.algorithm.name}"
    batch = "" if "workload.batch_size" in keys else f", batch {tables.workload.batch_size} a worker"
    return f"{network} on {system}{algorithm}{batch}"


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(column: _Column, row: Row) -> str:
    found: Interval | None = row.values.get(column.metric)
    if found is None:
        return ""
    text = column.write(found.mean)
    if not column.spread or math.isnan(found.half_width):
        return text
    return f"{text} ± {percent(found.half_width / found.mean) if found.mean else '0%'}"


def _exact(row: Row) -> bool:
    return all(value.half_width == 0 for value in row.values.values() if value.replicates > 1)


def _reasons(study: Study) -> list[Text]:
    """Why points have no result: each reason once, with the points it holds for."""
    points: dict[tuple[str, str], list[str]] = {}
    names = short_names(study.keys)
    for row in study.table:
        if row.status != "done":
            where = ", ".join(f"{names[key]}={_value(value)}" for key, value in row.point.items())
            points.setdefault((row.status, row.message), []).append(where)
    lines = []
    for (status, message), places in list(points.items())[:_MOST_REASONS]:
        others = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
        style = "yellow" if status == "infeasible" else "red"
        lines.append(Text(f"{status}: {places[0]}{others}: {message}", style=style))
    if len(points) > _MOST_REASONS:
        lines.append(Text(f"and {len(points) - _MOST_REASONS:,} more reasons; --csv and --json write all", style="dim"))
    return lines
