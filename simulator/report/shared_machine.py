"""What the other users of a machine did and cost, as rows of a run's facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.sharing.placement import format_nodes
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.result import Result

__all__ = ["sharing_rows"]


def sharing_rows(result: Result) -> list[tuple[str, str]]:
    """(label, text) of everybody else on the machine; none where there is nobody."""
    sharing = result.sharing
    if sharing is None:
        return []
    rows = []
    if sharing["slow_down"] is not None:
        alone = format_quantity(sharing["alone_time_s"], "time", 4)
        where = format_nodes(sharing["nodes"], most=3)
        rows.append(("shared", f"{sharing['slow_down']:.3f} times as long as the {alone} alone on nodes {where}"))
    for job in sharing["jobs"]:
        ended = f", ended {job['runs_ended']:,} times" if job["runs_ended"] else ""
        text = f"{job['algorithm']} · {job['network']} on nodes {format_nodes(job['nodes'])}{ended}"
        rows.append(("beside", text))
    traffic = sharing["traffic"]
    if traffic is not None:
        text = (
            f"traffic among nodes {format_nodes(traffic['nodes'])} at a load of {traffic['measured_load']:.3f} "
            f"(asked: {traffic['load']:g}), {traffic['flows']:,} flows"
        )
        rows.append(("beside", text))
    for link in sharing["shared_links"][:1]:
        others = sum(size for party, size in link["bytes"].items() if party != "job")
        text = (
            f"{link['resource']}, {link['utilisation']:.1%} used: {format_quantity(link['bytes']['job'], 'size')} own, "
            f"{format_quantity(others, 'size')} of others"
        )
        rows.append(("shared link", text))
    if not sharing["shared_links"]:
        rows.append(("shared link", "none"))
    return rows
