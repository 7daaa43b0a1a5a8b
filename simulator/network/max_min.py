"""Max-min fair rates: how flows share the capacities of the resources on their routes.

A feasible allocation is max-min fair when no flow can be given more without taking from one that has no more than it.
Equivalently, and this is what the tests check: every flow is either at its own cap, or crosses a full resource on
which no other flow is faster (Bertsekas and Gallager, *Data Networks*, 2nd ed. 1992, section 6.5.2). The allocation
is unique and is found by progressive filling: raise all rates together, and whenever a resource fills up freeze the
flows that cross it.

The regime is that of long flows over a fair transport. Round-trip times, slow start, window limits and packet loss are
not modelled; SimGrid's flow-level models rest on the same idea (Casanova et al., *J. Parallel Distrib. Comput.* 74,
2014) and are known to be wrong for messages of a few kilobytes on a wide-area TCP.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heapreplace
from math import inf

__all__ = ["max_min_rates"]


def max_min_rates(
    routes: Sequence[Sequence[int]],
    capacities: Sequence[float],
    caps: Sequence[float] | None = None,
    counts: Sequence[int] | None = None,
    lowest: float = 0.0,
) -> list[float]:
    """Max-min fair rate of each flow. O(m log r) for m incidences and r resources.

    `native/clustersim_native.c` does the same steps in the same order, and so gives the same rates to the last digit.

    Parameters
    ----------
    routes : sequence of sequences of int, length n
        The indices of the resources each flow crosses, without repetition. A flow with an empty route gets its cap.
    capacities : sequence of float
        What each resource can carry [B/s], finite.
    caps : sequence of float, length n, optional
        Upper bound of each flow's rate [B/s]; infinite where there is none.
    counts : sequence of int, length n, optional
        Flow i stands for ``counts[i]`` flows with the same route and cap, each of which gets the returned rate.
    lowest : float
        What no flow gets less than but by its cap [B/s]: known where the capacities are what other flows leave over.

    Returns
    -------
    list of float, length n
        Rates [B/s]; infinite for a flow with neither a resource nor a cap.

    Examples
    --------
    Two flows share a link of 10; one of them goes on over a link of 3, so the other takes the 7 left over.

    >>> max_min_rates([[0, 1], [0]], [10.0, 3.0])
    [3.0, 7.0]
    """
    caps = [inf] * len(routes) if caps is None else caps
    counts = [1] * len(routes) if counts is None else counts
    rates = [-1.0] * len(routes)  # negative: not frozen yet
    free = list(capacities)
    load = [0] * len(free)  # flows not frozen yet
    users: list[list[int]] = [[] for _ in free]
    for flow, route in enumerate(routes):
        for resource in route:
            users[resource].append(flow)
            load[resource] += counts[flow]

    def freeze(flow: int, rate: float) -> None:
        rates[flow] = rate
        for resource in routes[flow]:
            free[resource] -= rate * counts[flow]
            load[resource] -= counts[flow]

    # What happens as the rates rise: resources fill up, and flows (numbered after the resources) reach their caps. A
    # resource fills up the later the more of its flows freeze before, so an outdated entry is never too late.
    events = [(free[resource] / load[resource], resource) for resource in range(len(free)) if load[resource]]
    events += [(cap, len(free) + flow) for flow, cap in enumerate(caps) if cap < inf and routes[flow]]
    heapify(events)
    level = lowest
    while events:
        at, which = events[0]
        if which >= len(free):
            heappop(events)
            if rates[which - len(free)] < 0.0:
                freeze(which - len(free), at)
            continue
        if not load[which]:
            heappop(events)
            continue
        share = free[which] / load[which]
        if share > at:
            heapreplace(events, (share, which))
            continue
        level = max(level, share)  # it never falls, but by rounding
        for flow in users[which]:
            if rates[flow] < 0.0:
                freeze(flow, min(level, caps[flow]))
    return [caps[flow] if rate < 0.0 else rate for flow, rate in enumerate(rates)]
