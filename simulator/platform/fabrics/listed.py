"""A fabric that is written down as a list of links, whatever its shape.

Routes have the fewest steps; where several next switches are equally near, the target's number picks one, as equal-cost
multipath routing picks by a hash. The distances to a target are found once, by breadth-first search from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from simulator.errors import InputError
from simulator.hardware.cables import Cable, CableType
from simulator.platform.cabling import Stretch, steps_of
from simulator.platform.fabrics.base import Fabric

__all__ = ["ListedFabric"]


class ListedFabric(Fabric):
    """Switches and adapters joined by the cables given.

    Parameters
    ----------
    switches : sequence of str
    listed : sequence of Cable
        Between switches and adapters; those of adapters that are not placed are left out.
    """

    def __init__(self, adapters: Sequence[str], switches: Sequence[str], listed: Sequence[Cable]) -> None:
        super().__init__(adapters, {})
        self._switches = tuple(switches)
        placed = {*adapters, *switches}
        self._listed = tuple(cable for cable in listed if {cable.source, cable.target} <= placed)
        self._neighbours: dict[str, dict[str, CableType]] = {name: {} for name in (*switches, *adapters)}
        for cable in self._listed:
            for step in steps_of(cable):
                self._neighbours[step.source][step.target] = step.cable
        self._distances: dict[int, dict[str, int]] = {}
        self._next = cache(self._find_next)
        self._hop = cache(lambda *ends: Stretch(ends, self._neighbours[ends[0]][ends[1]]))

    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
        """A path of fewest steps, each a stretch."""
        here, goal = self.adapters[source], self.adapters[target]
        way = []
        while here != goal:
            chosen = self._next(here, target)
            way.append(self._hop(here, chosen))
            here = chosen
        return tuple(way)

    def _find_next(self, here: str, target: int) -> str:
        """The vertex after `here` on the way to an adapter."""
        distances = self._distances_to(target)
        if here not in distances:
            raise InputError(f"fabric.links: no way leads from {here!r} to {self.adapters[target]!r}")
        nearer = [name for name in self._neighbours[here] if distances.get(name) == distances[here] - 1]
        return nearer[target % len(nearer)]

    def cables(self) -> Iterator[Cable]:
        """Those between placed adapters and switches."""
        return iter(self._listed)

    def layers(self) -> Mapping[str, int]:
        """One more than the distance to the nearest adapter."""
        layers = dict.fromkeys(self.adapters, 0)
        frontier = deque(layers)
        while frontier:
            here = frontier.popleft()
            for name in self._neighbours[here]:
                if name not in layers:
                    layers[name] = layers[here] + 1
                    frontier.append(name)
        return {name: layers.get(name, 1) for name in self._switches}

    def _distances_to(self, target: int) -> dict[str, int]:
        distances = self._distances.get(target)
        if distances is None:
            goal, switches = self.adapters[target], set(self._switches)
            distances = self._distances[target] = {goal: 0}
            frontier = deque([goal])
            while frontier:
                here = frontier.popleft()
                if here != goal and here not in switches:
                    continue  # adapters do not forward
                for name in self._neighbours[here]:
                    if name not in distances:
                        distances[name] = distances[here] + 1
                        frontier.append(name)
        return distances
