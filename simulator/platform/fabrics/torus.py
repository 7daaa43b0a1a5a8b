"""Tori of any number of dimensions, with dimension-order routing.

A message corrects one coordinate after the other, the first dimension first, each the shorter way round its ring
(Dally & Seitz 1987); where both ways are equally long, routers with an even coordinate go up and others down, so that
the two directions share that traffic. A dimension of two has one cable between its routers, a dimension of one none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product

from simulator.hardware.cables import Cable, CableType
from simulator.hardware.fabric import TorusProfile
from simulator.platform.cabling import Stretch
from simulator.platform.fabrics.base import SwitchedFabric

__all__ = ["Torus"]

Place = tuple[int, ...]


class Torus(SwitchedFabric):
    """A torus; adapters fill routers in order, the last coordinate running fastest."""

    def __init__(self, adapters: Sequence[str], cables: Mapping[str, CableType], profile: TorusProfile) -> None:
        super().__init__(adapters, cables)
        self.shape = profile.shape
        self.nodes_per_router = profile.nodes_per_router
        self._link = cables["link"]
        self._place = cache(self._find_place)
        self._router = cache(_name)
        self._along = cache(lambda *ring: Stretch([*map(self._router, self._ring(*ring))], self._link))

    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
        """To the router, along a ring in each dimension, to the adapter."""
        if source == target:
            return ()
        here, last = self._place(source), self._place(target)
        way = [self.into(source)]
        for dimension, coordinate in enumerate(last):
            if here[dimension] != coordinate:
                way.append(self._along(here, dimension, coordinate))
                here = (*last[: dimension + 1], *here[dimension + 1 :])
        return (*way, self.out(target))

    def _ring(self, place: Place, dimension: int, coordinate: int) -> list[Place]:
        """The routers from a place to another coordinate of one dimension, both ends included."""
        size, here = self.shape[dimension], place[dimension]
        up = (coordinate - here) % size
        down = size - up
        forwards = up < down or (up == down and here % 2 == 0)
        passed = range(up + 1) if forwards else range(0, -down - 1, -1)
        return [(*place[:dimension], (here + steps) % size, *place[dimension + 1 :]) for steps in passed]

    def switch_of(self, adapter: int) -> str:
        """Its router."""
        return self._router(self._place(adapter))

    def cables(self) -> Iterator[Cable]:
        """Adapters, then each router's upward neighbour in every dimension."""
        yield from self._injection_cables()
        for place in product(*map(range, self.shape)):
            for dimension, size in enumerate(self.shape):
                if size == 1 or (size == 2 and place[dimension] == 1):
                    continue
                above = (place[dimension] + 1) % size
                neighbour = (*place[:dimension], above, *place[dimension + 1 :])
                yield Cable(_name(place), _name(neighbour), self._link)

    def layers(self) -> Mapping[str, int]:
        """Every router stands next to its adapters."""
        return {_name(place): 1 for place in product(*map(range, self.shape))}

    def _find_place(self, adapter: int) -> Place:
        rest = adapter // self.nodes_per_router
        place: list[int] = []
        for size in reversed(self.shape):
            rest, coordinate = divmod(rest, size)
            place.append(coordinate)
        return tuple(reversed(place))


def _name(place: Place) -> str:
    return "r" + ".".join(map(str, place))
