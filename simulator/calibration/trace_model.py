"""What a trace says about calibration parameters: its operations in groups, each with its formula.

The formulas' constants come from the model itself. Arithmetic is compared with the spans of the same name in a short
simulation of the trace's scenario without any calibration; messages with the routes of its platform, whose overheads
and latencies are linear in the parameters, so that setting one after the other to one second gives the coefficients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from simulator.calibration.closed_form import ClosedForm
from simulator.calibration.flows import Flow, alike, company, flows_of
from simulator.calibration.measured import Group, grouped, pooled_errors
from simulator.calibration.message_forms import MessageForms
from simulator.calibration.observations import CollectiveTime
from simulator.calibration.parameters import candidates
from simulator.calibration.trace_times import (
    UPDATES,
    batch_times,
    by_size,
    gradient_times,
    known,
    means_of,
    together,
    update_times,
)
from simulator.collectives.schedule import COLLECTIVES
from simulator.errors import InputError
from simulator.execution.travel import message_parts
from simulator.platform import Platform, Route
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.trace import Category, Span, Trace
from simulator.trace.messages import collective_kind, match_collectives

__all__ = ["Observed", "TraceModel", "scenario_of", "uncalibrated"]

#: Steps of the simulation that gives the modelled times of arithmetic.
_STEPS = 6
_GRADIENT = "gradient"


@dataclass(frozen=True)
class Observed:
    """One group of equal measurements, with the formula for it.

    Attributes
    ----------
    category, name : str
        The part of the breakdown, and the operation.
    source : str
        The file it is from.
    seconds, error : float
        Mean [s] and its standard error, relative to it.
    count, left_out : int
        Measurements in the mean, and left out of it.
    modelled : float
        What the uncalibrated model says [s].
    form : ClosedForm
    """

    category: str
    name: str
    source: str
    seconds: float
    error: float
    count: int
    left_out: int
    modelled: float
    form: ClosedForm


def scenario_of(trace: Trace, where: str) -> Scenario:
    """The scenario that a trace was recorded of, from its metadata.

    Raises
    ------
    InputError
        If the trace does not hold one.
    """
    tables = trace.metadata.get("scenario")
    if not isinstance(tables, dict):
        raise InputError(f"{where}: the trace does not say what was run; name its scenario with --scenario")
    return Scenario.from_dict(_without_none(tables), f"{where}: otherData.metadata.scenario")


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }


def uncalibrated(scenario: Scenario, steps: int = _STEPS) -> Scenario:
    """A short run of the scenario without calibration and randomness, to compare arithmetic with."""
    simulation = scenario.data.get("simulation", {})
    own = ("jitter", "straggler_probability", "straggler_factor", "overlap_slowdown")
    changes: dict[str, Any] = {f"simulation.{key}": None for key in own if key in simulation}
    changes |= {"calibration": None, "workload.steps": steps}
    workload = scenario.tables.workload
    if scenario.tables.learning is not None:
        # Time does not depend on what is learned, unless the learner is the workload itself.
        own_workload = "learner" in (workload.network, workload.dataset)
        changes |= (
            {"learning.target_accuracy": None, "learning.time_limit": None} if own_workload else {"learning": None}
        )
    return scenario.override(changes)


class TraceModel:
    """A trace beside the model of the scenario that it was recorded of.

    Parameters
    ----------
    trace : Trace
    scenario : Scenario
    source : str
        The trace's file, for messages and tables.

    Raises
    ------
    InputError
        If trace and scenario have different numbers of ranks, or the scenario cannot be simulated.
    """

    def __init__(self, trace: Trace, scenario: Scenario, source: str) -> None:
        self.trace = trace
        self.source = source
        self.scenario = scenario
        self.resolved = Simulation(uncalibrated(scenario))
        if len(trace.ranks) != len(self.resolved.devices):
            raise InputError(
                f"{source}: expected the {len(self.resolved.devices)} ranks of {scenario.where}, got {len(trace.ranks)}"
            )

    def observed(self, names: Collection[str]) -> list[Observed]:
        """Every group that depends on one of the parameters `names`, with its formula in them."""
        rows = [*self._gradients(names), *self._updates(names), *self._batches(names), *self._messages(names)]
        rows += self._calls(names)
        return [row for row in rows if row.form.parameters]

    # Arithmetic ---------------------------------------------------------------------------------------------------

    def _gradients(self, names: Collection[str]) -> Iterator[Observed]:
        network, busy = self.resolved.network.name, self._busy_seconds()
        modelled = means_of(gradient_times(self._neutral, self._kind))
        measured = gradient_times(self.trace, self._kind)
        beside: defaultdict[Any, list[float]] = defaultdict(list)
        for (kind, rank, step), _ in measured.items():
            beside[kind].append(busy.get((rank, step), 0.0))
        for group, error in known(measured, modelled):
            seconds = modelled[group.key]
            form = self._scaled(seconds, "compute", names, network, group.key[1])
            if "overlap.slowdown" in names:
                form = ClosedForm(form.constant, form.coefficients, (), float(np.mean(beside[group.key])))
            yield self._row(Category.FORWARD_BACKWARD, _GRADIENT, group, error, seconds, form)

    def _updates(self, names: Collection[str]) -> Iterator[Observed]:
        modelled, measured = (update_times(trace, self._kind) for trace in (self._neutral, self.trace))
        if not {name for (_, _, name), _, _ in measured} <= {name for (_, _, name), _, _ in modelled}:
            # Another program's names: what it spends on updates in a step is comparable, not which update it is.
            modelled, measured = together(modelled), together(measured)
        means, measured = by_size(modelled, measured)
        for group, error in known(measured, means):
            (kind, category, name), _ = group.key
            seconds = means[group.key]
            form = self._scaled(seconds, "update", names, "", kind[1])
            yield self._row(category, name, group, error, seconds, form)

    def _scaled(self, seconds: float, part: str, names: Collection[str], network: str, device: str) -> ClosedForm:
        """Modelled seconds times a scale plus a fixed part, as far as these are fitted."""
        constant, coefficients = 0.0, dict[str, float]()
        scale, fixed = (_first(candidates(f"{part}.{what}", network, device), names) for what in ("scale", "fixed"))
        if scale:
            coefficients[scale] = seconds
        else:
            constant = seconds
        if fixed:
            coefficients[fixed] = 1.0
        return ClosedForm(constant, coefficients)

    def _kind(self, rank: int) -> tuple[str, str, int | None, float]:
        """What ranks are taken together by: role, device, how many cores of it, and how slow it is said to be."""
        role = "worker" if rank < len(self.resolved.workers) else "master"
        placed = self.resolved.devices[rank]
        slow = self.scenario.tables.simulation.slow_workers.get(str(rank), 1.0)
        return role, placed.device.name, placed.cores, slow

    def _busy_seconds(self) -> dict[tuple[int, int], float]:
        """Seconds of each rank's gradient of each step while a message of it came or went."""
        intervals: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
        for flow in self._flows:
            if flow.source >= 0:
                intervals[flow.source].append((flow.start, flow.end))
                intervals[flow.target].append((flow.start, flow.end))
        merged = {rank: _merged(each) for rank, each in intervals.items()}
        found: defaultdict[tuple[int, int], float] = defaultdict(float)
        for span in self.trace.spans:
            if span.category == Category.FORWARD_BACKWARD:
                for start, end in merged.get(span.rank, ()):
                    found[span.rank, span.step] += max(min(end, span.end) - max(start, span.start), 0.0)
        return found

    # Messages -----------------------------------------------------------------------------------------------------

    @cached_property
    def _neutral(self) -> Trace:
        return self.resolved.run().trace

    @cached_property
    def _flows(self) -> list[Flow]:
        return flows_of(self.trace)

    def _ends(self, flow: Flow) -> tuple[str, str]:
        target = self.resolved.devices[flow.target].name
        source = self.resolved.platform.near_memory(target) if flow.source < 0 else self.resolved.devices[flow.source]
        return source.name, target

    def _route(self, flow: Flow, platform: Platform) -> Route | None:
        source, target = self._ends(flow)
        route = platform.route(source, target)
        return route if route.links else None

    def _batches(self, names: Collection[str]) -> Iterator[Observed]:
        """Batches that are copied inside the device's own memory; those that come over links are messages."""
        modelled = means_of(batch_times(self._neutral, self._kind))
        local = {
            key: value
            for key, value in batch_times(self.trace, self._kind).items()
            if self._ends(Flow(-1, key[1], 0.0, 0.0, 0.0, 0, "", ""))[0] == self.resolved.devices[key[1]].name
        }
        for group, error in known(local, modelled):
            seconds = modelled[group.key]
            form = self._scaled(seconds, "load", names, "", "")
            yield self._row(Category.CPU_GPU_DATA, "load batch", group, error, seconds, form)

    def _messages(self, names: Collection[str]) -> Iterator[Observed]:
        plain = self.resolved.platform
        flows = self._flows
        accompanied = company(flows, lambda flow: self._route(flow, plain), self._work())
        classes = alike(flows, accompanied, self._similar)
        measured: dict[Any, list[tuple[Any, int, float]]] = defaultdict(list)
        for key, (members, _) in classes.items():
            measured[members[0].category] += [(key, flow.step, flow.seconds) for flow in members]
        forms = MessageForms(self.resolved.platform, names)
        for entries in measured.values():
            groups = grouped(entries)
            for group, error in zip(groups, pooled_errors(groups), strict=True):
                (flow, *_), counts = classes[group.key]
                announces = self._announces(flow)
                form = forms.form(*self._ends(flow), flow.size, counts, batch=flow.source < 0, announces=announces)
                modelled = _alone(self._route(flow, plain), flow.size, counts, announces)
                yield self._row(flow.category, flow.name, group, error, modelled, form)

    def _announces(self, flow: Flow) -> bool:
        """Whether a message is the first of an array that one rank sends another, told by its size."""
        if flow.source < 0 or flow.name.removeprefix("message ") in COLLECTIVES:
            return False
        return flow.size == self._first_part

    @cached_property
    def _first_part(self) -> float:
        """Bytes of the first message of an array."""
        layout = tuple(count for _, count in self.resolved.network.parameter_layout())
        return message_parts(layout, self.resolved.packed)[0] * self.resolved.element_size

    def _work(self) -> list[tuple[str, float, float]]:
        """(cores, start, end) of all arithmetic and all sending, where ranks are processes that share cores.

        The receiving side of a message has the cores on its route.
        """
        devices = self.resolved.devices
        cores = [self.resolved.platform.core(device.name) for device in devices]
        routes = [route.links[0].resource if route else "" for route in cores]
        work = (Category.FORWARD_BACKWARD, Category.CPU_GPU_DATA, *UPDATES)

        def takes_a_core(span: Span) -> bool:
            if span.peer < 0:
                return span.category in work
            return span.name.startswith("send ") and devices[span.rank].vertex == devices[span.peer].vertex

        return [
            (routes[span.rank], span.start, span.end)
            for span in self.trace.spans
            if routes[span.rank] and takes_a_core(span)
        ]

    def _similar(self, flow: Flow) -> tuple[Any, ...]:
        """What messages have in common that would take as long alone: name, size, and a route of the same stages."""
        route = self._route(flow, self.resolved.platform)
        assert route is not None
        stages = tuple((link.medium, link.bandwidth, link.latency) for link in route.links)
        return flow.name, flow.source < 0, flow.size, route.overhead, route.rate_cap, stages

    def gradient_spreads(self) -> list[Group]:
        """Gradients of each rank, for how much they vary from step to step."""
        times = gradient_times(self.trace, self._kind)
        return grouped(((kind, rank), step, sum(seconds)) for (kind, rank, step), seconds in times.items())

    def collectives(self) -> list[CollectiveTime]:
        """Whole collectives of a program that does not record their messages, from when the last member came."""
        spans, found = self.trace.spans, []
        for call in match_collectives(self.trace):
            members = [spans[index] for index in call]
            seconds = max(s.end for s in members) - max(s.start for s in members)
            size, kind = max(s.bytes for s in members), collective_kind(members[0])
            found.append(((kind, size, len(members)), members[0].step, seconds))
        return [
            CollectiveTime(*(kind, ranks, size), group.mean, where=self.source)
            for group in grouped(found)
            for kind, size, ranks in [group.key]
            if size > 0.0 and kind in COLLECTIVES
        ]

    def _calls(self, names: Collection[str]) -> Iterator[Observed]:
        if "collective.call" not in names:
            return
        calls = [s for s in self.trace.spans if s.name.startswith("call ") and s.peer < 0]
        software = self.resolved.platform.collective_overhead
        groups = grouped(((span.category, span.name, span.bytes), span.step, span.duration) for span in calls)
        for group, error in zip(groups, pooled_errors(groups), strict=True):
            category, name, size = group.key
            stated = software(size)
            form = ClosedForm(stated - software(0.0), {"collective.call": 1.0})
            yield self._row(category, name, group, error, stated, form)

    def _row(self, category: str, name: str, group: Group, error: float, modelled: float, form: ClosedForm) -> Observed:
        source = self.source
        return Observed(str(category), name, source, group.mean, error, group.count, group.left_out, modelled, form)


def _first(wanted: Any, names: Collection[str]) -> str:
    return next((name for name in wanted if name in names), "")


def _alone(route: Route | None, size: float, counts: Sequence[float], announces: bool) -> float:
    """Seconds of a message on an uncalibrated route in that company."""
    assert route is not None
    if announces:
        route = route.announced
    rates = [link.bandwidth / count for link, count in zip(route.links, counts, strict=True)]
    return route.overhead + route.latency + size / min([route.rate_cap, *rates])


def _merged(intervals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
