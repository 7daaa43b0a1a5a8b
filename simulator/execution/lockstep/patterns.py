"""Who sends to whom at once, and over what: the part of a round that is the same however large the messages are.

A pattern is worked out once and used for every round with the same pairs, such as all rounds of a ring. Everything is
an array over the round's messages, so that a round costs a few array operations, not one event for each message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.execution.lockstep.unsuited import Unsuited
from simulator.platform.links import Link, Route

__all__ = ["Floats", "Integers", "Pattern", "Patterns"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pattern:
    """Messages that set out together.

    Attributes
    ----------
    source, destination : array of int, shape (messages,)
        Ranks. The host's memory, where batches come from, stands as the rank that they go to.
    routes : sequence of Route
        One for each message; the same object for the same path.
    delay, bandwidth : array, shape (messages,)
        What a message takes before its first byte is on its way [s], and its rate when alone [B/s].
    message, resource : array of int, shape (crossings,)
        The finite resources that the messages share with others: one entry for each message and resource.
    contended : tuple of tuple of int
        Groups of messages that share resources with one another, directly or through others.
    distinct : bool
        Whether no rank sends twice, and none receives twice.
    """

    source: Integers
    destination: Integers
    routes: Sequence[Route]
    delay: Floats
    bandwidth: Floats
    message: Integers
    resource: Integers
    contended: tuple[tuple[int, ...], ...]
    distinct: bool

    @cached_property
    def sent(self) -> Integers | None:
        """For each message of a distinct pattern, the one that its destination sends, or -1; None if none does."""
        message_of = {rank: message for message, rank in enumerate(self.source.tolist())}
        sent = np.array([message_of.get(rank, -1) for rank in self.destination.tolist()])
        return sent if (sent >= 0).any() else None

    @cached_property
    def everyone_sends(self) -> bool:
        """Whether every rank that receives sends as well."""
        return self.sent is not None and bool((self.sent >= 0).all())

    @cached_property
    def only_sends(self) -> Integers:
        """The messages of a distinct pattern whose source receives none."""
        return np.flatnonzero(~np.isin(self.source, self.destination))

    @cached_property
    def received(self) -> Integers:
        """Numbers of the receivers' spans, behind those of the senders."""
        return np.arange(len(self.source), 2 * len(self.source))

    @cached_property
    def resources(self) -> Integers:
        """Each resource once."""
        return np.unique(self.resource)


class Patterns:
    """The patterns of a run, and the resources that they cross, numbered.

    Parameters
    ----------
    route : callable
        ``(source_rank, destination_rank) -> Route``.
    shared : bool
        Whether messages slow one another down on the links they share.
    """

    def __init__(self, route: Callable[[int, int], Route | tuple[Route, ...]], shared: bool) -> None:
        self._route = route
        self._shared = shared
        self._known: dict[tuple[int, int], tuple[Pattern, Any, Any]] = {}
        self._numbers: dict[str, int] = {}
        self.capacities: list[float] = []  #: of each resource [B/s]

    def between(self, source: Integers, destination: Integers) -> Pattern:
        """The pattern of messages from each `source` to each `destination`.

        Raises
        ------
        Unsuited
            If a route is not one that a message has a fair share of from the moment it sets out.
        """
        key = id(source), id(destination)
        found = self._known.get(key)
        if found is None:
            pairs = zip(source.tolist(), destination.tolist(), strict=True)
            pattern = self.over(source, destination, [self._one_route(*pair) for pair in pairs])
            # The arrays are kept so that no others can take their places in memory.
            found = self._known[key] = pattern, source, destination
        return found[0]

    def _one_route(self, source: int, destination: int) -> Route:
        route = self._route(source, destination)
        if not isinstance(route, Route):
            raise Unsuited("a rank is spread over several devices")
        return route

    def over(self, source: Integers, destination: Integers, routes: Sequence[Route]) -> Pattern:
        """The pattern of messages over known routes."""
        crossings: list[tuple[int, int]] = []
        for index, route in enumerate(routes):
            if route.processes:
                raise Unsuited("processes take turns on cores")
            resources = dict.fromkeys(self._number(link) for link in route.links if link.bandwidth < inf)
            if self._shared:
                crossings += [(index, resource) for resource in resources]
        table = np.array(crossings, dtype=np.int64).reshape(-1, 2).T.copy()
        return Pattern(
            source,
            destination,
            routes,
            delay=np.array([route.overhead + route.latency for route in routes]),
            bandwidth=np.array([route.bandwidth for route in routes]),
            message=table[0],
            resource=table[1],
            contended=_groups(crossings),
            distinct=bool(np.unique(source).size == source.size and np.unique(destination).size == destination.size),
        )

    def _number(self, link: Link) -> int:
        if link.resource not in self._numbers:
            self._numbers[link.resource] = len(self._numbers)
            self.capacities.append(link.bandwidth)
        return self._numbers[link.resource]


def _groups(crossings: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Messages connected by resources that more than one of them crosses."""
    users: defaultdict[int, list[int]] = defaultdict(list)
    for message, resource in crossings:
        users[resource].append(message)
    leader: dict[int, int] = {}

    def find(message: int) -> int:
        while leader.setdefault(message, message) != message:
            leader[message] = message = leader[leader[message]]
        return message

    for messages in users.values():
        for other in messages[1:]:
            leader[find(other)] = find(messages[0])
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for message in leader:
        groups[find(message)].append(message)
    return tuple(tuple(sorted(group)) for group in groups.values() if len(group) > 1)
