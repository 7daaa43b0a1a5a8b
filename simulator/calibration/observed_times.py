"""What tables and benchmarks say about calibration parameters: single messages, collectives, and whole steps.

A message has a formula. A collective and a step have none: each is simulated with the parameters in question, on as
many devices and with such batches as were measured, and compared with the measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import nan
from typing import Any

import numpy as np

from simulator.calibration.applied import Calibration
from simulator.calibration.closed_form import ClosedForm
from simulator.calibration.effects import with_effect
from simulator.calibration.message_forms import MessageForms
from simulator.calibration.observations import CollectiveTime, MessageTime, Observation, StepTime
from simulator.calibration.parameters import candidates
from simulator.calibration.trace_model import Observed, uncalibrated
from simulator.collectives.policy import choose, policies
from simulator.collectives.registry import options as collective_options
from simulator.errors import InputError, located
from simulator.execution.collective_time import collective_time
from simulator.execution.executor import PARAMETER_CATEGORIES
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.trace import Category

__all__ = ["COLLECTIVE", "STEP", "Simulated", "observed_times"]

#: Parts under which whole collectives and whole steps are listed.
COLLECTIVE, STEP = "collective", "step"
#: Streams of smaller messages [bytes] are bound by software, of whose share in them nothing is said.
_STREAMED = 65536


@dataclass(frozen=True)
class Simulated:
    """A measured time that takes a simulation to predict; otherwise as `Observed`."""

    category: str
    name: str
    source: str
    seconds: float
    predict: Callable[[Mapping[str, float]], float]
    names: tuple[str, ...]
    error: float = nan
    count: int = 1
    left_out: int = 0

    @property
    def modelled(self) -> float:
        """What the uncalibrated model says [s]."""
        return self.predict({})


def observed_times(
    observations: Sequence[Observation], scenario: Scenario, source: str, names: Collection[str]
) -> list[Observed | Simulated]:
    """Measured times with what predicts them; those that depend on none of the parameters `names` are left out.

    Raises
    ------
    InputError
        If the scenario's system has too few devices for one of them, or none that are joined as it says.
    """
    resolve = cache(lambda changes: Simulation(uncalibrated(scenario).override(dict(changes))))
    rows: list[Observed | Simulated] = []
    for each in observations:
        where = each.where or source
        with located(where):
            if isinstance(each, MessageTime):
                if each.in_flight == 1 or each.size >= _STREAMED:
                    rows.append(_message(each, resolve, names, where))
            elif isinstance(each, CollectiveTime):
                rows.append(_collective(each, resolve, names, where))
            else:
                rows.extend(_step(each, resolve, names, where))
    return [row for row in rows if isinstance(row, Simulated) or row.form.parameters]


Resolve = Callable[[tuple[tuple[str, Any], ...]], Simulation]


def _devices(resolve: Resolve, count: int, per_node: int = 0) -> Simulation:
    """The scenario on so many devices, so many of them on each node, or as many as a node has."""
    plain = resolve(())
    node = plain.platform.system.node
    shared = node.processes is not None
    fits = per_node or (count if shared else plain.platform.partitions * len(node.accelerators))
    nodes = -(-count // fits)
    return resolve((("cluster.nodes", nodes), ("cluster.workers", count)))


def _message(each: MessageTime, resolve: Resolve, names: Collection[str], where: str) -> Observed:
    plain = resolve(())
    pairs = (
        (plain.devices[a].name, plain.devices[b].name)
        for a in range(len(plain.devices))
        for b in range(len(plain.devices))
        if a != b
    )
    chosen = next((p for p in pairs if each.link_class in ("", plain.platform.link_class(*p))), None)
    if chosen is None:
        raise InputError(f"no two ranks of {plain.scenario.where} are joined by {each.link_class or 'a link'!r}")
    form = MessageForms(plain.platform, names).form(*chosen, each.size)
    if each.in_flight > 1:
        # The next message starts while this one is under way: what is left of the formula is the slowest link.
        form = ClosedForm(works=form.works)
    category = PARAMETER_CATEGORIES[plain.platform.link_class(*chosen)]
    route = plain.platform.route(*chosen)
    modelled = route.time(each.size) if each.in_flight == 1 else each.size / route.bandwidth
    return Observed(str(category), "message", where, each.seconds, nan, 1, 0, modelled, form)


def _collective(each: CollectiveTime, resolve: Resolve, names: Collection[str], where: str) -> Simulated:
    plain = _devices(resolve, each.ranks, each.ranks_per_node)
    per_node = each.ranks_per_node or each.ranks
    places: dict[int, list[str]] = {}
    for placed in plain.platform.accelerators:
        if len(places.setdefault(placed.node, [])) < per_node:
            places[placed.node].append(placed.name)
    devices = [name for node in sorted(places) for name in places[node]][: each.ranks]
    wanted = plain.scenario.tables.algorithm.collectives.get(each.kind, "auto")

    def predict(values: Mapping[str, float]) -> float:
        platform = plain.platform.corrected(Calibration(values).platform)
        name = wanted
        if name in policies():
            route = platform.route(devices[0], devices[-1])
            ends = {"latency": route.overhead + route.latency, "bandwidth": route.bandwidth} if route.links else {}
            name = choose(each.kind, each.ranks, each.size, ranks_per_node=per_node, policy=name, **ends)
        more = {"ranks_per_node": per_node} if "ranks_per_node" in collective_options(each.kind, name) else {}
        return collective_time(platform, devices, each.kind, each.size, name, **more)

    known = [name for name in names if not name.startswith(("compute.", "update.", "load.", "overlap."))]
    return Simulated(COLLECTIVE, f"{each.kind} of {each.ranks}", where, each.seconds, predict, tuple(known))


def _step(each: StepTime, resolve: Resolve, names: Collection[str], where: str) -> Iterator[Observed | Simulated]:
    placed = _devices(resolve, each.devices)
    scenario = placed.scenario.override({"workload.batch_size": each.batch_size})
    plain = Simulation(scenario)

    def predict(values: Mapping[str, float]) -> float:
        changed = with_effect(values, plain)
        times = Simulation(scenario.override({"calibration.parameters": changed})).run().step_times
        return float(np.mean(times[1:]) if len(times) > 1 else times[0])

    yield Simulated(STEP, f"step, {each.devices} × {each.batch_size}", where, each.seconds, predict, tuple(names))
    if each.compute is not None:
        spans = [s for s in plain.run().trace.spans if s.category == Category.FORWARD_BACKWARD]
        seconds = sum(s.duration for s in spans) / (plain.steps * len(plain.workers))
        network, device = plain.network.name, plain.workers[0].device
        scale, fixed = (
            next((n for n in candidates(f"compute.{what}", network, device.name) if n in names), "")
            for what in ("scale", "fixed")
        )
        coefficients = ({scale: seconds} if scale else {}) | ({fixed: 1.0} if fixed else {})
        form = ClosedForm(0.0 if scale else seconds, coefficients)
        yield Observed(Category.FORWARD_BACKWARD, "gradient", where, each.compute, nan, 1, 0, seconds, form)
