"""Time with failures and checkpoints for people: a run's lines, tables and plots of ``clustersim failures``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.failures import NodePoint
    from simulator.reliability.outcome import Reliability
    from simulator.result import Result

__all__ = ["campaign_rows", "expected_text", "failures_document", "failures_plot", "failures_view", "reliability_rows"]

_BLUE, _ORANGE = "#0072B2", "#D55E00"  # of Okabe and Ito's palette, as in the other plots


def _time(value: float, digits: int = 3) -> str:
    return format_quantity(value, "time", digits)


def expected_text(found: Reliability) -> str:
    """Expected time and its efficiency, for a list of several."""
    return f"{_time(found.expected_time, 4)} ({found.efficiency:.1%})"


def reliability_rows(found: Reliability | None) -> list[tuple[str, str]]:
    """Label and text of each line; none without a ``[reliability]`` table."""
    if found is None:
        return []
    runs = "" if abs(found.scale - 1.0) < 1e-9 else f", {found.scale:,.4g} times the run's"
    played = found.simulated
    error = "" if found.exact else f" ± {_time(played.mean_error, 2)}"
    return [
        (
            "with failures",
            f"{_time(found.expected_time, 4)}{error} expected for {_time(found.work, 4)} of training{runs}: "
            f"{found.efficiency:.1%} of it is work",
        ),
        ("spread", f"5 to 95 % of {played.trials:,} campaigns: {_time(played.p5, 4)} – {_time(played.p95, 4)}"),
        *_failures(found),
        ("checkpoints", _checkpoints(found)),
    ]


def campaign_rows(result: Result) -> list[tuple[str, str]]:
    """What the campaign takes beside the run that it is made of; none without a ``[reliability]`` table."""
    found, cost = result.reliability, result.cost_account
    if found is None:
        return []
    paid = "" if cost is None else f", {format_quantity(found.cost(cost.total), 'money')}"
    spares = f" and {found.spares:,} spare node{'s' * (found.spares > 1)}" if found.spares and cost is not None else ""
    return [("campaign", f"{format_quantity(found.energy(result.energy), 'energy')}{paid} with all failures{spares}")]


def _failures(found: Reliability) -> list[tuple[str, str]]:
    rows = []
    if found.critical:
        nodes = f"{found.critical:,} node{'s' if found.critical != 1 else ''}"
        text = f"{found.failures:,.3g} that stop the run, one every {_time(found.mtbf)} of {nodes}"
        rows.append(("failures", f"{text}; {_time(found.lost)} of training lost"))
    if found.replaceable:
        text = f"{found.outages:,.3g} of {found.replaceable:,} nodes that the others go on without"
        rows.append(("outages", text))
    return [*rows, ("a node fails", f"every {_time(found.node_mtbf)} ({found.mtbf_source})")]


def _checkpoints(found: Reliability) -> str:
    kept = found.checkpoints
    if kept is None:
        return "none: a failure starts the work over"
    safe = f", safe {_time(kept.drain)} later" if kept.drain else ""
    best = f"; Young's rule says {_time(kept.young)}, Daly's {_time(kept.daly)}" if found.critical else ""
    return (
        f"{format_quantity(kept.size, 'size')} every {_time(kept.interval)} of training, "
        f"which waits {_time(kept.stall)} for it{safe}{best}"
    )


def failures_view(result: Result, intervals: Sequence[Reliability], points: Sequence[NodePoint]) -> RenderableType:
    """The run with its failures, then a row for each interval, then one for each number of nodes."""
    facts = Table.grid(padding=(0, 2))
    for label, text in reliability_rows(result.reliability):
        facts.add_row(Text(label, style="bold"), Text(text))
    heading = f"{result.algorithm} · {result.network} · {result.nodes} × {result.system} · {result.workers} workers"
    parts: list[RenderableType] = [Text(heading, style="bold"), facts, _interval_table(intervals)]
    if points:
        parts.append(_node_table(points))
    return Group(*parts)


def _interval_table(intervals: Sequence[Reliability]) -> Table:
    least = min(found.expected_time for found in intervals)
    table = Table(title="from checkpoint to checkpoint", title_justify="left", caption_justify="left")
    table.caption = "beyond the best = expected time over the least of this table; ± one standard error"
    for name in ("training", "checkpoints", "expected", "beyond the best", "simulated", "5 %", "95 %", "failures"):
        table.add_column(name, justify="right", no_wrap=True)
    for found in intervals:
        kept, played = found.checkpoints, found.simulated
        if kept is None:
            continue
        table.add_row(
            _time(kept.interval),
            f"{kept.count:,}",
            _time(found.expected_time, 4),
            "best" if found.expected_time == least else f"{found.expected_time / least - 1.0:.2%}",
            f"{_time(played.mean, 4)} ± {_time(played.mean_error, 2)}",
            _time(played.p5, 4),
            _time(played.p95, 4),
            f"{found.failures:,.3g}",
        )
    return table


def _node_table(points: Sequence[NodePoint]) -> Table:
    best = min(point.time for point in points)
    table = Table(title="the same samples on other numbers of nodes", title_justify="left", caption_justify="left")
    if math.isfinite(best):
        fastest = next(point for point in points if point.time == best)
        table.caption = f"{fastest.nodes:,} nodes are done first"
    for name in ("nodes", "without failures", "expected", "is work", "95 %", "a failure every", "checkpoint every"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in points:
        found = point.found
        if found is None:
            table.add_row(f"{point.nodes:,}", _time(point.work, 4), "does not end", *[""] * 4)
            continue
        kept = found.checkpoints
        table.add_row(
            f"{point.nodes:,}",
            _time(point.work, 4),
            _time(found.expected_time, 4),
            f"{found.efficiency:.1%}",
            _time(found.simulated.p95, 4),
            _time(found.mtbf) if found.critical else "never",
            "never" if kept is None else _time(kept.interval),
        )
    return table


def failures_document(result: Result, intervals: Sequence[Reliability], points: Sequence[NodePoint]) -> dict[str, Any]:
    """As the command's JSON has it: the run's result, and lists of campaigns as the result's `reliability`."""
    return {
        "result": result.to_dict(),
        "intervals": [found.to_dict(None, None) for found in intervals],
        "nodes": [
            {
                "nodes": point.nodes,
                "work_s": point.work,
                "reliability": None if point.found is None else point.found.to_dict(None, None),
            }
            for point in points
        ],
    }


def failures_plot(result: Result, intervals: Sequence[Reliability], points: Sequence[NodePoint], path: Path) -> None:
    """Time against the interval, the optimum marked, and against the number of nodes where there are several.

    Raises
    ------
    InputError
        If matplotlib is missing, or the file cannot be written or has another suffix.
    """
    from simulator.figures import figure_for, save_figure

    figure = figure_for(path, 10.0 if points else 5.5, 3.8, layout="constrained")
    axes = figure.subplots(1, 2 if points else 1, squeeze=False)[0]
    unit, scale = _unit(max(found.simulated.p95 for found in intervals))
    _draw_intervals(axes[0], result, intervals, unit, scale)
    if points:
        _draw_nodes(axes[1], [point for point in points if math.isfinite(point.time)])
    save_figure(figure, path, 150)


def _unit(longest: float) -> tuple[str, float]:
    """The unit that suits so many seconds, and its length."""
    for name, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if longest >= 2.0 * length:
            return name, length
    return "seconds", 1.0


def _draw_intervals(axes: Any, result: Result, intervals: Sequence[Reliability], unit: str, scale: float) -> None:
    kept = [(found, found.checkpoints) for found in intervals if found.checkpoints is not None]
    name, length = _unit(max(found.interval for _, found in kept) / 4.0)
    places = [found.interval / length for _, found in kept]
    means = [found.simulated.mean / scale for found, _ in kept]
    low = [found.simulated.p5 / scale for found, _ in kept]
    high = [found.simulated.p95 / scale for found, _ in kept]
    axes.fill_between(places, low, high, color=_BLUE, alpha=0.15, linewidth=0, label="5 to 95 % of campaigns")
    axes.plot(places, [found.expected_time / scale for found, _ in kept], color=_BLUE, label="expected")
    axes.plot(places, means, "o", color=_BLUE, markersize=4, label="mean of those simulated")
    optimum = kept[0][1].daly
    if math.isfinite(optimum):
        axes.axvline(optimum / length, color=_ORANGE, linestyle="--", linewidth=1, label="Daly's optimum")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(f"training from checkpoint to checkpoint [{name}]")
    axes.set_ylabel(f"time until all is done [{unit}]")
    axes.set_title(f"{result.algorithm} on {result.nodes:,} × {result.system}", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False)


def _draw_nodes(axes: Any, points: Sequence[NodePoint]) -> None:
    if not points:
        axes.set_title("on no number of nodes does it end", fontsize=10, loc="left")
        return
    unit, scale = _unit(max(point.time for point in points))
    nodes = [point.nodes for point in points]
    axes.plot(nodes, [point.time / scale for point in points], "o-", color=_BLUE, markersize=4, label="with failures")
    axes.plot(nodes, [point.work / scale for point in points], ":", color="#555555", label="without failures")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(nodes, [f"{count:,}" for count in nodes])
    axes.minorticks_off()
    axes.set_xlabel("nodes")
    axes.set_ylabel(f"time until all is done [{unit}]")
    axes.set_title("the same samples on more nodes", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False)
