"""Dragonfly: groups of routers, every two groups joined directly, with minimal or Valiant routing.

Topology after Kim et al. (ISCA 2008); the two-dimensional group (rows all-to-all, columns all-to-all) is Cray's
Cascade (Faanes et al., SC 2012), whose Aries network takes at most one global link on a minimal path and two on a
Valiant one. Cray picks among paths by load, packet by packet; a route here is one path, picked once and for all:

- minimal: over the global connection with the fewest local steps; among equals, by the target's number;
- Valiant: minimally to a group drawn for the pair of adapters, and minimally on from there; inside one group, by way
  of a router drawn for the pair. It doubles the use of global links to make every traffic pattern look uniform.

Connection c between two groups hangs on router (peer's number * connections + c) mod routers of each of them, which
spreads a group's global cables evenly over its routers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from math import ceil

from simulator.errors import UnknownNameError
from simulator.hardware.cables import Cable, CableType
from simulator.hardware.fabric import DragonflyProfile
from simulator.platform.cabling import Stretch
from simulator.platform.fabrics.base import SwitchedFabric

__all__ = ["ROUTINGS", "Dragonfly", "Router"]

#: A router: its group, and its number in the group (row by row).
Router = tuple[int, int]

ROUTINGS = ("minimal", "valiant")


class Dragonfly(SwitchedFabric):
    """A dragonfly; adapters fill routers in order, routers fill groups in order.

    Parameters
    ----------
    routing : {"minimal", "valiant"}
    seed : int
        Of the draws that Valiant routing makes.
    """

    def __init__(
        self,
        adapters: Sequence[str],
        cables: Mapping[str, CableType],
        profile: DragonflyProfile,
        routing: str = "minimal",
        seed: int = 0,
    ) -> None:
        super().__init__(adapters, cables)
        if routing not in ROUTINGS:
            raise UnknownNameError("routing", routing, ROUTINGS)
        self.profile = profile
        self.routing = routing
        self._seed = seed
        self.groups_in_use = ceil(len(adapters) / (profile.routers * profile.nodes_per_router))
        self._hop = cache(lambda a, b: Stretch([_name(a), _name(b)], self._cable(a, b)))
        self._local = cache(self._find_local)
        self._gateways = cache(self.gateways)
        self._ways = cache(self._find_ways)

    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
        """To the router, from router to router, to the adapter."""
        if source == target:
            return ()
        routers = self.routers_between(source, target)
        return self.into(source), *map(self._hop, routers, routers[1:]), self.out(target)

    def routers_between(self, source: int, target: int) -> tuple[Router, ...]:
        """The routers on the way between two adapters."""
        first, last = self._router_of(source), self._router_of(target)
        if self.routing == "valiant" and first != last:
            return _without_loops(self._valiant(first, last, source, target))
        return self._minimal(first, last, target)

    def switch_of(self, adapter: int) -> str:
        """Its router."""
        return _name(self._router_of(adapter))

    def gateways(self, group: int, other: int) -> list[tuple[Router, Router]]:
        """Both ends of every connection between two groups, the end in `group` first."""
        count, routers = self.profile.connections, self.profile.routers
        here, there = other - (other > group), group - (group > other)
        return [
            ((group, (here * count + index) % routers), (other, (there * count + index) % routers))
            for index in range(count)
        ]

    def cables(self) -> Iterator[Cable]:
        """Adapters, then every group that routes may pass, then the connections between those groups."""
        yield from self._injection_cables()
        groups = self._groups()
        for group in groups:
            for a, b in combinations(range(self.profile.routers), 2):
                if self._row(a) == self._row(b) or self._column(a) == self._column(b):
                    yield Cable(_name((group, a)), _name((group, b)), self._cable((group, a), (group, b)))
        for group, other in combinations(groups, 2):
            for near, far in self.gateways(group, other):
                yield Cable(_name(near), _name(far), self._cables["global"])

    def layers(self) -> Mapping[str, int]:
        """Every router stands next to the adapters."""
        return {_name((group, router)): 1 for group in self._groups() for router in range(self.profile.routers)}

    def _groups(self) -> range:
        detours = self.routing == "valiant" and self.groups_in_use > 1
        return range(self.profile.groups if detours else self.groups_in_use)

    def _router_of(self, adapter: int) -> Router:
        return divmod(adapter // self.profile.nodes_per_router, self.profile.routers)

    def _row(self, router: int) -> int:
        return router // self.profile.columns

    def _column(self, router: int) -> int:
        return router % self.profile.columns

    def _cable(self, a: Router, b: Router) -> CableType:
        if a[0] != b[0]:
            return self._cables["global"]
        return self._cables["row" if self._row(a[1]) == self._row(b[1]) else "column"]

    def _find_local(self, first: Router, last: Router) -> tuple[Router, ...]:
        """Within a group: along the row, then along the column."""
        corner = (first[0], self._row(first[1]) * self.profile.columns + self._column(last[1]))
        return _without_loops([first, corner, last])

    def _minimal(self, first: Router, last: Router, turn: int) -> tuple[Router, ...]:
        if first[0] == last[0]:
            return self._local(first, last)
        equal = self._ways(first, last)
        near, far = equal[turn % len(equal)]
        return self._local(first, near) + self._local(far, last)

    def _find_ways(self, first: Router, last: Router) -> list[tuple[Router, Router]]:
        """The connections between two groups over which two of their routers are nearest to one another."""
        ways = self._gateways(first[0], last[0])
        steps = [self._steps(first, near) + self._steps(far, last) for near, far in ways]
        shortest = min(steps)
        return [way for way, count in zip(ways, steps, strict=True) if count == shortest]

    def _steps(self, first: Router, last: Router) -> int:
        """How many links `_local` takes."""
        return (self._row(first[1]) != self._row(last[1])) + (self._column(first[1]) != self._column(last[1]))

    def _valiant(self, first: Router, last: Router, source: int, target: int) -> tuple[Router, ...]:
        if first[0] == last[0]:
            choices = [(first[0], number) for number in range(self.profile.routers)]
            middles = [router for router in choices if router not in (first, last)]
            if not middles:
                return self._minimal(first, last, target)
            middle = middles[self._draw(source, target, len(middles))]
            return self._local(first, middle) + self._local(middle, last)
        groups = [group for group in range(self.profile.groups) if group not in (first[0], last[0])]
        if not groups:
            return self._minimal(first, last, target)
        draw = self._draw(source, target, len(groups) * self.profile.connections)
        group, connection = divmod(draw, self.profile.connections)
        near, far = self.gateways(first[0], groups[group])[connection]
        return self._local(first, near) + self._minimal(far, last, target)

    def _draw(self, source: int, target: int, choices: int) -> int:
        """A number below `choices` that depends on the seed and the pair alone, not on what was asked before."""
        from numpy.random import SeedSequence

        return int(SeedSequence((self._seed, source, target)).generate_state(1)[0]) % choices


def _name(router: Router) -> str:
    return f"g{router[0]}.r{router[1]}"


def _without_loops(routers: Sequence[Router]) -> tuple[Router, ...]:
    path: list[Router] = []
    for router in routers:
        if router in path:
            del path[path.index(router) + 1 :]
        else:
            path.append(router)
    return tuple(path)
