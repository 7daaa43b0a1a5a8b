"""Messages that never slow one another down: α + nβ for each (Hockney, *Parallel Computing* 20, 1994).

The model of most published analyses of collectives, the paper's included. Not realistic where several messages cross
one link at once; `simulator.network.fluid` is the model for that.
"""

from __future__ import annotations

from typing import ClassVar

import simpy

from simulator.network.accounts import NetworkCounters, ResourceUse, resource_uses, traffic_by_medium
from simulator.network.base import check_size
from simulator.platform.links import Route

__all__ = ["AlphaBetaNetwork"]


class AlphaBetaNetwork:
    """Every message takes ``route.time(size)``, whatever else is on its links; see `Network` for the interface."""

    description: ClassVar[str] = "latency + size / bandwidth for each message, without contention (Hockney 1994)"

    def __init__(self, env: simpy.Environment) -> None:
        self.counters = NetworkCounters()
        self._env = env
        self._carried: dict[Route, float] = {}

    def transfer(self, route: Route, size: float) -> simpy.Event:
        """Start a message now; see `Network.transfer`."""
        check_size(size)
        self._carried[route] = self._carried.get(route, 0.0) + size
        self.counters.transfers += 1
        return self._env.timeout(route.time(size))

    def traffic(self) -> dict[str, float]:
        """Bytes sent so far by link medium."""
        return traffic_by_medium(self._carried.items())

    def uses(self) -> list[ResourceUse]:
        """Use of every resource so far, most loaded first; may exceed the time passed, as nothing is shared."""
        return resource_uses(self._carried.items())
