"""What a network has carried: bytes and time for each resource and link medium.

Bytes are booked once for each route, when the transfer is asked for, and spread over links only when a report asks, so
that the accounts cost one addition for each transfer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.platform.links import CORES, THREADS, Link, Route

__all__ = ["NetworkCounters", "ResourceUse", "resource_uses", "traffic_by_medium"]


@dataclass
class NetworkCounters:
    """How much work the network model did; for tests of its locality and for the engine's speed report.

    Attributes
    ----------
    transfers : int
        Messages asked for, empty ones included.
    solves : int
        Max-min problems solved: one at each instant at which a flow that shares started or ended.
    solved_flows : int
        Flows in those problems, summed.
    direct : int
        Times a flow got its rate without a solve, because it shared no resource with another.
    """

    transfers: int = 0
    solves: int = 0
    solved_flows: int = 0
    direct: int = 0


@dataclass(frozen=True)
class ResourceUse:
    """What one resource (a directed link, or a medium that several links share) carried.

    Attributes
    ----------
    bytes : float
        A message that crosses the resource over two links counts once, as it does when flows compete.
    load : float
        ``bytes / bandwidth`` [s]: the least time in which the resource could have carried that. The resource with
        the largest load bounds the run from below.
    busy : float
        Time [s] during which at least one flow was on it; equal to `load` in models without sharing.
    """

    resource: str
    medium: str
    bytes: float
    load: float
    busy: float


def traffic_by_medium(carried: Iterable[tuple[Route, float]]) -> dict[str, float]:
    """Bytes by link medium, each link of a route counted; processors are no links."""
    totals: defaultdict[str, float] = defaultdict(float)
    for route, size in carried:
        for link in route.links:
            if link.medium not in (CORES, THREADS):
                totals[link.medium] += size
    return dict(totals)


def resource_uses(carried: Iterable[tuple[Route, float]], busy: dict[str, float] | None = None) -> list[ResourceUse]:
    """Use of every resource that carried anything, most loaded first (by name where equal).

    Parameters
    ----------
    carried : iterable of (Route, float)
        Bytes sent over each route.
    busy : dict of str to float, optional
        Busy time of each resource by name [s].
    """
    totals: defaultdict[str, float] = defaultdict(float)
    links: dict[str, Link] = {}
    for route, size in carried:
        crossed = {link.resource: link for link in route.links}
        links.update(crossed)
        for name in crossed:
            totals[name] += size
    uses = []
    for name, total in totals.items():
        load = total / links[name].bandwidth
        uses.append(ResourceUse(name, links[name].medium, total, load, load if busy is None else busy.get(name, 0.0)))
    return sorted(uses, key=lambda use: (-use.load, use.resource))
