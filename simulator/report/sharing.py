"""What several jobs on one machine did to one another, for the terminal and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.figures import figure_for, save_figure
from simulator.report.tables import percent, seconds
from simulator.sharing.placement import format_nodes
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.sharing.share import Sharing

__all__ = ["sharing_bars", "sharing_view"]

#: Shared links that are listed.
_LINKS = 8
_DPI = 150


def sharing_view(sharing: Sharing) -> RenderableType:
    """Each job alone and beside the others, the links they share, and all together."""
    title = f"{len(sharing.jobs)} jobs on one {sharing.system}, {sharing.placement}"
    table = Table(title=escape(title), title_justify="left", caption_justify="left")
    table.caption = "alone: on the same nodes with nobody else; comm = share of the communication parts when shared"
    table.add_column("job", no_wrap=True)
    table.add_column("algorithm")
    table.add_column("network")
    table.add_column("nodes")
    started = any(job.start for job in sharing.jobs)
    for heading in ([r"start \[s]"] if started else []) + [
        r"alone \[s]",
        r"shared \[s]",
        "slow-down",
        "comm",
        "samples/s",
    ]:
        table.add_column(heading, justify="right", no_wrap=True)
    for job in sharing.jobs:
        table.add_row(
            escape(job.name),
            job.shared.algorithm,
            job.shared.network,
            format_nodes(job.nodes),
            *([seconds(job.start)] if started else []),
            seconds(job.alone.time),
            seconds(job.shared.time),
            f"{job.slow_down:.3f}x",
            percent(job.shared.communication_ratio),
            f"{job.shared.throughput:,.0f}",
        )
    lost = 1.0 - sharing.throughput / sharing.throughput_alone
    less = f"{percent(lost)} less than" if lost > 5e-4 else "as much as"
    together = (
        f"together: {sharing.throughput:,.0f} samples/s, {less} without one another; "
        f"all ended after {format_quantity(sharing.duration, 'time', 4)}, "
        f"one after the other {format_quantity(sum(job.alone.time for job in sharing.jobs), 'time', 4)}"
    )
    return Group(table, Text(together), _links(sharing))


def _links(sharing: Sharing) -> RenderableType:
    if not sharing.links:
        return Text("no link carries messages of more than one job")
    more = len(sharing.links) - _LINKS
    table = Table(
        title=f"shared links{f', the most used {_LINKS} of {len(sharing.links)}' if more > 0 else ''}",
        title_justify="left",
    )
    table.add_column("link", no_wrap=True)
    table.add_column("medium")
    for job in sharing.jobs:
        table.add_column(escape(job.name), justify="right")
    table.add_column("used", justify="right")
    for link in sharing.links[:_LINKS]:
        carried = (
            format_quantity(link.bytes[job.name], "size") if job.name in link.bytes else "" for job in sharing.jobs
        )
        table.add_row(link.resource, link.medium, *carried, percent(link.utilisation))
    return table


def sharing_bars(sharing: Sharing, path: Path) -> None:
    """Two bars a job, alone and beside the others, from when it starts to when it ends.

    Raises
    ------
    InputError
        If matplotlib is missing, or the file cannot be written or has another suffix.
    """
    figure = figure_for(path, 8.0, 1.3 + 0.7 * len(sharing.jobs), layout="constrained")
    axes = figure.add_subplot()
    for place, job in enumerate(sharing.jobs):
        axes.barh(
            place - 0.19, job.alone.time, 0.34, left=job.start, color="#BBBBBB", label="_" * bool(place) + "alone"
        )
        axes.barh(
            place + 0.19, job.shared.time, 0.34, left=job.start, color="#0072B2", label="_" * bool(place) + "shared"
        )
        axes.text(job.end, place + 0.19, f" {job.slow_down:.2f}×", va="center", fontsize=8)
    axes.set_yticks(range(len(sharing.jobs)), [job.name for job in sharing.jobs])
    axes.set_xlim(0, 1.12 * max(job.end for job in sharing.jobs))
    axes.invert_yaxis()
    axes.set_xlabel("time [s]")
    axes.set_title(f"{len(sharing.jobs)} jobs on one {sharing.system}, {sharing.placement}", fontsize=10, loc="left")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    save_figure(figure, path, _DPI)
