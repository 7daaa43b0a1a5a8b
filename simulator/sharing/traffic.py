"""Traffic of tenants that nobody knows more about: Poisson flows between random adapters of their nodes.

Sources are drawn in proportion to their bandwidth, destinations evenly among the adapters of the other nodes, sizes
from `flow_sizes`. Flows arrive at the rate at which their bytes make up the load asked for, as a mean over all
adapters: rate · mean size = load · Σ bandwidth. They start when they arrive, whatever the network does, so what is
injected is what was asked for, and is carried as long as no link is asked for more than it carries; a load that would
do that is refused. The network is empty when the job starts. Real traffic is burstier than Poisson's on every time
scale (Leland et al., *IEEE/ACM Trans. Networking* 2, 1994), so the spread of a job's times is rather more than this
shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
import simpy

from simulator.errors import InfeasibleError
from simulator.network.accounts import ResourceUse
from simulator.network.base import Network
from simulator.platform import Platform, Route
from simulator.randomness import stream
from simulator.sharing.flow_sizes import FlowSizes
from simulator.sharing.network import NetworkView

__all__ = ["Traffic"]

#: Pairs of adapters that loads of links are worked out from: all of them, or so many drawn ones.
_PAIRS = 16384
#: Draws made at a time.
_BLOCK = 1024


class Traffic:
    """Flows of others on the fabric.

    Parameters
    ----------
    platform : Platform
        Of the tenants' nodes, at least two.
    load : float
        Mean share of their adapters' bandwidth, > 0.
    sizes : FlowSizes
    seed : int

    Attributes
    ----------
    bandwidth : float
        Of all adapters together, into the fabric [B/s].
    rate : float
        Flows a second.
    flows : int
        Started so far.
    injected, delivered : float
        Bytes of flows that have started, and of those that have arrived.

    Raises
    ------
    InfeasibleError
        If the system has no fabric, or some link would be asked for more than it carries.
    """

    def __init__(self, platform: Platform, load: float, sizes: FlowSizes, seed: int) -> None:
        count = len(platform.system.node.nics)
        if not count:
            raise InfeasibleError(f"load: {platform.system.name} has no fabric that others could use; remove the key")
        self.platform = platform
        self.load = load
        self.sizes = sizes
        self._seed = seed
        self._adapters = [node * count + index for node in platform.places for index in range(count)]
        self._per_node = count
        self._routes: dict[tuple[int, int], Route] = {}
        bandwidths = [self._route(place, self._beyond(place, 0)).links[0].bandwidth for place in self._places]
        self.bandwidth = sum(bandwidths)
        self._sources = np.cumsum(bandwidths) / self.bandwidth
        self.rate = load * self.bandwidth / sizes.mean
        self.flows = 0
        self._network: NetworkView | None = None
        self.injected = self.delivered = 0.0
        self._refuse_overload()

    @property
    def _places(self) -> range:
        return range(len(self._adapters))

    def _beyond(self, place: int, choice: int) -> int:
        """The adapter numbered `choice` among those of other nodes than that of the adapter at `place`."""
        own = place // self._per_node * self._per_node
        return choice if choice < own else choice + self._per_node

    def _route(self, source: int, target: int) -> Route:
        route = self._routes.get((source, target))
        if route is None:
            ends = self._adapters[source], self._adapters[target]
            route = self._routes[source, target] = self.platform.between_adapters(*ends)
        return route

    def flow(self, env: simpy.Environment, network: Network) -> Generator[simpy.Event, Any, None]:
        """Start flows for ever."""
        self._network = view = NetworkView(network)
        generator = stream(self._seed, "background traffic")
        others = len(self._adapters) - self._per_node
        while True:
            gaps = generator.exponential(1.0 / self.rate, _BLOCK)
            sources = np.searchsorted(self._sources, generator.random(_BLOCK), side="right")
            targets = generator.integers(0, others, _BLOCK)
            for gap, source, target in zip(gaps.tolist(), sources.tolist(), targets.tolist(), strict=True):
                yield env.timeout(gap)
                size = self.sizes.draw(generator)
                self.flows += 1
                self.injected += size
                arrival = view.transfer(self._route(source, self._beyond(source, target)), size)
                assert arrival.callbacks is not None
                arrival.callbacks.append(partial(self._arrived, size))

    def uses(self) -> list[ResourceUse]:
        """What the flows that have started have used of every link."""
        return [] if self._network is None else self._network.uses()

    def _arrived(self, size: float, _: simpy.Event) -> None:
        self.delivered += size

    def _refuse_overload(self) -> None:
        """Refuse a load that some link cannot carry in the mean: its queue would grow for as long as the run lasts."""
        name, use = max(self.link_loads().items(), key=lambda item: item[1])
        if use >= 1.0:
            raise InfeasibleError(
                f"load: {self.load:g} of what the adapters can inject would ask {use:.3g} times of {name} what it "
                f"carries; expected less than {self.load / use:.2g}"
            )

    def link_loads(self) -> dict[str, float]:
        """The share of each link that the flows take in the mean, by its resource.

        Where there are too many pairs of adapters, some are drawn, and the share is what it is at the least.
        """
        shares = np.diff(self._sources, prepend=0.0)
        others = len(self._adapters) - self._per_node
        total = len(self._adapters) * others
        pairs = self._all_pairs(others) if total <= _PAIRS else self._drawn_pairs(others)
        loads: defaultdict[str, float] = defaultdict(float)
        seen: Counter[str] = Counter()
        for source, target in pairs:
            asked = self.load * self.bandwidth * shares[source] / others * total / len(pairs)
            for link in {
                link.resource: link for link in self._route(source, self._beyond(source, target)).links
            }.values():
                loads[link.resource] += asked / link.bandwidth
                seen[link.resource] += 1
        if total > _PAIRS:
            # The number of drawn pairs on a link is uncertain by its root; three of them are taken off.
            return {name: load * max(1.0 - 3.0 / sqrt(seen[name]), 0.0) for name, load in loads.items()}
        return dict(loads)

    def _all_pairs(self, others: int) -> Sequence[tuple[int, int]]:
        return [(source, target) for source in self._places for target in range(others)]

    def _drawn_pairs(self, others: int) -> Sequence[tuple[int, int]]:
        generator = stream(self._seed, "pairs of adapters")
        sources = generator.integers(0, len(self._adapters), _PAIRS)
        targets = generator.integers(0, others, _PAIRS)
        return list(zip(sources.tolist(), targets.tolist(), strict=True))
