"""Ranks on the hosts of one switch, for both simulators: full-duplex adapters of 10 GB/s and 1 µs each.

The latency of a message is that of the two adapters it passes. Ranks of one host share its adapter, and its memory,
which is what messages between them cross, and updates of arrays that they share.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.platform.links import Link, Route

__all__ = ["BANDWIDTH", "LATENCY", "MEMORY_BANDWIDTH", "Star", "memory_of"]

#: Of an adapter, in each direction [B/s].
BANDWIDTH = 10e9
#: Of an adapter [s].
LATENCY = 1e-6
#: Of a host's memory [B/s].
MEMORY_BANDWIDTH = 100e9


class Star:
    """Routes between ranks.

    Parameters
    ----------
    hosts : sequence of str
        The host of each rank.
    latency : float
        Of an adapter [s].
    """

    def __init__(self, hosts: Sequence[str], latency: float = LATENCY) -> None:
        self.rank_hosts = tuple(hosts)
        self.hosts = tuple(dict.fromkeys(hosts))
        self._up = {host: _link(f"{host} up", latency, BANDWIDTH) for host in self.hosts}
        self._down = {host: _link(f"{host} down", latency, BANDWIDTH) for host in self.hosts}
        self._memory = {host: _link(memory_of(host), 0.0, MEMORY_BANDWIDTH) for host in self.hosts}
        self._routes: dict[tuple[str, str], Route] = {}
        self._memory_routes = {host: Route((self._memory[host],)) for host in self.hosts}

    def route(self, source: int, target: int) -> Route:
        """From one rank to another; the same object every time."""
        ends = self.rank_hosts[source], self.rank_hosts[target]
        if ends[0] == ends[1]:
            return self._memory_routes[ends[0]]
        if ends not in self._routes:
            self._routes[ends] = Route((self._up[ends[0]], self._down[ends[1]]))
        return self._routes[ends]

    def memory_route(self, rank: int) -> Route:
        """The memory of a rank's host."""
        return self._memory_routes[self.rank_hosts[rank]]

    def peer_links(self) -> dict[str, tuple[float, float]]:
        """Every link as a peer is told of it."""
        links = [*self._up.values(), *self._down.values(), *self._memory.values()]
        return {link.name: (link.bandwidth, link.latency) for link in links}

    def peer_routes(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Between any two hosts, inside each, and from each to its memory, which stands as a host of its own."""
        routes: list[tuple[str, str, tuple[str, ...]]] = [
            (source, target, (self._up[source].name, self._down[target].name))
            for source in self.hosts
            for target in self.hosts
            if source != target
        ]
        routes += [(host, end, (memory_of(host),)) for host in self.hosts for end in (host, memory_of(host))]
        return routes

    def peer_hosts(self) -> tuple[str, ...]:
        """The hosts and their memories."""
        return (*self.hosts, *map(memory_of, self.hosts))


def memory_of(host: str) -> str:
    """Name of the memory of a host."""
    return f"{host} memory"


def _link(name: str, latency: float, bandwidth: float) -> Link:
    return Link(name, name, name, bandwidth, latency, "star", name)
