"""The report of a study: the best points, how throughput grows along what was varied, what it costs, every point."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.report.html.document import Block, Facts, Folded, Notes, Repeat, Report, Section, Table
from simulator.report.html.numbers import percent
from simulator.report.html.parts import part
from simulator.report.html.run import readable_toml
from simulator.report.html.study_figures import (
    SPEED,
    Record,
    cost_sections,
    curves,
    half_width,
    point_name,
    short,
    value_words,
)
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.study import Study

__all__ = ["study_report"]

#: Rows that are shown openly, and at all; reasons that are listed.
_OPEN_ROWS, _MOST_ROWS, _MOST_REASONS = 30, 1000, 20


def study_report(study: Study, provenance: Mapping[str, str]) -> Report:
    """The report of a study; `provenance` as in `simulator.report.html.provenance`."""
    tables = study.scenario.tables
    rows = study.rows()
    done = [row for row in rows if row[SPEED] is not None]
    title = f"{tables.workload.network}: {', '.join(short(key) for key in study.keys)}"
    sections = [Section("What was varied", list(curves(study, done))), *cost_sections(study, done)]
    if done:
        sections.append(Section("Every point", list(_points(study, done))))
    reasons = _reasons(study, rows)
    if reasons:
        sections.append(Section("Points without a result", [Notes(reasons, "warning")]))
    scenario = readable_toml(tables.model_dump(mode="json", exclude_none=True))
    repeat = Repeat(provenance, [("the scenario that was varied, in full", scenario)], tables.simulation.seed)
    return Report(title, [_answer(study, rows, done)], [Facts(_facts(study, rows))], sections, repeat)


def _answer(study: Study, rows: Sequence[Record], done: Sequence[Record]) -> str:
    if not done:
        return f"None of the {len(rows)} points has a result."
    best = max(done, key=lambda row: float(row[SPEED]))
    interval = half_width(best, SPEED)
    around = "" if interval is None else f" ± {interval:,.0f}"
    bound = part(best["bounded_by"]).words
    many = f"the fastest of {len(done)} points" if len(done) > 1 else "the one point"
    return f"{point_name(study, best)} is {many}: {best[SPEED]:,.0f}{around} samples/s, bound by {bound}."


def _facts(study: Study, rows: Sequence[Record]) -> list[tuple[str, str]]:
    counts = Counter(str(row["status"]) for row in rows)
    points = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    facts = [("points", f"{len(rows):,}: {points}")]
    if study.replicates > 1:
        facts.append(("seeds of each", f"{study.replicates}; intervals are at 95 %"))
    for key in study.keys:
        values = list(dict.fromkeys(value_words(row[key]) for row in rows))
        shown = ", ".join(values[:12]) + (f" and {len(values) - 12} more" if len(values) > 12 else "")
        facts.append((key, shown))
    return facts


# Tables ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of numbers: which, how it is headed and written, and whether its interval is worth showing."""

    metric: str
    heading: str
    write: Callable[[float], str]
    spread: bool = False


def _time(value: float) -> str:
    return format_quantity(value, "time")


def _count(value: float) -> str:
    return f"{value:,.0f}"


_COLUMNS = (
    _Column("workers", "workers", _count),
    _Column(SPEED, "samples/s", _count, spread=True),
    _Column("step_time_s", "step", _time, spread=True),
    _Column("time_s", "time", _time, spread=True),
    _Column("expected_time_s", "with failures", _time),
    _Column("reached_at_s", "to accuracy", _time, spread=True),
    _Column("best_accuracy", "best accuracy", percent),
    _Column("efficiency", "efficiency", percent),
    _Column("communication_ratio", "communication", percent),
    _Column("cost_usd", "cost", lambda value: format_quantity(value, "money")),
    _Column("energy_j", "energy", lambda value: format_quantity(value, "energy")),
    _Column("memory_bytes", "memory", lambda value: format_quantity(value, "size")),
)


def _points(study: Study, done: Sequence[Record]) -> Iterator[Block]:
    ordered = sorted(done, key=lambda row: -float(row[SPEED]))
    if len(ordered) <= _OPEN_ROWS:
        yield _table(study, ordered, "the fastest first")
        return
    yield _table(study, ordered[:_OPEN_ROWS], f"the fastest {_OPEN_ROWS} of {len(ordered):,}")
    shown = ordered[:_MOST_ROWS]
    more = len(ordered) - len(shown)
    title = (
        f"the fastest {len(shown):,}; --csv and --json have {more:,} more" if more else f"all {len(ordered):,} points"
    )
    yield Folded(title, [_table(study, shown, "the fastest first")])


def _table(study: Study, rows: Sequence[Record], caption: str) -> Table:
    used = [column for column in _COLUMNS if any(row[column.metric] is not None for row in rows)]
    if "cluster.workers" in study.keys:
        used = [column for column in used if column.metric != "workers"]
    cells = [
        (
            *(value_words(row[key]) for key in study.keys),
            *(_cell(row, column) for column in used),
            part(row["bounded_by"]).words,
        )
        for row in rows
    ]
    headings = (*map(short, study.keys), *(column.heading for column in used), "bound by")
    numbers = [
        *(place for place, key in enumerate(study.keys) if isinstance(rows[0][key], int | float)),
        *range(len(study.keys), len(headings) - 1),
    ]
    return Table(headings, cells, caption, numbers)


def _cell(row: Record, column: _Column) -> str:
    value = row[column.metric]
    if value is None:
        return ""
    half = half_width(row, column.metric) if column.spread else None
    return column.write(value) if half is None or not value else f"{column.write(value)} ± {percent(half / value)}"


def _reasons(study: Study, rows: Sequence[Record]) -> list[str]:
    """Why points have no result, each reason once with the points that it is true of."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["status"] != "done":
            found[f"{row['status']}: {row['message']}"].append(point_name(study, row))
    lines = [
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason}"
        for reason, names in sorted(found.items(), key=lambda item: -len(item[1]))
    ]
    more = len(lines) - _MOST_REASONS
    return lines[:_MOST_REASONS] + ([f"and {more} more"] if more > 0 else [])
