"""Messages of one round that share links: their ends, with max-min fair rates from start to end.

What happens to a group of messages that share links depends on nothing else as long as no message of another round is
on those links, which whoever calls this makes sure of. Groups of the same shape, such as the GPUs of each node that
load a batch over their switch, are solved once.
"""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import NamedTuple

import numpy as np

from simulator.execution.lockstep.patterns import Floats, Integers, Pattern
from simulator.execution.lockstep.unsuited import Unsuited
from simulator.network.max_min import max_min_rates

__all__ = ["Contention"]

#: Starts of one group that differ by less are the same: in units of its longest message, and of the time of day, which
#: is what starts of equal ranks differ by.
_ROUNDING, _ROUNDING_OF_DAY = 1e-12, 2.0**-47
#: Messages of different sizes or starts in one group; more are better served by the event-driven network.
_MOST = 128
#: Solutions that are kept; where steps differ by chance none is ever wanted again.
_REMEMBERED = 20_000


class _Shape(NamedTuple):
    """What a group's messages cross, with its resources numbered from 0."""

    routes: tuple[tuple[int, ...], ...]
    capacities: tuple[float, ...]
    caps: tuple[float, ...]


class Contention:
    """Ends of messages that set out together and share links.

    Parameters
    ----------
    capacities : list of float
        Of each numbered resource [B/s]; grows as routes become known.
    """

    def __init__(self, capacities: list[float]) -> None:
        self._capacities = capacities
        self._shapes: dict[Pattern, dict[_Shape, Integers]] = {}
        self._solved: dict[tuple[_Shape, bytes, bytes], Floats] = {}

    def ends(self, pattern: Pattern, begin: Floats, size: Floats, alone: Floats, base: float = 0.0) -> Floats:
        """When each message ends.

        Parameters
        ----------
        pattern : Pattern
        begin, size, alone : array, shape (messages,)
            When its first byte is on its way [s], its bytes, and when it would end by itself [s].
        base : float
            The time of day that times count from [s].
        """
        if pattern not in self._shapes:
            self._shapes[pattern] = self._sorted_by_shape(pattern)
        moment = _ROUNDING_OF_DAY * (base + float(begin.max()))
        end = alone.copy()
        for shape, groups in self._shapes[pattern].items():
            first = begin[groups].min(axis=1, keepdims=True)
            same = max(_ROUNDING * float((alone[groups] - begin[groups]).max()), moment) or 1.0
            starts = np.round((begin[groups] - first) / same) * same
            sizes = size[groups]
            if (starts == starts[0]).all() and (sizes == sizes[0]).all():
                end[groups] = first + self._solve(shape, starts[0], sizes[0])
            else:
                for group, at, own_starts, own_sizes in zip(groups, first, starts, sizes, strict=True):
                    end[group] = at + self._solve(shape, own_starts, own_sizes)
        return end

    def _sorted_by_shape(self, pattern: Pattern) -> dict[_Shape, Integers]:
        """The groups of each shape, one a row."""
        crossed: defaultdict[int, list[int]] = defaultdict(list)
        for message, resource in zip(pattern.message.tolist(), pattern.resource.tolist(), strict=True):
            crossed[message].append(resource)
        found: defaultdict[_Shape, list[tuple[int, ...]]] = defaultdict(list)
        for group in pattern.contended:
            numbers: dict[int, int] = {}
            routes = tuple(
                tuple(numbers.setdefault(resource, len(numbers)) for resource in crossed[message]) for message in group
            )
            capacities = tuple(self._capacities[resource] for resource in numbers)
            caps = tuple(pattern.routes[message].rate_cap for message in group)
            found[_Shape(routes, capacities, caps)].append(group)
        return {shape: np.array(groups) for shape, groups in found.items()}

    def _solve(self, shape: _Shape, starts: Floats, sizes: Floats) -> Floats:
        key = shape, starts.tobytes(), sizes.tobytes()
        if key not in self._solved:
            if len(self._solved) >= _REMEMBERED:
                self._solved.clear()
            self._solved[key] = _shared_ends(shape, starts, sizes)
        return self._solved[key]


def _shared_ends(shape: _Shape, starts: Floats, sizes: Floats) -> Floats:
    """Ends of one group's messages [s], from the start of its first."""
    if len(starts) > _MOST and len(set(zip(starts.tolist(), sizes.tolist(), strict=True))) > 1:
        raise Unsuited(f"more than {_MOST} different messages share links")
    ends = np.zeros(len(starts))
    waiting = sorted(range(len(starts)), key=lambda message: -starts[message])
    left: dict[int, float] = {}
    now = 0.0
    while waiting or left:
        active = list(left)
        rates = max_min_rates([shape.routes[m] for m in active], shape.capacities, [shape.caps[m] for m in active])
        next_end = min((now + left[m] / rate for m, rate in zip(active, rates, strict=True)), default=inf)
        next_start = float(starts[waiting[-1]]) if waiting else inf
        then = min(next_end, next_start)
        for message, rate in zip(active, rates, strict=True):
            left[message] -= rate * (then - now)
            if left[message] <= rate * then * _ROUNDING:
                ends[message] = then
                del left[message]
        now = then
        while waiting and starts[waiting[-1]] <= now:
            message = waiting.pop()
            left[message] = float(sizes[message])
    return ends
