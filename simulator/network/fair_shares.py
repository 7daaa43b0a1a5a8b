"""Groups of flows that share resources max-min fairly: their rates, and when the next flow of each ends.

A group is any number of flows that have the same resources and the same cap, and so the same rate. All of them are
served by one counter of bytes, the service that each member has had since the group began.

Only what can have changed is solved again. Progressive filling raises all rates together, so up to the level at which
two problems first differ it does the same for both: what froze below that level keeps its rate. A flow that leaves
makes no difference below its own rate; one that comes makes none below the level at which a resource of its route would
fill up if the others kept their rates. From the lowest such level on, the groups are solved that are reached from the
changed resources over groups that are not slower than that, with what the slower ones leave over.

`native/clustersim_native.c` is the same, step by step, in C. `fair_shares` takes it where it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from importlib import import_module
from itertools import count
from math import inf
from operator import attrgetter
from typing import Protocol, cast

from simulator.network.max_min import max_min_rates

__all__ = ["FairShares", "PlainFairShares", "compiled_version", "fair_shares"]

#: Of the interface below; an extension that was built for another one is not used.
_VERSION = 1


class FairShares(Protocol):
    """Resources and groups are known by the numbers that `add_resource` and `add_group` gave them.

    Changes only take note; `solve` works out their consequences, once for all changes of an instant.
    """

    solves: int  #: problems solved
    solved_flows: int  #: flows in them, summed

    def add_resource(self, capacity: float) -> int:
        """A resource of that capacity [B/s], without users."""
        ...

    def set_capacity(self, resource: int, capacity: float) -> None:
        """Change what the users of a resource get together [B/s]."""
        ...

    def add_group(self, resources: Sequence[int], cap: float, since: float, rate: float) -> int:
        """A group without members, which would have had that rate [B/s] since then [s]; `resources` is not empty."""
        ...

    def move_group(self, group: int, resources: Sequence[int], cap: float) -> None:
        """Let a group use other resources, at its old rate until the next `solve`; its cap is not below that."""
        ...

    def remove_group(self, group: int) -> None:
        """Forget a group, whose number may be given to another."""
        ...

    def set_members(self, group: int, members: int, target: float) -> None:
        """Say how many flows a group has, and the service [B] at which the first of them is complete."""
        ...

    def progress(self, group: int) -> tuple[float, float, float]:
        """The service of a group [B] at the time of day [s] that comes second, and its rate since then [B/s]."""
        ...

    def rebase(self, group: int) -> float:
        """Count the service of a group from zero on, and `target` with it; returns what it was at that time of day."""
        ...

    def solve(self, now: float) -> float:
        """Bring all rates up to date; returns when the first of all members is complete, infinite if none is."""
        ...

    def due(self, horizon: float) -> list[tuple[int, float]]:
        """The groups, by number, of which members are complete at `horizon`, and the service at which they are.

        None of them is due again before its next `set_members`.
        """
        ...


def compiled_version() -> str | None:
    """Version of the compiled `FairShares` that is installed and fits; None if there is none."""
    try:
        native = import_module("clustersim_native")
    except ImportError:
        return None
    return str(native.__version__) if native.INTERFACE == _VERSION else None


def fair_shares(incremental: bool = True, compiled: bool = True) -> FairShares:
    """The fastest implementation that is installed.

    Parameters
    ----------
    incremental : bool
        Whether only what can have changed is solved again; otherwise all that is connected with it.
    compiled : bool
        Whether the compiled one will do; it gives the same numbers to the last digit.
    """
    if compiled and compiled_version():
        return cast(FairShares, import_module("clustersim_native").FairShares(incremental))
    return PlainFairShares(incremental)


class _Resource:
    """`groups` is a dict used as an ordered set, so that results never depend on addresses in memory."""

    __slots__ = ("capacity", "groups", "visit")

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.groups: dict[_Group, None] = {}
        self.visit = 0  # the last search that came by


class _Group:
    __slots__ = (
        "cap",
        "count",
        "end",
        "level",
        "number",
        "rate",
        "resources",
        "service",
        "since",
        "stamp",
        "target",
        "visit",
    )

    def __init__(self, number: int, cap: float, since: float, rate: float) -> None:
        self.number = number
        self.resources: list[_Resource] = []
        self.cap = cap
        self.count = 0
        self.rate = rate
        self.level = inf  # at which it froze when last solved
        self.since = since  # when the rate last changed
        self.service = 0.0  # by then
        self.target = inf
        self.stamp = 0  # counts up with each group that comes to its resources
        self.end = inf  # when the first member is complete at the present rate
        self.visit = 0


class PlainFairShares:
    """`FairShares` in plain Python."""

    def __init__(self, incremental: bool = True) -> None:
        self.solves = 0
        self.solved_flows = 0
        self._incremental = incremental
        self._resources: list[_Resource] = []
        self._groups: list[_Group | None] = []
        self._unused: list[int] = []  # numbers of groups that were removed
        self._touched: dict[_Resource, None] = {}  # resources with other users, counts or capacity since the last solve
        self._joined: dict[_Resource, None] = {}  # those of them that have more to carry, or less to carry it with
        self._level = inf  # nothing that froze below it has been affected by what left since the last solve
        self._visit = 0
        self._ends: list[tuple[float, int, _Group]] = []  # heap; an entry counts while it equals the group's `end`
        self._tickets = count()
        self._stamps = count()

    def add_resource(self, capacity: float) -> int:
        """See `FairShares`."""
        self._resources.append(_Resource(capacity))
        return len(self._resources) - 1

    def set_capacity(self, resource: int, capacity: float) -> None:
        """See `FairShares`."""
        changed = self._resources[resource]
        if capacity != changed.capacity:
            changed.capacity = capacity
            self._touched[changed] = self._joined[changed] = None
            for group in changed.groups:
                self._level = min(self._level, group.level)

    def add_group(self, resources: Sequence[int], cap: float, since: float, rate: float) -> int:
        """See `FairShares`."""
        if self._unused:
            number = self._unused.pop()
        else:
            number = len(self._groups)
            self._groups.append(None)
        group = self._groups[number] = _Group(number, cap, since, rate)
        self._attach(group, resources)
        return number

    def move_group(self, group: int, resources: Sequence[int], cap: float) -> None:
        """See `FairShares`."""
        moved = self._group(group)
        self._detach(moved)
        moved.cap = cap
        self._attach(moved, resources)

    def remove_group(self, group: int) -> None:
        """See `FairShares`."""
        removed = self._group(group)
        self._detach(removed)
        removed.end = inf
        self._groups[group] = None
        self._unused.append(group)

    def set_members(self, group: int, members: int, target: float) -> None:
        """See `FairShares`."""
        changed = self._group(group)
        if members != changed.count:
            self._touched.update(dict.fromkeys(changed.resources))
            if members > changed.count:
                self._joined.update(dict.fromkeys(changed.resources))
            else:
                self._level = min(self._level, changed.level)
            changed.count = members
        changed.target = target
        self._announce(changed)

    def progress(self, group: int) -> tuple[float, float, float]:
        """See `FairShares`."""
        asked = self._group(group)
        return asked.service, asked.since, asked.rate

    def rebase(self, group: int) -> float:
        """See `FairShares`."""
        rebased = self._group(group)
        service, rebased.service = rebased.service, 0.0
        rebased.target -= service
        return service

    def solve(self, now: float) -> float:
        """See `FairShares`."""
        if self._touched:
            self._solve(now)
        ends = self._ends
        while ends and ends[0][0] != ends[0][2].end:
            heappop(ends)
        return ends[0][0] if ends else inf

    def due(self, horizon: float) -> list[tuple[int, float]]:
        """See `FairShares`."""
        ends = self._ends
        found = []
        while ends and ends[0][0] <= horizon:
            end, _, group = heappop(ends)
            if end == group.end:
                group.end = inf
                # Rounding must not keep back the first member, whose end has come.
                served = group.service + group.rate * (horizon - group.since)
                found.append((group.number, max(served, group.target)))
        return sorted(found)

    def _group(self, number: int) -> _Group:
        group = self._groups[number]
        assert group is not None
        return group

    def _attach(self, group: _Group, resources: Sequence[int]) -> None:
        group.stamp = next(self._stamps)
        group.resources = [self._resources[resource] for resource in resources]
        for resource in group.resources:
            resource.groups[group] = None
            self._touched[resource] = self._joined[resource] = None

    def _detach(self, group: _Group) -> None:
        self._level = min(self._level, group.level)
        for resource in group.resources:
            del resource.groups[group]
            self._touched[resource] = None

    def _solve(self, now: float) -> None:
        """Share the changed resources anew, and all that is connected with them above the first change."""
        level = 0.0
        if self._incremental:
            level = min([self._level, *(_fills_up_at(resource) for resource in self._joined)])
        self._visit += 1
        visit = self._visit
        resources = list(self._touched)
        places = {}
        for place, resource in enumerate(resources):
            resource.visit = visit
            places[resource] = place
        groups: list[_Group] = []
        free = []
        for resource in resources:  # grows while we walk
            left = resource.capacity
            for group in resource.groups:
                if group.level < level:
                    left -= group.rate * group.count
                elif group.visit != visit:
                    group.visit = visit
                    groups.append(group)
                    for other in group.resources:
                        if other.visit != visit:
                            other.visit = visit
                            places[other] = len(resources)
                            resources.append(other)
            free.append(left)
        self._touched.clear()
        self._joined.clear()
        self._level = inf
        if not groups:
            return
        groups.sort(key=attrgetter("stamp"))
        rates = max_min_rates(
            [[places[resource] for resource in group.resources] for group in groups],
            free,
            [group.cap for group in groups],
            [group.count for group in groups],
            level,
        )
        self.solves += 1
        for group, rate in zip(groups, rates, strict=True):
            self.solved_flows += group.count
            group.level = rate
            if rate != group.rate:  # else keep `since`: a flow whose rate never changed ends at start + size / rate
                group.service += group.rate * (now - group.since)
                group.since = now
                group.rate = rate
                self._announce(group)

    def _announce(self, group: _Group) -> None:
        """Say when the first member will be complete."""
        end = group.since + (group.target - group.service) / group.rate if group.rate > 0.0 else inf
        if end != group.end:
            group.end = end
            if end < inf:
                heappush(self._ends, (end, next(self._tickets), group))


def _fills_up_at(resource: _Resource) -> float:
    """The level at which a resource would be full if its users kept their rates, but for those not solved before."""
    level = 0.0
    while True:
        left, load = resource.capacity, 0
        for group in resource.groups:
            most = min(group.level, group.cap)
            if most <= level:
                left -= most * group.count
            else:
                load += group.count
        if not load:
            return inf
        if left / load <= level:
            return level
        level = left / load
