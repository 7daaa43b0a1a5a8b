"""Messages a second that the network models carry. Run: python -m benchmarks.network

Prints a table and asserts nothing. All cases run on a star of hosts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterable

import simpy

from simulator.collectives.registry import schedule
from simulator.network.alpha_beta import AlphaBetaNetwork
from simulator.network.base import Network, NetworkFactory
from simulator.network.fluid import FluidNetwork
from simulator.platform.links import Link, Route

BANDWIDTH, LATENCY = 10e9, 1e-6
Message = tuple[int, int, float]


class Star:
    """Hosts on one switch, each with a link up and a link down."""

    def __init__(self, hosts: int) -> None:
        self._up = [self._link(f"h{host}", "switch") for host in range(hosts)]
        self._down = [self._link("switch", f"h{host}") for host in range(hosts)]
        self._routes: dict[tuple[int, int], Route] = {}

    @staticmethod
    def _link(source: str, target: str) -> Link:
        name = f"{source}->{target}"
        return Link(name, source, target, BANDWIDTH, LATENCY, "wire", name)

    def route(self, source: int, target: int) -> Route:
        if (source, target) not in self._routes:
            self._routes[source, target] = Route((self._up[source], self._down[target]))
        return self._routes[source, target]


def rate(model: NetworkFactory, hosts: int, senders: Iterable[Iterable[Message]]) -> tuple[float, Network]:
    """Messages a second; each sender sends its messages one after the other."""
    env = simpy.Environment()
    network = model(env)
    star = Star(hosts)

    def send(messages: Iterable[Message]) -> Generator[simpy.Event, object, None]:
        for source, target, size in messages:
            yield network.transfer(star.route(source, target), size)

    begin = time.perf_counter()
    env.run(env.all_of([env.process(send(messages)) for messages in senders]))
    return network.counters.transfers / (time.perf_counter() - begin), network


def disjoint_pairs() -> Iterable[Iterable[Message]]:
    """100 hosts, each sends to its neighbour, sizes all different: nothing is ever shared."""
    return [[(host, (host + 1) % 100, 1e6 + 1e3 * host + step) for step in range(300)] for host in range(100)]


def random_pairs() -> Iterable[Iterable[Message]]:
    """100 senders between random pairs of 100 hosts: one large component that changes all the time."""
    pick = random.Random(1)
    return [[(*pick.sample(range(100), 2), pick.uniform(1e5, 1e6)) for _ in range(30)] for _ in range(100)]


def incast() -> Iterable[Iterable[Message]]:
    """1,000 hosts send to one, sizes all different, 20 times."""
    return [[(host, 1000, 1e6 + 1e3 * host)] * 20 for host in range(1000)]


def ring_rounds() -> Iterable[Iterable[Message]]:
    """The messages of a ring all-reduce on 100 ranks: all start and end together."""
    plan = schedule("all_reduce", "ring", 100, 1_000_000)
    return [
        [(t.source, t.destination, 4.0 * t.elements) for action in plan.actions(rank) for t in action.sends]
        for rank in range(100)
    ]


def main() -> None:
    cases: list[tuple[str, int, Callable[[], Iterable[Iterable[Message]]]]] = [
        ("disjoint pairs", 100, disjoint_pairs),
        ("ring all-reduce", 100, ring_rounds),
        ("random pairs", 100, random_pairs),
        ("incast", 1001, incast),
    ]
    print(f"{'':16} {'alpha-beta':>12} {'fluid':>12}   messages/s")
    for name, hosts, senders in cases:
        plain, _ = rate(AlphaBetaNetwork, hosts, senders())
        fluid, network = rate(FluidNetwork, hosts, senders())
        work = network.counters
        solved = work.solved_flows / max(work.solves, 1)
        print(f"{name:16} {plain:12,.0f} {fluid:12,.0f}   {work.solves:7,} solves of {solved:3.0f} flows")


if __name__ == "__main__":
    main()
