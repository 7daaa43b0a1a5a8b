"""A job with a background: other jobs that go round and round, and traffic of tenants, while it runs.

The job is simulated twice: alone on the very nodes it has, and beside the others. The first gives what sharing costs,
and finds a job that waits for itself for ever, which among others that never end nobody would notice. A job that learns
until it has reached something is simulated beside the others only.

More load need not make a job slower at every single seed. Under max-min fairness a flow that is held back may free a
link for another one, so jobs whose time hangs on the order of arrivals (first come, first served) can end a little
earlier beside others; see docs/shared-clusters.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulator.accounts import make_result, ran_event_by_event
from simulator.errors import InputError, located
from simulator.execution.recorded_run import RecordedRun
from simulator.platform import build_platform
from simulator.sharing.contention import shared_links
from simulator.sharing.flow_sizes import flow_sizes
from simulator.sharing.machine import check_one_machine, check_sharing, colocated_place
from simulator.sharing.neighbours import nodes_of_all, other_scenarios
from simulator.sharing.placement import Place
from simulator.sharing.together import Tenant, play_together
from simulator.sharing.traffic import Traffic
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.result import Result
    from simulator.simulation import Simulation

__all__ = ["Background"]

#: Shared links that a result lists.
_LISTED = 8
#: Flows that are simulated at most: hours, at some tenths of a millisecond each or more.
_MOST_FLOWS = 10_000_000


class Background:
    """Who else uses the machine of a simulation.

    Parameters
    ----------
    simulation : Simulation
        Of a scenario with a background, on its own place.

    Raises
    ------
    InputError
        If the others cannot be on this machine beside it.
    """

    def __init__(self, simulation: Simulation) -> None:
        table = simulation.scenario.tables.background
        assert table is not None
        self.simulation = simulation
        self.table = table
        available = simulation.platform.system.max_nodes
        self._nodes = nodes_of_all(simulation.scenario, available)
        self._others: list[Simulation] = []
        for number, scenario in enumerate(other_scenarios(simulation.scenario)):
            with located(f"{simulation.scenario.where}: background.jobs[{number}]"):
                before = [simulation, *self._others] if table.placement == "colocated" else []
                place = colocated_place(self._nodes[number + 1], before, guest=True)
                other = type(simulation)(scenario, place)
                check_one_machine(simulation, other)
            self._others.append(other)
        self._traffic = self._tenants()

    @property
    def others(self) -> bool:
        """Whether there is anybody else; a load of nothing is nobody."""
        return bool(self._others or self.table.load)

    def _tenants(self) -> Traffic | None:
        """The traffic of tenants."""
        if not self.table.load:
            return None
        check_sharing(self.simulation)
        seed, simulation = self.table.seed, self.simulation
        nodes = self._nodes[-1]
        with located(f"{simulation.scenario.where}: background"):
            platform = build_platform(
                simulation.platform.system,
                len(nodes),
                routing=simulation.scenario.tables.cluster.routing or "minimal",
                seed=simulation.scenario.tables.simulation.seed,
                corrections=simulation.platform.corrections,
                places=nodes,
            )
            sizes = flow_sizes(self.table.flow_size)
            return Traffic(
                platform, self.table.load, sizes, simulation.scenario.tables.simulation.seed if seed is None else seed
            )

    @cached_property
    def _alone(self) -> Simulation | None:
        """The job by itself on the same nodes; None if it learns until it has reached something."""
        scenario = self.simulation.scenario
        learning = scenario.tables.learning
        if self.simulation.learning is not None and learning is not None:
            if learning.target_accuracy is not None or learning.time_limit is not None:
                return None
            scenario = scenario.override({"simulation.timing_only": True})
        return type(self.simulation)(scenario.override({"background": None}), Place(self._nodes[0]))

    def run(self, progress: Callable[[int], None] | None = None) -> Result:
        """The job's result beside the others; `progress` is called with each step that its first worker enters."""
        started = time.perf_counter()
        alone = None if self._alone is None else self._alone.run()
        simulation, traffic = self.simulation, self._traffic
        if alone is not None and traffic is not None:
            self._check_flows(traffic, alone.time)
        tenant = Tenant(simulation, progress=progress)
        others = [
            Tenant(other, start=job.start, repeats=True, awaited=False, recorded=False)
            for other, job in zip(self._others, self.table.jobs, strict=True)
        ]
        duration = play_together([tenant, *others], traffic)
        job = tenant.job
        ran = ran_event_by_event(simulation, job, RecordedRun(job.trace), "others use the machine")
        result = make_result(simulation, ran, time.perf_counter() - started)
        sharing = {
            "placement": self.table.placement,
            "nodes": list(simulation.platform.places),
            "alone_time_s": None if alone is None else alone.time,
            "slow_down": None if alone is None else result.time / alone.time,
            "jobs": [_account(other) for other in others],
            "traffic": None if traffic is None else _traffic_account(traffic, duration),
            "shared_links": self._links(tenant, others, traffic, duration),
        }
        return replace(result, sharing=sharing, warnings=(*result.warnings, *_idle(others, traffic, duration)))

    def _check_flows(self, traffic: Traffic, duration: float) -> None:
        """Refuse traffic of so many flows that it would be simulated for hours, as a rule for a unit left out."""
        flows = traffic.rate * duration
        if flows > _MOST_FLOWS:
            raise InputError(
                f"{self.simulation.scenario.where}: background.flow_size: {flows:.2g} flows of a mean of "
                f"{format_quantity(traffic.sizes.mean, 'size')} arrive while the job runs, and each is simulated; "
                f"expected larger ones or fewer steps, for at most {_MOST_FLOWS:,}"
            )

    def _links(
        self, tenant: Tenant, others: list[Tenant], traffic: Traffic | None, duration: float
    ) -> list[dict[str, Any]]:
        """Links that the job has shared."""
        uses = {"job": tenant.network.uses()}
        uses |= {f"jobs[{number}]": other.network.uses() for number, other in enumerate(others)}
        if traffic is not None:
            uses["traffic"] = traffic.uses()
        links = [link for link in shared_links(uses, duration) if "job" in link.bytes]
        return [link.to_dict() for link in links[:_LISTED]]


def _idle(others: Sequence[Tenant], traffic: Traffic | None, duration: float) -> Iterator[str]:
    """What of the table has changed nothing, as it came after the job had ended."""
    for number, other in enumerate(others):
        if other.start >= duration:
            yield f"background.jobs[{number}] changed nothing: the job has ended before its start, {other.start:g} s"
    if traffic is not None and not traffic.flows:
        size = format_quantity(traffic.sizes.mean, "size")
        yield f"background.load changed nothing: none of its flows of {size} arrived before the end"


def _account(tenant: Tenant) -> dict[str, Any]:
    simulation = tenant.simulation
    return {
        "scenario": simulation.scenario.where,
        "algorithm": simulation.algorithm.name,
        "network": simulation.network.name,
        "nodes": list(simulation.platform.places),
        "workers": len(simulation.workers),
        "start_s": tenant.start,
        "runs_ended": tenant.runs,
    }


def _traffic_account(traffic: Traffic, duration: float) -> dict[str, Any]:
    return {
        "load": traffic.load,
        "nodes": list(traffic.platform.places),
        "flows": traffic.flows,
        "injected_bytes": traffic.injected,
        "delivered_bytes": traffic.delivered,
        "measured_load": traffic.injected / (traffic.bandwidth * duration) if duration else 0.0,
    }
