"""Max-min fair rates: how flows share the capacities of the resources on their routes.

A feasible allocation is max-min fair when no flow can be given more without taking from one that has no more than it.
Equivalently, and this is what the tests check: every flow is either at its own cap, or crosses a full resource on
which no other flow is faster (Bertsekas and Gallager, *Data Networks*, 2nd ed. 1992, section 6.5.2). The allocation
is unique and is found by progressive filling: raise all rates together, and whenever a resource fills up freeze the
flows that cross it.

The regime is that of long flows over a fair transport. Round-trip times, slow start, window limits and packet loss are
not modelled; SimGrid's flow-level models rest on the same idea (Casanova et al., *J. Parallel Distrib. Comput.* 74,
2014) and are known to be wrong for messages of a few kilobytes on a wide-area TCP.

Two implementations give the same rates up to rounding: a heap of resources in plain Python, which is faster on the
small problems that dominate a simulation, and numpy arrays that freeze all *locally* tightest resources in one sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heapreplace
from math import inf

import numpy as np

__all__ = ["max_min_rates"]

#: From this many (flow, resource) incidences the arrays win; measured with `benchmarks/network.py`.
_ARRAYS_FROM = 400


def max_min_rates(
    routes: Sequence[Sequence[int]],
    capacities: Sequence[float],
    caps: Sequence[float] | None = None,
    counts: Sequence[int] | None = None,
) -> list[float]:
    """Max-min fair rate of each flow.

    Parameters
    ----------
    routes : sequence of sequences of int, length n
        The indices of the resources each flow crosses, without repetition. A flow with an empty route gets its cap.
    capacities : sequence of float
        What each resource can carry [B/s], > 0 and finite.
    caps : sequence of float, length n, optional
        Upper bound of each flow's rate [B/s]; infinite where there is none.
    counts : sequence of int, length n, optional
        Flow i stands for ``counts[i]`` flows with the same route and cap, each of which gets the returned rate.

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
    if sum(map(len, routes)) < _ARRAYS_FROM:
        return _fill_with_heap(routes, capacities, caps, counts)
    return _fill_with_arrays(routes, capacities, caps, counts)


def _fill_with_heap(
    routes: Sequence[Sequence[int]], capacities: Sequence[float], caps: Sequence[float], counts: Sequence[int]
) -> list[float]:
    """Freeze one tightest resource after the other. O(m log r) for m incidences and r resources."""
    rates = [-1.0] * len(routes)  # negative: not frozen yet
    free = list(capacities)
    load = [0] * len(capacities)  # flows not frozen yet
    users: list[list[int]] = [[] for _ in capacities]
    for flow, route in enumerate(routes):
        for resource in route:
            users[resource].append(flow)
            load[resource] += counts[flow]

    def freeze(flow: int, rate: float) -> None:
        rates[flow] = rate
        for resource in routes[flow]:
            free[resource] -= rate * counts[flow]
            load[resource] -= counts[flow]

    # A share only grows while others freeze below it, so an outdated entry of the heap is never too large.
    shares = [(capacities[resource] / load[resource], resource) for resource in range(len(free)) if load[resource]]
    heapify(shares)
    capped = sorted((flow for flow in range(len(routes)) if caps[flow] < inf), key=caps.__getitem__, reverse=True)
    while shares:
        share, resource = shares[0]
        if not load[resource]:
            heappop(shares)
            continue
        level = free[resource] / load[resource]
        if level > share:
            heapreplace(shares, (level, resource))
            continue
        if capped and caps[capped[-1]] <= level:
            flow = capped.pop()
            if rates[flow] < 0:
                freeze(flow, caps[flow])
            continue
        for flow in users[resource]:
            if rates[flow] < 0:
                freeze(flow, max(level, 0.0))
    return [caps[flow] if rate < 0 else rate for flow, rate in enumerate(rates)]


def _fill_with_arrays(
    routes: Sequence[Sequence[int]], capacities: Sequence[float], caps: Sequence[float], counts: Sequence[int]
) -> list[float]:
    """Freeze, in each sweep, every resource that is the tightest one for all flows on it, and every flow at its cap."""
    rates = np.array(caps, dtype=float)
    limit = rates.copy()
    count = np.array(counts, dtype=float)
    free = np.array(capacities, dtype=float)
    lengths = np.array([len(route) for route in routes])
    active = np.flatnonzero(lengths)  # flows not frozen yet
    lengths = lengths[active]
    # One entry for each (active flow, resource on its route), grouped by flow.
    resource = np.fromiter((index for route in routes for index in route), dtype=np.intp)
    while active.size:
        owner = np.repeat(np.arange(active.size), lengths)
        load = np.bincount(resource, weights=count[active][owner], minlength=free.size)
        share = np.divide(np.maximum(free, 0.0), load, out=np.full(free.size, inf), where=load > 0)
        tightest = np.minimum.reduceat(share[resource], np.cumsum(lengths) - lengths)
        level = np.minimum(tightest, limit[active])
        lowest = np.full(free.size, inf)  # of the levels of the flows on each resource
        np.minimum.at(lowest, resource, level[owner])
        frozen = (share <= lowest)[resource]  # by the resource of this entry
        freeze = np.bincount(owner, weights=frozen, minlength=active.size) > 0
        freeze |= level >= limit[active]
        rates[active[freeze]] = level[freeze]
        gone = freeze[owner]
        used = (level * count[active])[owner[gone]]
        free -= np.bincount(resource[gone], weights=used, minlength=free.size)
        resource, active, lengths = resource[~gone], active[~freeze], lengths[~freeze]
    return [float(rate) for rate in rates]
