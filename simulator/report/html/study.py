"""The report of a study: the best points, how throughput grows along what was varied, what it costs, every point."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.planning.pareto import pareto_front
from simulator.report.html.document import Block, Facts, Figure, Folded, Notes, Repeat, Report, Section, Table
from simulator.report.html.numbers import number, percent
from simulator.report.html.parts import part
from simulator.report.html.plane import Point, Series, plane
from simulator.report.html.run import readable_toml
from simulator.report.html.tradeoff import Choice, tradeoff_figure
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.study import Study

__all__ = ["study_report"]

Record = Mapping[str, Any]

#: Rows that are shown openly; lines that a figure can hold; reasons that are listed.
_OPEN_ROWS, _MOST_LINES, _MOST_REASONS = 30, 12, 20
_SPEED = "throughput_samples_per_s"
#: Keys that say how many workers there are: what a scaling curve is drawn over, if one of them varies.
_COUNTS = ("cluster.nodes", "cluster.workers", "cluster.partitions")


def study_report(study: Study, provenance: Mapping[str, str]) -> Report:
    """The report of a study; `provenance` as in `simulator.report.html.provenance`."""
    tables = study.scenario.tables
    rows = study.rows()
    done = [row for row in rows if row[_SPEED] is not None]
    title = f"{tables.workload.network}: {', '.join(_short(key) for key in study.keys)}"
    sections = [Section("What was varied", list(_curves(study, done))), *_cost(study, done)]
    if done:
        sections.append(Section("Every point", list(_points(study, done))))
    reasons = _reasons(study, rows)
    if reasons:
        sections.append(Section("Points without a result", [Notes(reasons, "warning")]))
    scenario = readable_toml(tables.model_dump(mode="json", exclude_none=True))
    repeat = Repeat(provenance, [("the scenario that was varied, in full", scenario)], tables.simulation.seed)
    return Report(title, [_answer(study, rows, done)], [Facts(_facts(study, rows))], sections, repeat)


def _short(key: str) -> str:
    return key.removesuffix(".name").rsplit(".", 1)[-1]


def _value(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _name(study: Study, row: Record, without: str = "") -> str:
    return ", ".join(f"{_short(key)}={_value(row[key])}" for key in study.keys if key != without)


def _answer(study: Study, rows: Sequence[Record], done: Sequence[Record]) -> str:
    if not done:
        return f"None of the {len(rows)} points has a result."
    best = max(done, key=lambda row: float(row[_SPEED]))
    interval = _half(best, _SPEED)
    around = "" if interval is None else f" ± {interval:,.0f}"
    bound = part(best["bounded_by"]).words
    many = f"the fastest of {len(done)} points" if len(done) > 1 else "the one point"
    return f"{_name(study, best)} is {many}: {best[_SPEED]:,.0f}{around} samples/s, bound by {bound}."


def _half(row: Record, metric: str) -> float | None:
    half = row.get(f"{metric}_half_width")
    return float(half) if half else None


def _facts(study: Study, rows: Sequence[Record]) -> list[tuple[str, str]]:
    counts = Counter(str(row["status"]) for row in rows)
    points = ", ".join(f"{number:,} {status}" for status, number in counts.items())
    facts = [("points", f"{len(rows):,}: {points}")]
    if study.replicates > 1:
        facts.append(("seeds of each", f"{study.replicates}; intervals are at 95 %"))
    for key in study.keys:
        values = list(dict.fromkeys(_value(row[key]) for row in rows))
        shown = ", ".join(values[:12]) + (f" and {len(values) - 12} more" if len(values) > 12 else "")
        facts.append((key, shown))
    return facts


# Figures --------------------------------------------------------------------------------------------------------------


def _numeric(study: Study, rows: Sequence[Record]) -> list[str]:
    """Varied keys whose values are numbers, counts of workers first."""
    found = [
        key
        for key in study.keys
        if all(isinstance(row[key], int | float) and not isinstance(row[key], bool) for row in rows)
        and len({row[key] for row in rows}) > 1
    ]
    return sorted(found, key=lambda key: _COUNTS.index(key) if key in _COUNTS else len(_COUNTS))


def _curves(study: Study, done: Sequence[Record]) -> Iterator[Block]:
    """Throughput over the first number that was varied, a line for each combination of the others."""
    across = _numeric(study, done)
    if not across:
        return
    key = across[0]
    lines: defaultdict[str, list[Record]] = defaultdict(list)
    for row in done:
        lines[_name(study, row, key)].append(row)
    sampled = len(lines) > _MOST_LINES
    shown = {"": list(done)} if sampled else lines
    values = sorted({float(row[key]) for row in done})
    wide = values[0] > 0.0 and values[-1] >= 4.0 * values[0]
    series = [
        Series(name, [_point(study, row, key) for row in sorted(members, key=lambda row: row[key])], not sampled)
        for name, members in shown.items()
    ]
    if key in _COUNTS and wide:
        first = min(done, key=lambda row: (row[key], -row[_SPEED]))
        ideal = [Point(value, first[_SPEED] * value / first[key]) for value in values]
        series.append(Series("in proportion to the fewest", ideal, reference=True))
    yield Figure(
        plane(
            series,
            key,
            "samples/s",
            f"throughput against {key}, a line for each combination of the other keys",
            log_x=wide,
            log_y=wide,
            x_ticks=values if len(values) <= 8 else (),
        ),
        "Throughput. " + ("Each point varies in the other keys too." if sampled else "Bands or bars: intervals."),
    )


def _point(study: Study, row: Record, key: str) -> Point:
    half = _half(row, _SPEED)
    speed = float(row[_SPEED])
    told = f"{_name(study, row)}: {speed:,.0f} samples/s"
    if row["efficiency"] is not None:
        told += f", {percent(row['efficiency'])} of the fewest workers' throughput a worker"
    low, high = (None, None) if half is None else (speed - half, speed + half)
    return Point(float(row[key]), speed, told, low=low, high=high)


def _cost(study: Study, done: Sequence[Record]) -> Iterator[Section]:
    """Throughput against what a million samples cost, in dollars where prices are known, else in energy."""
    for metric, unit, size, word in (("cost_usd", "USD", 1.0, "Cost"), ("energy_j", "kWh", 3.6e6, "Energy")):
        known = [row for row in done if row[metric] is not None and row["time_s"]]
        if len(known) < 2:
            continue
        each = [row[metric] / size * 1e6 / (row[_SPEED] * row["time_s"]) for row in known]
        front = set(pareto_front([(-row[_SPEED], cost) for row, cost in zip(known, each, strict=True)]))
        named = [key for key in study.keys if isinstance(known[0][key], str)]
        choices = [
            Choice(
                ", ".join(str(row[key]) for key in named),
                row[_SPEED],
                cost,
                f"{_name(study, row)}: {row[_SPEED]:,.0f} samples/s, {number(cost, unit)} a million samples",
                front=place in front,
                edge=place in front,
            )
            for place, (row, cost) in enumerate(zip(known, each, strict=True))
        ]
        label = f"{word.lower()} of a million samples against throughput, a point a run"
        picture = tradeoff_figure(choices, "samples/s", f"{unit} a million samples", label)
        missing = len(done) - len(known)
        words = f"{word} against throughput: better is further right and further down."
        words += f" {missing} points are not shown: it is unknown for them." if missing else ""
        yield Section(f"{word} against speed", [Figure(picture, words)])
        return


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
    _Column(_SPEED, "samples/s", _count, spread=True),
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
    ordered = sorted(done, key=lambda row: -float(row[_SPEED]))
    if len(ordered) <= _OPEN_ROWS:
        yield _table(study, ordered, "the fastest first")
        return
    yield _table(study, ordered[:_OPEN_ROWS], f"the fastest {_OPEN_ROWS} of {len(ordered):,}")
    yield Folded(f"all {len(ordered):,} points", [_table(study, ordered, "the fastest first")])


def _table(study: Study, rows: Sequence[Record], caption: str) -> Table:
    used = [column for column in _COLUMNS if any(row[column.metric] is not None for row in rows)]
    if "cluster.workers" in study.keys:
        used = [column for column in used if column.metric != "workers"]
    cells = [
        (
            *(_value(row[key]) for key in study.keys),
            *(_cell(row, column) for column in used),
            part(row["bounded_by"]).words,
        )
        for row in rows
    ]
    headings = (*map(_short, study.keys), *(column.heading for column in used), "bound by")
    numbers = [
        *(place for place, key in enumerate(study.keys) if isinstance(rows[0][key], int | float)),
        *range(len(study.keys), len(headings) - 1),
    ]
    return Table(headings, cells, caption, numbers)


def _cell(row: Record, column: _Column) -> str:
    value = row[column.metric]
    if value is None:
        return ""
    half = _half(row, column.metric) if column.spread else None
    return column.write(value) if half is None or not value else f"{column.write(value)} ± {percent(half / value)}"


def _reasons(study: Study, rows: Sequence[Record]) -> list[str]:
    """Why points have no result, each reason once with the points that it is true of."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["status"] != "done":
            found[f"{row['status']}: {row['message']}"].append(_name(study, row))
    lines = [
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason}"
        for reason, names in sorted(found.items(), key=lambda item: -len(item[1]))
    ]
    more = len(lines) - _MOST_REASONS
    return lines[:_MOST_REASONS] + ([f"and {more} more"] if more > 0 else [])
