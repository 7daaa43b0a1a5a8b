"""W4: many flows that all start at once, carried by the network alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import simpy

from benchmarks.workloads.workload import ADAPTER_LATENCY, BANDWIDTH, Asked, Outcome, Workload
from simulator.network.fluid import FluidNetwork
from simulator.platform.links import Route
from validation.peers.star import Star

__all__ = ["Flows"]

_SEED = 1


@dataclass(frozen=True)
class Flows(Workload):
    """`count` flows of different sizes: ``random`` pairs of 100 hosts, ``incast`` to one, or ``disjoint`` pairs."""

    pattern: str
    count: int

    @property
    def messages(self) -> int:
        """The flows."""
        return self.count

    @property
    def hosts(self) -> int:
        """On the star."""
        return {"random": 100, "incast": self.count + 1, "disjoint": 2 * self.count}[self.pattern]

    def flows(self) -> Sequence[tuple[int, int, int]]:
        """Source, target, bytes."""
        if self.pattern == "incast":
            return [(sender, self.count, 1_000_000 + 1_000 * sender) for sender in range(self.count)]
        if self.pattern == "disjoint":
            return [(2 * pair, 2 * pair + 1, 1_000_000 + 1_000 * pair) for pair in range(self.count)]
        draw = random.Random(_SEED)
        pairs = [draw.sample(range(self.hosts), 2) for _ in range(self.count)]
        return [(source, target, draw.randint(100_000, 10_000_000)) for source, target in pairs]

    def closed_form(self) -> float | None:
        """An incast ends when the one adapter has let everything pass; of disjoint pairs the largest is last."""
        sizes = [size for _, _, size in self.flows()]
        if self.pattern == "random":
            return None
        return 2 * ADAPTER_LATENCY + (sum(sizes) if self.pattern == "incast" else max(sizes)) / BANDWIDTH

    def asked(self) -> Asked:
        """The list of flows."""
        text = "\n".join(f"{source} {target} {size}" for source, target, size in self.flows())
        return Asked(("flows", str(self.hosts), str(ADAPTER_LATENCY), str(BANDWIDTH)), text)

    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """Routes are looked up before; four flows are carried before."""
        _carry(Flows(self.pattern, 4)._routed(), exact)
        routed = self._routed()
        return lambda: _carry(routed, exact)

    def _routed(self) -> list[tuple[Route, int]]:
        star = Star([f"h{host}" for host in range(self.hosts)], ADAPTER_LATENCY)
        return [(star.route(source, target), size) for source, target, size in self.flows()]


def _carry(routed: Sequence[tuple[Route, int]], exact: bool) -> Outcome:
    env = simpy.Environment()
    network = FluidNetwork(env, incremental=not exact)
    ends = [0.0] * len(routed)
    messages = [network.transfer(route, size) for route, size in routed]
    for place, message in enumerate(messages):
        assert message.callbacks is not None
        message.callbacks.append(partial(_note, env, ends, place))
    env.run()
    return Outcome(max(ends), ends, "all rates anew" if exact else "changed rates only")


def _note(env: simpy.Environment, ends: list[float], place: int, message: simpy.Event) -> None:
    ends[place] = env.now
