"""Flows over any links, for both simulators: each sets out at its own moment and waits for nobody.

SimGrid gives a flow a weight of 1 over the latency of its route, as long-lived TCP connections share (RTT unfairness),
and our model, like any max-min model without weights, none. So that both solve the same problem, a peer gets the flow's
overhead and latency as a delay before it, and links without latency. A limit on one flow's rate is a link that it
alone crosses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import simpy

from simulator.network.fluid import FluidNetwork
from simulator.platform.links import Route
from validation.peers.experiment import Experiment, Times, whole

__all__ = ["Flow", "experiment_of", "simulate_flows"]


@dataclass(frozen=True, slots=True)
class Flow:
    """A message of `size` bytes that sets out on `route` at `start` [s]."""

    start: float
    route: Route
    size: int


def simulate_flows(flows: Sequence[Flow]) -> Times:
    """When each flow's latency is over and when it has arrived, under the name of its place in the list."""
    env = simpy.Environment()
    network = FluidNetwork(env)
    times: dict[str, list[tuple[float, float]]] = {}

    def send(name: str, flow: Flow) -> simpy.events.ProcessGenerator:
        yield env.timeout(flow.start)
        yield network.transfer(flow.route, flow.size)
        times[name] = [(flow.start + flow.route.overhead + flow.route.latency, env.now)]

    env.run(env.all_of([env.process(send(str(place), flow)) for place, flow in enumerate(flows)]))
    return times


def experiment_of(flows: Sequence[Flow], latency_as_delay: bool = True) -> Experiment:
    """The flows for a peer: each goes from a host of its own to another, over the resources of its route.

    Parameters
    ----------
    latency_as_delay : bool
        Whether the latency is a delay before the flow, see above; if not, the links have it.
    """
    links: dict[str, tuple[float, float]] = {}
    hosts: list[str] = []
    routes: list[tuple[str, str, tuple[str, ...]]] = []
    actors = []
    for place, flow in enumerate(flows):
        source, target = f"from {place}", f"to {place}"
        crossed = list(dict.fromkeys(link.resource for link in flow.route.links))
        for link in flow.route.links:
            links[link.resource] = (link.bandwidth, 0.0 if latency_as_delay else link.latency)
        if flow.route.rate_cap < inf:
            crossed.append(f"limit {place}")
            links[f"limit {place}"] = (flow.route.rate_cap, 0.0)
        delay = flow.start + flow.route.overhead + (flow.route.latency if latency_as_delay else 0.0)
        hosts += source, target
        routes.append((source, target, tuple(crossed)))
        actors.append((source, [("sleep", delay), ("transfer", source, target, whole(flow.size), str(place))]))
    return Experiment(tuple(hosts), links, routes, actors)
