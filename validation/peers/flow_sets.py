"""Sets of random flows, each drawn from a seed: many pairs, one receiver, shared links, trees, chains, real systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import inf

import numpy as np

from simulator.hardware import load_system
from simulator.platform import build_platform
from simulator.platform.links import Link, Route
from validation.peers.experiment import Case, Experiment, Times
from validation.peers.flows import Flow, experiment_of, simulate_flows

__all__ = ["FLOW_SETS", "SECTION", "flow_cases"]

SECTION = "Random flows"

_DRAWS = 3  #: sets of each kind
_GIGA = 1e9


def random_pairs(random: np.random.Generator) -> list[Flow]:
    """300 flows between random pairs of 100 hosts on one switch, with adapters of four speeds."""
    speeds = random.choice([1.25 * _GIGA, 3.125 * _GIGA, 12.5 * _GIGA, 25 * _GIGA], 100)
    up = [_link(f"up{host}", speed, 1e-6) for host, speed in enumerate(speeds)]
    down = [_link(f"down{host}", speed, 1e-6) for host, speed in enumerate(speeds)]
    pairs = [random.choice(100, 2, replace=False) for _ in range(300)]
    return _flows(random, [Route((up[source], down[target])) for source, target in pairs], window=0.2)


def one_receiver(random: np.random.Generator) -> list[Flow]:
    """128 senders of random speeds and one receiver."""
    down = _link("down", 12.5 * _GIGA, 1e-6)
    speeds = _GIGA * random.uniform(0.05, 5.0, 128)
    routes = [Route((_link(f"up{sender}", speed, 1e-6), down)) for sender, speed in enumerate(speeds)]
    return _flows(random, routes, window=0.2)


def shared_links(random: np.random.Generator) -> list[Flow]:
    """200 flows, each over one to five of 20 links, and every third of them limited in its rate."""
    links = [_link(f"l{index}", _GIGA * speed) for index, speed in enumerate(random.uniform(1.0, 20.0, 20))]
    routes = []
    for place in range(200):
        crossed = random.choice(20, random.integers(1, 6), replace=False)
        limit = _GIGA * random.uniform(0.02, 1.0) if place % 3 == 0 else inf
        routes.append(Route(tuple(links[index] for index in crossed), rate_cap=limit))
    return _flows(random, routes, window=0.5)


def oversubscribed_tree(random: np.random.Generator) -> list[Flow]:
    """250 flows among 64 hosts on 8 leaves; two spines carry a quarter of what the hosts can send."""
    up = [_link(f"up{host}", 10 * _GIGA, 1e-6) for host in range(64)]
    down = [_link(f"down{host}", 10 * _GIGA, 1e-6) for host in range(64)]
    rise = {(leaf, spine): _link(f"rise{leaf}.{spine}", 10 * _GIGA, 5e-7) for leaf in range(8) for spine in range(2)}
    fall = {(leaf, spine): _link(f"fall{leaf}.{spine}", 10 * _GIGA, 5e-7) for leaf in range(8) for spine in range(2)}
    routes = []
    for _ in range(250):
        source, target = (int(host) for host in random.choice(64, 2, replace=False))
        first, last, spine = source // 8, target // 8, target % 2
        between = () if first == last else (rise[first, spine], fall[last, spine])
        routes.append(Route((up[source], *between, down[target])))
    return _flows(random, routes, window=0.5)


def dumbbell_chain(random: np.random.Generator) -> list[Flow]:
    """Ten links in a row of random speeds; 150 flows over random stretches of it."""
    links = [_link(f"l{index}", _GIGA * speed, 1e-5) for index, speed in enumerate(random.uniform(2.0, 10.0, 10))]
    stretches = [np.sort(random.choice(11, 2, replace=False)) for _ in range(150)]
    return _flows(random, [Route(tuple(links[first:last])) for first, last in stretches], window=0.5)


def bundled_system(name: str, nodes: int, random: np.random.Generator) -> list[Flow]:
    """150 messages between random accelerators of a bundled system, with all links and software of its profile."""
    platform = build_platform(load_system(name), nodes)
    devices = [device.name for device in platform.accelerators]
    pairs = [random.choice(len(devices), 2, replace=False) for _ in range(150)]
    return _flows(random, [platform.route(devices[source], devices[target]) for source, target in pairs], window=0.05)


#: What is drawn, by name.
FLOW_SETS: dict[str, Callable[[np.random.Generator], list[Flow]]] = {
    "random pairs of 100 hosts": random_pairs,
    "one receiver": one_receiver,
    "several shared links": shared_links,
    "oversubscribed tree": oversubscribed_tree,
    "chain of dumbbells": dumbbell_chain,
    "dgx1-v100, 4 nodes": partial(bundled_system, "dgx1-v100", 4),
    "ethernet-cluster, 32 nodes": partial(bundled_system, "ethernet-cluster", 32),
    "cori-knl, 64 nodes": partial(bundled_system, "cori-knl", 64),
}


def flow_cases() -> Iterator[Case]:
    """Kinds × draws, and one set whose latencies differ, as it is in SimGrid."""
    for kind, draw in FLOW_SETS.items():
        for seed in range(_DRAWS):
            yield Case(SECTION, f"{kind}, draw {seed + 1}", partial(_prepare, draw, seed), kind)
    yield Case(
        "Sharing by latency",
        "chain of dumbbells, draw 1, weighted by latency",
        partial(_prepare, dumbbell_chain, 0, latency_as_delay=False),
        judged=False,
        note="SimGrid's links have the latencies here, so that it shares in proportion to 1 / latency of the routes",
    )


def _prepare(
    draw: Callable[[np.random.Generator], list[Flow]], seed: int, latency_as_delay: bool = True
) -> tuple[Experiment, Times]:
    flows = draw(np.random.default_rng(seed))
    return experiment_of(flows, latency_as_delay), simulate_flows(flows)


def _flows(random: np.random.Generator, routes: Sequence[Route], window: float) -> list[Flow]:
    """One flow a route: 1 kB to 1 GB, uniform in the logarithm; a third begins at 0, the rest within the window."""
    sizes = 10 ** random.uniform(3.0, 9.0, len(routes))
    starts = random.uniform(0.0, window, len(routes)) * (random.random(len(routes)) > 1 / 3)
    return [Flow(float(start), route, round(size)) for start, route, size in zip(starts, routes, sizes, strict=True)]


def _link(name: str, bandwidth: float, latency: float = 0.0) -> Link:
    return Link(name, name, name, float(bandwidth), latency, "made", name)
