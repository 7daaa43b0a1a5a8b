"""Tori of any number of dimensions, with dimension-order routing.

A message corrects one coordinate after the other, the first dimension first, each the shorter way round its ring
(Dally & Seitz 1987); where both ways are equally long, routers with an even coordinate go up and others down, so that
the two directions share that traffic. A dimension of two has one cable between its routers, a dimension of one none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from simulator.hardware.cables import Cable, CableType
from simulator.hardware.fabric import TorusProfile
from simulator.platform.cabling import Step
from simulator.platform.fabrics.base import Fabric, walk

__all__ = ["Torus"]

Place = tuple[int, ...]


class Torus(Fabric):
    """A torus; adapters fill routers in order, the last coordinate running fastest."""

    def __init__(self, adapters: Sequence[str], cables: Mapping[str, CableType], profile: TorusProfile) -> None:
        super().__init__(adapters, cables)
        self.shape = profile.shape
        self.nodes_per_router = profile.nodes_per_router

    def path(self, source: int, target: int) -> tuple[Step, ...]:
        """Adapter, routers, adapter."""
        if source == target:
            return ()
        places = self.places_between(self._place(source), self._place(target))
        vertices = [self.adapters[source], *map(_name, places), self.adapters[target]]
        injection, link = self._cables["injection"], self._cables["link"]
        return walk(vertices, [injection, *[link] * (len(places) - 1), injection])

    def places_between(self, first: Place, last: Place) -> list[Place]:
        """The routers passed, by their coordinates, both ends included."""
        here = list(first)
        places = [first]
        for dimension, size in enumerate(self.shape):
            up = (last[dimension] - here[dimension]) % size
            down = size - up
            forwards = up < down or (up == down and here[dimension] % 2 == 0)
            for _ in range(up if forwards else down % size):
                here[dimension] = (here[dimension] + (1 if forwards else -1)) % size
                places.append(tuple(here))
        return places

    def cables(self) -> Iterator[Cable]:
        """Adapters, then each router's upward neighbour in every dimension."""
        for index, adapter in enumerate(self.adapters):
            yield Cable(adapter, _name(self._place(index)), self._cables["injection"])
        for place in product(*map(range, self.shape)):
            for dimension, size in enumerate(self.shape):
                if size == 1 or (size == 2 and place[dimension] == 1):
                    continue
                above = (place[dimension] + 1) % size
                neighbour = (*place[:dimension], above, *place[dimension + 1 :])
                yield Cable(_name(place), _name(neighbour), self._cables["link"])

    def layers(self) -> Mapping[str, int]:
        """Every router stands next to its adapters."""
        return {_name(place): 1 for place in product(*map(range, self.shape))}

    def _place(self, adapter: int) -> Place:
        rest = adapter // self.nodes_per_router
        place: list[int] = []
        for size in reversed(self.shape):
            rest, coordinate = divmod(rest, size)
            place.append(coordinate)
        return tuple(reversed(place))


def _name(place: Place) -> str:
    return "r" + ".".join(map(str, place))
