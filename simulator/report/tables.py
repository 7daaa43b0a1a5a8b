"""Tables for the terminal. They return rich renderables; printing is the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.report.reliability import campaign_rows, expected_text, reliability_rows
from simulator.report.shared_machine import sharing_rows
from simulator.trace.spans import Category
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.result import Result
    from simulator.trace import Trace

__all__ = [
    "algorithms_table",
    "breakdown_table",
    "common_title",
    "comparison_table",
    "comparison_title",
    "result_facts",
    "result_view",
    "trace_view",
]

#: Columns of text that the table of parts needs.
_WIDE = 140
_PARTS: Mapping[str, str] = {
    Category.GPU_GPU_PARAMETERS: "gpu-gpu\nparam",
    Category.CPU_GPU_DATA: "cpu-gpu\ndata",
    Category.CPU_GPU_PARAMETERS: "cpu-gpu\nparam",
    Category.NODE_NODE_PARAMETERS: "node-node\nparam",
    Category.FORWARD_BACKWARD: "forward/\nbackward",
    Category.DEVICE_UPDATE: "device\nupdate",
    Category.HOST_UPDATE: "host\nupdate",
    Category.IDLE: "idle",
}


def seconds(value: float) -> str:
    """A time in seconds with four significant digits, as the columns of one table want it."""
    return f"{value:.4g}" if value < 1000 else f"{value:,.0f}"


def percent(value: float) -> str:
    """A share as a percentage with one decimal below ten."""
    return f"{value:.0%}" if value >= 0.0995 else f"{value:.1%}"


def comparison_table(rows: Sequence[tuple[str, Result]], title: str, width: int = _WIDE) -> Table:
    """The paper's breakdown table: a row a run, seconds of the critical path in each part, and the speed-up a gradient.

    Parts that no run spends time in are left out, and all of them where `width` columns of text cannot hold them.
    """
    used = [part for part in _PARTS if any(result.breakdown[part] > 1e-9 * result.time for _, result in rows)]
    narrow = width < _WIDE
    if narrow:
        used = []
    table = Table(title=escape(title), title_justify="left", caption_justify="left")
    table.caption = (
        "seconds along the critical path; comm = share of the communication parts; "
        "speed-up = time a gradient of the first row over this row's"
        + ("; the parts need a wider terminal, or --json" if narrow else "")
    )
    table.add_column("run", no_wrap=True)
    for heading in ("gradients", r"time \[s]", *(_PARTS[part] for part in used), "comm", "samples/s", "speed-up"):
        table.add_column(heading, justify="right", no_wrap=True)
    campaigns = [f"{escape(name)} {expected_text(found)}" for name, row in rows if (found := row.reliability)]
    if campaigns:
        table.caption += "\nwith failures, and how much of that is work: " + "; ".join(campaigns)
    for name, result in rows:
        table.add_row(
            escape(name),
            f"{result.gradients:,}",
            seconds(result.time),
            *(seconds(result.breakdown[part]) for part in used),
            percent(result.communication_ratio),
            f"{result.throughput:,.0f}",
            f"{rows[0][1].time_per_gradient / result.time_per_gradient:.2f}x",
        )
    return table


def common_title(runs: Iterable[tuple[str, str, int]]) -> str:
    """What runs have in common, given network, system and nodes of each.

    Examples
    --------
    >>> common_title([("lenet", "m40x4", 1), ("lenet", "m40x4", 1)])
    'lenet on 1 × m40x4'
    >>> common_title([("lenet", "dgx2", 1), ("alexnet", "dgx2", 2)])
    '2 networks on dgx2'
    """
    networks, systems, nodes = (set(values) for values in zip(*runs, strict=True))
    what = networks.pop() if len(networks) == 1 else f"{len(networks)} networks"
    if len(systems) > 1:
        return f"{what} on {len(systems)} systems"
    return f"{what} on {systems.pop()}" if len(nodes) > 1 else f"{what} on {nodes.pop()} × {systems.pop()}"


def comparison_title(results: Sequence[Result]) -> str:
    """What compared runs have in common."""
    title = common_title((result.network, result.system, result.nodes) for result in results)
    batches = {result.batch_size for result in results}
    return title if len(batches) > 1 else f"{title}, batch {batches.pop()} a worker"


def breakdown_table(breakdown: Mapping[str, float], title: str) -> Table:
    """Seconds and shares of the critical path by part, the largest first."""
    total = sum(breakdown.values())
    table = Table(title=title, title_justify="left")
    table.add_column("part")
    table.add_column("seconds", justify="right")
    table.add_column("share", justify="right")
    for part, value in sorted(breakdown.items(), key=lambda item: -item[1]):
        if value > 1e-9 * total:
            table.add_row(part.replace("_", " "), seconds(value), percent(value / total))
    return table


def result_facts(result: Result) -> list[tuple[str, str]]:
    """What there is to know of one run as (label, text) pairs, the answer first; for the terminal and for pages."""
    part, share = result.bounded_by
    steps = result.to_dict()["step_time_s"]
    return [
        ("time", f"{format_quantity(result.time, 'time', 4)}{_interval(result)} for {result.gradients:,} gradients"),
        *_uncertainty_rows(result),
        ("throughput", f"{result.throughput:,.0f} samples/s"),
        (
            "step",
            ", ".join(f"{key} {format_quantity(value, 'time', 4)}" for key, value in steps.items()),
        ),
        ("bounded by", f"{part.replace('_', ' ')}, {percent(share)} of the critical path"),
        ("communication", f"{percent(result.communication_ratio)} of the critical path"),
        ("memory", _memory_line(result)),
        *_learning_rows(result),
        *sharing_rows(result),
        *reliability_rows(result.reliability),
        ("energy", _energy_line(result)),
        ("cost", _cost_line(result)),
        *campaign_rows(result),
        ("simulated in", _effort(result)),
    ]


def result_view(result: Result) -> RenderableType:
    """Everything of one run that fits a screen: the answer, what bounded it, where the time went, memory, links."""
    facts = Table.grid(padding=(0, 2))
    for label, text in result_facts(result):
        facts.add_row(Text(label, style="bold"), Text(text))
    links = Table(title="busiest links", title_justify="left")
    for heading, justify in (("link", "left"), ("carried", "right"), ("used", "right")):
        links.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for load in result.links:
        links.add_row(load.resource, format_quantity(load.bytes, "size"), percent(load.utilisation))
    heading = f"{result.algorithm} · {result.network} · {result.nodes} × {result.system} · {result.workers} workers"
    warnings = [Text(f"warning: {warning}", style="yellow") for warning in result.warnings]
    return Group(
        Text(heading, style="bold"), facts, breakdown_table(result.breakdown, "critical path"), links, *warnings
    )


def _interval(result: Result) -> str:
    sure = result.prediction
    if sure is None:
        return ""
    low, high = (format_quantity(value, "time", 4) for value in (sure.low, sure.high))
    return f" ({low} – {high} with {sure.level:.0%})"


def _uncertainty_rows(result: Result) -> list[tuple[str, str]]:
    sure = result.prediction
    if sure is None:
        return []
    largest = sorted(sure.sensitivities.items(), key=lambda item: -abs(item[1]))[:3]
    parts = [f"parameters {percent(sure.std_parameters / result.time)}"]
    parts += [f"{name} {percent(abs(value) / result.time)}" for name, value in largest]
    text = f"{parts[0]} ({', '.join(parts[1:])})" if largest else parts[0]
    text += f", model {percent(sure.std_residual / result.time)} of the time, one standard deviation"
    if sure.unknown_scatter:
        names = ", ".join(part.replace("_", " ") for part in sure.unknown_scatter)
        text += f"; error of the model unknown for {names}"
    return [("uncertainty", text)]


def _learning_rows(result: Result) -> list[tuple[str, str]]:
    rows = []
    if result.learning is not None:
        learned = result.learning
        accuracy = "no evaluation" if learned["final_accuracy"] is None else f"{learned['final_accuracy']:.1%}"
        reached = learned["reached_at_s"]
        when = f", reached {learned['target_accuracy']:.1%} at {format_quantity(reached, 'time', 4)}" if reached else ""
        rows.append(("accuracy", f"{accuracy} of {learned['data']} with {learned['model']}{when}"))
    if result.asynchrony is not None:
        use = result.asynchrony
        rows.append(
            (
                "asynchrony",
                f"staleness mean {use['staleness']['mean']:.2f}, max {use['staleness']['max']}; "
                f"{use['lost_updates']:.1f} of {use['updates']:,} updates lost, {use['torn_reads']:,} torn reads",
            )
        )
    return rows


def _effort(result: Result) -> str:
    repeated = result.steps - result.simulated_steps
    shortcut = f"; {repeated:,} steps repeat a settled one (--exact simulates them)" if repeated else ""
    return f"{result.wall_time:.2f} s, {result.events:,} events, {result.simulated_steps:,} steps{shortcut}"


def _memory_line(result: Result) -> str:
    entry = result.memory[0]
    needed, capacity = format_quantity(entry.needed, "size"), format_quantity(entry.capacity, "size")
    return f"{needed} of {capacity} on each {entry.profile}, in {entry.placement}"


def _energy_line(result: Result) -> str:
    account = result.energy_account
    parts = [f"accelerators busy {percent(account.busy)} of the time", f"at most {_energy(account.upper_bound)}"]
    if account.without_idle:
        parts.append(f"idle power of {', '.join(account.without_idle)} unknown, taken as busy")
    if not account.rest_known:
        parts.append("without fans, adapters and switches")
    if account.pue != 1.0:
        parts.append(f"with the facility's {account.pue:g}")
    return f"{_energy(account.total)} ({'; '.join(parts)})"


def _energy(joules: float) -> str:
    return format_quantity(joules, "energy")


def _cost_line(result: Result) -> str:
    cost = result.cost_account
    if cost is None:
        return f"unknown: {result.system} states no price; --set prices.node_hour='… USD/h' gives one"
    total, price = format_quantity(cost.total, "money"), cost.price
    if price is None:
        return f"{total} ({cost.basis})"
    date = f" of {price.date}" if price.date else ""
    rate = f"{format_quantity(price.value, 'price')} a node"
    electricity = f"; {format_quantity(cost.electricity, 'money')} of it electricity" if cost.electricity else ""
    return f"{total} ({price.basis}{date}, {rate}{electricity})"


def trace_view(trace: Trace, pieces: int) -> RenderableType:
    """A trace's breakdown, its lanes' use, and the last pieces of its critical path."""
    from simulator.trace import breakdown, critical_path

    lanes = Table(title="lanes", title_justify="left")
    for heading in ("rank", "lane", "spans", r"busy \[s]", "busy", "bytes"):
        lanes.add_column(heading, justify="right" if heading not in ("rank", "lane") else "left")
    names = {rank.index: f"{rank.index} {rank.role} {rank.device}" for rank in trace.ranks}
    totals: dict[tuple[int, str], list[float]] = {key: [0, 0.0, 0.0] for key in trace.lanes()}
    for span in trace.spans:
        entry = totals[span.rank, span.lane]
        entry[0] += 1
        entry[1] += span.duration
        entry[2] += span.bytes
    for (rank, lane), (count, busy, size) in totals.items():
        share = busy / trace.duration if trace.duration else 0.0
        lanes.add_row(names[rank], lane, f"{count:,}", seconds(busy), percent(share), format_quantity(size, "size"))
    path = Table(title=f"critical path, last {pieces} pieces", title_justify="left")
    for heading in (r"from \[s]", "for", "rank", "lane", "what", "part", "bytes"):
        path.add_column(heading, justify="right" if heading in (r"from \[s]", "for", "bytes") else "left")
    for piece in critical_path(trace)[-pieces:]:
        what: Sequence[Any] = ("", "", "waiting", "idle", "")
        if piece.span:
            carried = format_quantity(piece.span.bytes, "size") if piece.span.bytes else ""
            what = (str(piece.span.rank), piece.span.lane, piece.span.name, piece.span.category, carried)
        path.add_row(f"{piece.start:.6f}", format_quantity(piece.duration, "time"), *map(str, what))
    return Group(breakdown_table(breakdown(trace), f"{trace.duration:.6g} s, {len(trace.spans):,} spans"), lanes, path)


def algorithms_table(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    """Algorithms with what they are, their options and their source."""
    table = Table(show_lines=True)
    for heading in ("algorithm", "what it does", "options", "source"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "algorithm")
    for row in rows:
        table.add_row(*row)
    return table
