"""Figures of a study: throughput along what was varied, and what a million samples cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.planning.pareto import pareto_front
from simulator.planning.scaling import COUNTS
from simulator.report.html.document import Block, Figure, Section
from simulator.report.html.numbers import number, percent
from simulator.report.html.plane import Point, Series, plane
from simulator.report.html.tradeoff import Choice, tradeoff_figure

if TYPE_CHECKING:
    from simulator.planning.study import Study

__all__ = ["SPEED", "Record", "cost_sections", "curves", "half_width", "point_name", "short", "value_words"]

#: A row of a study as `Study.rows` gives it.
Record = Mapping[str, Any]

SPEED = "throughput_samples_per_s"
#: Lines and points that a figure can hold.
_MOST_LINES, _MOST_POINTS = 12, 1000


def short(key: str) -> str:
    """The last word of a dotted key."""
    return key.removesuffix(".name").rsplit(".", 1)[-1]


def value_words(value: Any) -> str:
    """A value of a varied key."""
    return number(value) if isinstance(value, float) else str(value)


def point_name(study: Study, row: Record, without: str = "") -> str:
    """The point of a row, but for one key: ``"nodes=4, algorithm=sync-sgd"``."""
    return ", ".join(f"{short(key)}={value_words(row[key])}" for key in study.keys if key != without)


def half_width(row: Record, metric: str) -> float | None:
    """Half the interval of a number of a row; None where there is none."""
    half = row.get(f"{metric}_half_width")
    return float(half) if half else None


def _numeric(study: Study, rows: Sequence[Record]) -> list[str]:
    """Varied keys whose values are numbers, counts of workers first."""
    found = [
        key
        for key in study.keys
        if all(isinstance(row[key], int | float) and not isinstance(row[key], bool) for row in rows)
        and len({row[key] for row in rows}) > 1
    ]
    return sorted(found, key=lambda key: COUNTS.index(key) if key in COUNTS else len(COUNTS))


def curves(study: Study, done: Sequence[Record]) -> Iterator[Block]:
    """Throughput over the first number that was varied, a line for each combination of the others."""
    across = _numeric(study, done)
    if not across:
        return
    key = across[0]
    lines: defaultdict[str, list[Record]] = defaultdict(list)
    for row in done:
        lines[point_name(study, row, key)].append(row)
    sampled = len(lines) > _MOST_LINES
    shown = {"": list(done[:: -(-len(done) // _MOST_POINTS)])} if sampled else lines
    values = sorted({float(row[key]) for row in done})
    wide = values[0] > 0.0 and values[-1] >= 4.0 * values[0]
    series = [
        Series(name, [_point(study, row, key) for row in sorted(members, key=lambda row: row[key])], not sampled)
        for name, members in shown.items()
    ]
    if key in COUNTS and wide:
        first = min(done, key=lambda row: (row[key], -row[SPEED]))
        ideal = [Point(value, first[SPEED] * value / first[key]) for value in values]
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
        _caption(len(done), len(shown[""])) if sampled else "Throughput. Bands or bars: intervals.",
    )


def _caption(points: int, shown: int) -> str:
    every = f" {shown:,} of {points:,} points are shown." if shown < points else ""
    return f"Throughput. Each point varies in the other keys too.{every}"


def _point(study: Study, row: Record, key: str) -> Point:
    half = half_width(row, SPEED)
    speed = float(row[SPEED])
    told = f"{point_name(study, row)}: {speed:,.0f} samples/s"
    if row["efficiency"] is not None:
        told += f", {percent(row['efficiency'])} of the fewest workers' throughput a worker"
    low, high = (None, None) if half is None else (speed - half, speed + half)
    return Point(float(row[key]), speed, told, low=low, high=high)


def cost_sections(study: Study, done: Sequence[Record]) -> Iterator[Section]:
    """Throughput against what a million samples cost, in dollars where prices are known, else in energy."""
    for metric, unit, size, word in (("cost_usd", "USD", 1.0, "Cost"), ("energy_j", "kWh", 3.6e6, "Energy")):
        known = [row for row in done if row[metric] is not None and row["time_s"]]
        missing = len(done) - len(known)
        if len(known) < 2:
            continue
        each = [row[metric] / size * 1e6 / (row[SPEED] * row["time_s"]) for row in known]
        front = set(pareto_front([(-row[SPEED], cost) for row, cost in zip(known, each, strict=True)]))
        every = -(-len(known) // _MOST_POINTS)
        named = [key for key in study.keys if isinstance(known[0][key], str)]
        choices = [
            Choice(
                ", ".join(str(row[key]) for key in named),
                row[SPEED],
                cost,
                f"{point_name(study, row)}: {row[SPEED]:,.0f} samples/s, {number(cost, unit)} a million samples",
                front=place in front,
                edge=place in front,
            )
            for place, (row, cost) in enumerate(zip(known, each, strict=True))
            if place in front or place % every == 0
        ]
        label = f"{word.lower()} of a million samples against throughput, a point a run"
        picture = tradeoff_figure(choices, "samples/s", f"{unit} a million samples", label)
        words = f"{word} against throughput: better is further right and further down."
        words += f" Of the others one in {every} is shown." if every > 1 else ""
        words += f" {missing} points are not shown: it is unknown for them." if missing else ""
        yield Section(f"{word} against speed", [Figure(picture, words)])
        return
