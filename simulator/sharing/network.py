"""The network that several jobs share, and what of it one job has used.

The fluid network of a single job takes ends that differ by rounding alone for one instant. Beside other jobs that would
let one job see, in its last digits, events of another that it shares nothing with. So here ends are what they are, to
the last digit: a job that shares no link with others takes exactly as long as it does alone on this network, and as on
its own up to rounding.
"""

from __future__ import annotations

from typing import ClassVar

import simpy

from simulator.network.accounts import ResourceUse, resource_uses, traffic_by_medium
from simulator.network.base import Network
from simulator.network.fluid import FluidNetwork
from simulator.platform.links import Route

__all__ = ["NetworkView", "SharedFluidNetwork"]


class SharedFluidNetwork(FluidNetwork):
    """The fluid network with exact ends; see the module."""

    same_instant: ClassVar[float] = 1.0


class NetworkView:
    """One job's part in a shared network: the same links, with accounts of what this job alone has sent."""

    def __init__(self, network: Network) -> None:
        self.counters = network.counters
        self._network = network
        self._carried: dict[Route, float] = {}

    def transfer(self, route: Route, size: float) -> simpy.Event:
        """Start a message now; see `Network.transfer`."""
        arrival = self._network.transfer(route, size)
        self._carried[route] = self._carried.get(route, 0.0) + size
        return arrival

    def traffic(self) -> dict[str, float]:
        """Bytes this job has sent so far by link medium."""
        return traffic_by_medium(self._carried.items())

    def uses(self) -> list[ResourceUse]:
        """This job's use of every resource so far, most loaded first; `busy` is the seconds its bytes alone need."""
        return resource_uses(self._carried.items())
