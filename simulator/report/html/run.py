"""The report of one run: how long, what bounds it, where the time goes, a timeline, what was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.errors import RunError
from simulator.report.html.bars import Bar, Piece, stacked_bars
from simulator.report.html.curves import accuracy_figure
from simulator.report.html.document import Block, Facts, Figure, Notes, Repeat, Report, Section, Table
from simulator.report.html.numbers import number, percent
from simulator.report.html.parts import PARTS, part
from simulator.report.html.timeline import timeline
from simulator.report.tables import result_facts
from simulator.toml_text import toml_text
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.result import Result

__all__ = ["breakdown_bar", "readable_toml", "run_report"]

#: Parts of the critical path below this share are left out of tables.
_NOTHING = 1e-9
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
#: Share of a capacity from which on a bar beside it can be seen.
_WORTH_SHOWING = 0.05


def run_report(result: Result, provenance: Mapping[str, str], steps: tuple[int, int] | None = None) -> Report:
    """The report of a run.

    Parameters
    ----------
    result : Result
        With its trace.
    provenance : mapping of str to str
        See `simulator.report.html.provenance`.
    steps : (int, int), optional
        First and last step of the timeline; a few in the middle if left out.
    """
    title = f"{result.algorithm}: {result.network} on {result.nodes} × {result.system}"
    return Report(
        title,
        [_answer(result)],
        [Facts(result_facts(result)), Notes(result.warnings, "warning")],
        list(_sections(result, steps)),
        Repeat(provenance, [("scenario in full", readable_toml(result.scenario))], result.seed),
    )


def readable_toml(scenario: Mapping[str, Any]) -> str:
    """The TOML of a scenario, with every key that says anything: no empty tables."""
    return toml_text({key: value for key, value in _said(scenario).items() if value != {}})


def _said(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _said(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value not in ({}, [], None)
    }


def _answer(result: Result) -> str:
    name, share = result.bounded_by
    return (
        f"{format_quantity(result.time, 'time', 4)} for {result.gradients:,} gradients: "
        f"{result.throughput:,.0f} samples/s, bound by {part(name).words}, {percent(share)} of the critical path."
    )


def _sections(result: Result, steps: tuple[int, int] | None) -> Iterator[Section]:
    bar = breakdown_bar(result.algorithm, result.breakdown, 1.0)
    picture = stacked_bars([bar], "seconds of the critical path", "breakdown of the critical path", _seconds)
    yield Section("Where the time goes", [Figure(picture), _breakdown_table(result)])
    try:
        if result.trace.spans:
            yield Section("A few steps", [timeline(result.trace, steps)])
    except RunError as too_many:
        yield Section("A few steps", [Notes([str(too_many)])])
    if result.learning is not None:
        yield Section("What was learned", list(_learning(result)))
    yield Section("Memory and links", list(_machine(result)))


def _seconds(value: float) -> str:
    return format_quantity(value, "time", 4)


def breakdown_bar(name: str, breakdown: Mapping[str, float], scale: float, remark: str = "") -> Bar:
    """A bar of the parts of a breakdown [s], times `scale`; parts that are not the paper's come last."""
    order = [*PARTS, *(key for key in breakdown if key not in PARTS)]
    looks = [(part(key), breakdown.get(key, 0.0) * scale) for key in order]
    return Bar(name, [Piece(look.words, look.kind, look.hatch, value) for look, value in looks], remark)


def _breakdown_table(result: Result) -> Table:
    parts = sorted(result.breakdown.items(), key=lambda item: -item[1])
    rows = [
        (part(key).words, _seconds(value), percent(value / result.time), _seconds(value / result.gradients))
        for key, value in parts
        if value > _NOTHING * result.time
    ]
    return Table(("part", "time", "share", "a gradient"), rows, "seconds of the critical path", (1, 2, 3))


def _learning(result: Result) -> Iterator[Block]:
    learned: Mapping[str, Any] = result.learning or {}
    runs = [(result.algorithm, [learned["curve"]])]
    yield Figure(accuracy_figure(runs, learned["target_accuracy"]), "Test accuracy against simulated time.")
    reached = learned["reached_at_s"]
    yield Facts(
        [
            ("model", f"{learned['model']}, {learned['parameters']:,} parameters"),
            ("data", f"{learned['data']}: {learned['source']}"),
            ("times of", str(learned["rides_on"])),
            ("final accuracy", "none" if learned["final_accuracy"] is None else percent(learned["final_accuracy"])),
            ("best accuracy", "none" if learned["best_accuracy"] is None else percent(learned["best_accuracy"])),
            *([("reached", f"{percent(learned['target_accuracy'])} at {_seconds(reached)}")] if reached else []),
        ]
    )


def _machine(result: Result) -> Iterator[Block]:
    entry = result.memory[0]
    looks = [
        Piece(name.replace("_", " "), f"c{place % 6}", place % 7, value)
        for place, (name, value) in enumerate(entry.parts.items())
    ]
    name = f"each {entry.profile}, {entry.placement}"
    remark = f"{percent(entry.needed / entry.capacity)} of {format_quantity(entry.capacity, 'size')}"
    unit, size = next((pair for pair in _UNITS if entry.needed >= pair[1]), _UNITS[-1])
    pieces = [Piece(piece.words, piece.kind, piece.hatch, piece.value / size) for piece in looks]
    near = entry.needed > _WORTH_SHOWING * entry.capacity
    bar = Bar(name, pieces, remark, entry.capacity / size if near else None)
    picture = stacked_bars([bar], unit, "memory that a device must hold", lambda value: number(value, unit))
    yield Figure(picture, "What each device must hold." + (" The line: its capacity." if near else ""))
    yield Table(("memory", "size"), _sizes(entry.parts), f"on each {entry.profile}", (1,))
    links = [(load.resource, format_quantity(load.bytes, "size"), percent(load.utilisation)) for load in result.links]
    if links:
        yield Table(("link", "carried", "used"), links, "the busiest links", (1, 2))
    if result.traffic:
        yield Table(("class of link", "carried"), _sizes(result.traffic), "every link of a route counted", (1,))


def _sizes(sizes: Mapping[str, float]) -> Sequence[tuple[str, str]]:
    return [(name.replace("_", " "), format_quantity(value, "size")) for name, value in sizes.items()]
