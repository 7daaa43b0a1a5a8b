"""The report of several runs side by side: which is fastest, where each spends its time, how they scale."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.planning.draws import certainty
from simulator.report.html.bars import stacked_bars
from simulator.report.html.certainty import certainty_blocks
from simulator.report.html.curves import accuracy_figure, scaling_figure
from simulator.report.html.document import Block, Figure, Notes, Repeat, Report, Section, Table
from simulator.report.html.numbers import number, percent
from simulator.report.html.parts import PARTS, part
from simulator.report.html.run import breakdown_bar, readable_toml
from simulator.report.tables import common_title
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.draws import Draws

__all__ = ["comparison_report", "scaling_sections", "scenarios_of"]

Row = tuple[str, Mapping[str, Any]]

#: More rows make a bar chart that nobody looks at.
_MOST_BARS = 40
#: Scenarios that are given in full, at most.
_MOST_SCENARIOS = 100
_NOTHING = 1e-9


def comparison_report(rows: Sequence[Row], provenance: Mapping[str, str], draws: Draws | None = None) -> Report:
    """The report of a comparison.

    Parameters
    ----------
    rows : sequence of (str, mapping)
        Each run's name and its JSON result; the first is what the others are compared with.
    provenance : mapping of str to str
        See `simulator.report.html.provenance`.
    draws : Draws, optional
        The runs in the same uncertain worlds, by their names.
    """
    sections = [Section("Where the time goes", list(_breakdown(rows))), *scaling_sections(rows)]
    curves = [(name, [result["learning"]["curve"]]) for name, result in rows if result["learning"]]
    if curves:
        targets = {result["learning"]["target_accuracy"] for _, result in rows if result["learning"]}
        picture = accuracy_figure(curves, targets.pop() if len(targets) == 1 else None)
        sections.append(Section("What was learned", [Figure(picture, "Test accuracy against simulated time.")]))
    if draws is not None:
        order = [standing.name for standing in draws.ranking()]
        sections.append(Section("How sure the order is", certainty_blocks(draws, certainty(order, draws))))
    notes = [f"{name}: {warning}" for name, result in rows for warning in result["warnings"]]
    blocks: list[Block] = [_table(rows), Notes(notes, "warning")]
    return Report(_title(rows), [_answer(rows)], blocks, sections, Repeat(provenance, scenarios_of(rows), _seed(rows)))


def _title(rows: Sequence[Row]) -> str:
    """What all runs have in common: network, system and nodes, where they do."""
    return common_title((result["network"], result["system"], result["nodes"]) for _, result in rows)


def _seed(rows: Sequence[Row]) -> int | None:
    seeds = {result["seed"] for _, result in rows}
    return seeds.pop() if len(seeds) == 1 else None


def scenarios_of(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The scenarios of rows in full, each as TOML under its row's name."""
    return [(name, readable_toml(result["scenario"])) for name, result in rows[:_MOST_SCENARIOS]]


def _fastest(rows: Sequence[Row]) -> Row:
    return min(rows, key=lambda row: float(row[1]["time_per_gradient_s"]))


def _answer(rows: Sequence[Row]) -> str:
    name, best = _fastest(rows)
    first, base = rows[0]
    rate = f"{best['throughput_samples_per_s']:,.0f} samples/s"
    share = percent(best["bounded_by"]["share"])
    bound = f"bound by {part(best['bounded_by']['part']).words} ({share} of its critical path)"
    times = base["time_per_gradient_s"] / best["time_per_gradient_s"]
    against = "" if name == first else f" {times:.2f} times the speed of {first},"
    if len(rows) == 1:
        return f"{name}: {format_quantity(best['time_s'], 'time', 4)}, {rate}, {bound}."
    return f"{name} is the fastest of {len(rows)}:{against} {rate}, {bound}."


def _table(rows: Sequence[Row]) -> Table:
    base = rows[0][1]["time_per_gradient_s"]
    fastest = _fastest(rows)[0]
    cells = []
    for name, result in rows:
        cells.append(
            (
                name,
                f"{result['gradients']:,}",
                format_quantity(result["time_s"], "time", 4),
                percent(result["communication_ratio"]),
                f"{result['throughput_samples_per_s']:,.0f}",
                f"{base / result['time_per_gradient_s']:.2f}×",
                _maybe(result["energy_j"], "energy"),
                _maybe(result["cost_usd"], "money"),
            )
        )
    headings = ("run", "gradients", "time", "communication", "samples/s", "speed-up", "energy", "cost")
    used = [place for place in range(len(headings)) if any(row[place] for row in cells)]
    return Table(
        [headings[place] for place in used],
        [[row[place] for place in used] for row in cells],
        "speed-up: time a gradient of the first row over this row's",
        range(1, len(used)),
        {place: "best" for place, (name, _) in enumerate(rows) if name == fastest},
    )


def _maybe(value: float | None, dimension: str) -> str:
    return "" if value is None else format_quantity(value, dimension)


def _breakdown(rows: Sequence[Row]) -> Iterator[Block]:
    bars = [
        breakdown_bar(
            name,
            result["breakdown_s"],
            1e3 / result["gradients"],
            f"{percent(result['communication_ratio'])} communication",
        )
        for name, result in rows[:_MOST_BARS]
    ]
    label = "time a gradient by part of the critical path, a bar a run"
    picture = stacked_bars(bars, "time a gradient [ms]", label, lambda value: number(value, "ms"))
    shown = "" if len(rows) <= _MOST_BARS else f" The first {_MOST_BARS} of {len(rows)} runs."
    yield Figure(picture, f"Time a gradient along the critical path, by part.{shown}")
    names = [*PARTS, *dict.fromkeys(key for _, result in rows for key in result["breakdown_s"] if key not in PARTS)]
    used = [
        key
        for key in names
        if any(result["breakdown_s"].get(key, 0.0) > _NOTHING * result["time_s"] for _, result in rows)
    ]
    cells = [
        (name, *(_seconds(result["breakdown_s"].get(key, 0.0)) for key in used), _seconds(result["time_s"]))
        for name, result in rows
    ]
    headings = ("run", *(part(key).words for key in used), "together")
    yield Table(headings, cells, "of the critical path", range(1, len(headings)))


def _seconds(value: float) -> str:
    return format_quantity(value, "time") if value else "0"


# Scaling --------------------------------------------------------------------------------------------------------------


def scaling_sections(rows: Sequence[Row]) -> Iterator[Section]:
    """How throughput grows with nodes, or with workers where the nodes are the same; nothing where neither varies."""
    for count, key in (("nodes", "cluster.nodes"), ("workers", "cluster.workers")):
        found = _scaling(rows, count, key)
        if found:
            picture = scaling_figure(found, count)
            words = "Broken line: throughput in proportion to the count."
            yield Section("How it scales", [Figure(picture, words), _efficiency(found, count)])
            return


def _scaling(rows: Sequence[Row], count: str, key: str) -> dict[str, list[tuple[float, float]]]:
    """Points (count, samples/s) of runs that differ by the count alone, under the words that their names share."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_without(row[1]["scenario"], key)].append(row)
    found: dict[str, list[tuple[float, float]]] = {}
    for members in groups.values():
        points = sorted({(float(r[count]), float(r["throughput_samples_per_s"])) for _, r in members})
        if len({at for at, _ in points}) < 2:
            continue
        words = [name.split() for name, _ in members]
        shared = " ".join(word for word in words[0] if all(word in other for other in words))
        name = shared or str(members[0][1]["algorithm"])
        found[name if name not in found else f"{name} ({len(found) + 1})"] = points
    return found


def _without(scenario: Mapping[str, Any], key: str) -> str:
    table, _, name = key.partition(".")
    rest = {outer: dict(inner) if outer == table else inner for outer, inner in scenario.items()}
    rest.get(table, {}).pop(name, None)
    return json.dumps(rest, sort_keys=True, default=str)


def _efficiency(found: Mapping[str, Sequence[tuple[float, float]]], count: str) -> Table:
    rows = []
    for name, points in found.items():
        first, base = points[0]
        rows += [
            (name, f"{at:g}", f"{rate:,.0f}", f"{rate / base:.2f}×", percent(rate / base * first / at))
            for at, rate in points
        ]
    headings = ("run", count, "samples/s", "speed-up", "efficiency")
    return Table(headings, rows, f"against the fewest {count} of each", (1, 2, 3, 4))
