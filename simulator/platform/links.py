"""A directed link and a route over links: all that the network models need to know of a platform."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf

from simulator.platform.records import record

__all__ = ["CORES", "THREADS", "Link", "Processors", "Route"]

#: Media of what are no links, but processors that messages and work compete for: all cores of a chip, and those that
#: the threads of one process may use. No traffic is counted on them.
CORES, THREADS = "cores", "threads"


@dataclass(frozen=True, slots=True)
class Processors:
    """Cores that processes take turns on.

    Attributes
    ----------
    count : int
    time_slice : float
        How long [s] a process keeps a core before it makes way for one that waits.
    switch_time : float
        What a process loses [s] of a slice for having been interrupted.
    balance_delay : float
        How long [s] a core is idle before it takes a process that waits for another one; 0 if all have one queue.
    """

    count: int
    time_slice: float
    switch_time: float = 0.0
    balance_delay: float = 0.0


@record
class Link:
    """One direction of one cable, bus or on-chip path. Compared by identity: two cables are never the same link.

    Attributes
    ----------
    name : str
        Unique in its platform, such as ``"n0.plx0->n0.gpu1"``.
    bandwidth, latency : float
        [B/s] and [s].
    medium : str
        Link class for traffic accounts: the stem of the link profile, such as ``"pcie3-x16"`` or ``"aries"``.
    resource : str
        What flows compete for. Both directions of a half-duplex or shared medium carry the same name; otherwise it
        is the link's own name. All links of one resource have the same bandwidth.
    processors : Processors or None
        Where the link stands for cores that processes take turns on, in time slices.
    """

    name: str
    source: str
    target: str
    bandwidth: float
    latency: float
    medium: str
    resource: str
    processors: Processors | None = None


@record
class Route:
    """The path of a message, with the software costs that come before its first byte.

    A message of n bytes alone takes ``overhead + latency + n / bandwidth``.

    Attributes
    ----------
    links : tuple of Link
        In order; empty when source and target share a memory.
    overhead : float
        Software time before the transfer [s]: the copy call, the peer-to-peer call or the MPI stack.
    rate_cap : float
        Upper bound on one message's rate [B/s] whatever the links allow: pageable copies, a single TCP stream.
    announcement : float
        Software time [s] that the first message of an array takes more, where it is announced.
    processes : tuple of str
        Who has to get a core for it, where processes take turns: the sender and the receiver of a message, or whose
        work it is.
    """

    links: tuple[Link, ...]
    overhead: float = 0.0
    rate_cap: float = inf
    announcement: float = 0.0
    processes: tuple[str, ...] = ()

    @cached_property
    def announced(self) -> Route:
        """The route of a message that announces an array."""
        overhead = self.overhead + self.announcement
        return Route(self.links, overhead, self.rate_cap, processes=self.processes) if self.announcement else self

    @cached_property
    def latency(self) -> float:
        """Sum of the links' latencies [s]."""
        return sum(link.latency for link in self.links)

    @cached_property
    def bandwidth(self) -> float:
        """What a message alone gets [B/s]: the slowest link or the cap; infinite for an empty, uncapped route."""
        return min([self.rate_cap, *(link.bandwidth for link in self.links)])

    def time(self, size: float) -> float:
        """Time [s] of one message of `size` bytes alone on the route, α + nβ."""
        return self.overhead + self.latency + (size / self.bandwidth if size else 0.0)
