"""Several jobs at once on one platform: how long each takes, alone on its nodes and beside the others.

Every job is first simulated alone on the very nodes that it has on the shared machine, so what is compared differs by
nothing but the others. Slow-downs are of whole runs: a job that outlives the others has its last part for itself,
unless they repeat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.accounts import make_result, ran_event_by_event
from simulator.errors import InputError, located
from simulator.execution.recorded_run import RecordedRun
from simulator.hardware import load_system
from simulator.sharing.contention import SharedLink, shared_links
from simulator.sharing.machine import placed
from simulator.sharing.neighbours import check_same_system, system_file
from simulator.sharing.placement import Scheme, choose_nodes
from simulator.sharing.tables import LATEST_START
from simulator.sharing.together import Tenant, play_together
from simulator.sharing.traces import joined, moved

if TYPE_CHECKING:
    from simulator.result import Result
    from simulator.scenario import Scenario
    from simulator.simulation import Simulation
    from simulator.trace import Trace

__all__ = ["SHARING_SCHEMA", "SharedJob", "Sharing", "share"]

SHARING_SCHEMA = "clustersim/sharing/1"


@dataclass(frozen=True)
class SharedJob:
    """One job of several.

    Attributes
    ----------
    name : str
        Unique among them.
    nodes : tuple of int
        Where on the machine it is.
    start : float
        When it starts [s]; the times of its results are since then.
    alone, shared : Result
        By itself on these nodes, and beside the others.
    runs : int
        Runs that it brought to an end while the clock went on.
    """

    name: str
    nodes: tuple[int, ...]
    start: float
    alone: Result
    shared: Result
    runs: int

    @property
    def slow_down(self) -> float:
        """Time beside the others over time alone."""
        return self.shared.time / self.alone.time

    @property
    def end(self) -> float:
        """When it ended [s], since the first job started."""
        return self.start + self.shared.time


@dataclass(frozen=True)
class Sharing:
    """Jobs that have shared a machine.

    Attributes
    ----------
    system : str
    placement : str
    jobs : tuple of SharedJob
    links : tuple of SharedLink
        Those that several jobs used, the most used first.
    duration : float
        Until the last job had ended [s].
    trace : Trace
        All jobs in one.
    """

    system: str
    placement: str
    jobs: tuple[SharedJob, ...]
    links: tuple[SharedLink, ...]
    duration: float
    trace: Trace

    @property
    def throughput(self) -> float:
        """Samples a second of all jobs together, each while it runs beside the others."""
        return sum(job.shared.throughput for job in self.jobs)

    @property
    def throughput_alone(self) -> float:
        """What it would be if nobody felt anybody."""
        return sum(job.alone.throughput for job in self.jobs)

    def to_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "schema": SHARING_SCHEMA,
            "system": self.system,
            "placement": self.placement,
            "duration_s": self.duration,
            "throughput_samples_per_s": self.throughput,
            "throughput_alone_samples_per_s": self.throughput_alone,
            "jobs": [
                {
                    "name": job.name,
                    "nodes": list(job.nodes),
                    "start_s": job.start,
                    "slow_down": job.slow_down,
                    "runs_ended": job.runs,
                    "alone": job.alone.to_dict(),
                    "shared": job.shared.to_dict(),
                }
                for job in self.jobs
            ],
            "shared_links": [link.to_dict() for link in self.links],
        }


def share(
    scenarios: Sequence[Scenario],
    placement: Scheme = "packed",
    *,
    machine_nodes: int | None = None,
    seed: int = 0,
    starts: Sequence[float] | None = None,
    repeat: bool = False,
    progress: Callable[[str, int], None] = lambda name, step: None,
) -> Sharing:
    """Simulate several jobs on one machine, each alone and all together.

    Parameters
    ----------
    scenarios : sequence of Scenario
        At least two, of one system, all with the fluid network.
    placement : {"packed", "interleaved", "random", "colocated"}
        Which nodes each gets; see `simulator.sharing.placement`.
    machine_nodes : int, optional
        Nodes that a random placement chooses from.
    seed : int
        Of a random placement.
    starts : sequence of float, optional
        When each starts [s]; all at once if None.
    repeat : bool
        Whether jobs that have ended start again until each has ended once, so that all feel all others all the time.
    progress : callable
        Told ``(name, step)`` whenever a job enters a step beside the others.

    Raises
    ------
    InputError
        If the jobs cannot be on one machine together.
    InfeasibleError
        If it has not enough nodes or accelerators for them.
    """
    if len(scenarios) < 2:
        raise InputError("expected at least two scenarios to share a machine")
    starts = [0.0] * len(scenarios) if starts is None else starts
    _check(scenarios, starts)
    system = load_system(system_file(scenarios[0]))
    counts = [scenario.tables.cluster.nodes for scenario in scenarios]
    with located(f"{system.name}: {placement} placement"):
        nodes = choose_nodes(counts, placement, system.max_nodes, machine_nodes=machine_nodes, seed=seed)
    simulations = placed(scenarios, nodes, placement)
    names = _names(scenarios)
    alone = [simulation.run() for simulation in simulations]
    began = time.perf_counter()
    tenants = [
        Tenant(simulation, start=start, repeats=repeat, progress=lambda step, name=name: progress(name, step))  # type: ignore[misc]
        for simulation, start, name in zip(simulations, starts, names, strict=True)
    ]
    duration = play_together(tenants)
    wall_time = time.perf_counter() - began
    jobs = tuple(
        SharedJob(
            name,
            simulation.platform.places,
            tenant.start,
            by_itself,
            _result(simulation, tenant, wall_time),
            tenant.runs,
        )
        for name, simulation, tenant, by_itself in zip(names, simulations, tenants, alone, strict=True)
    )
    uses = {name: tenant.network.uses() for name, tenant in zip(names, tenants, strict=True)}
    trace = joined({name: tenant.job.trace for name, tenant in zip(names, tenants, strict=True)})
    return Sharing(system.name, placement, jobs, tuple(shared_links(uses, duration)), duration, trace)


def _check(scenarios: Sequence[Scenario], starts: Sequence[float]) -> None:
    for scenario in scenarios[1:]:
        check_same_system(scenarios[0], scenario)
    for scenario in scenarios:
        tables, where = scenario.tables, scenario.where
        if tables.background is not None:
            raise InputError(f"{where}: background: jobs that are shared have each other; remove the table")
        if tables.learning is not None and not tables.simulation.timing_only:
            raise InputError(
                f"{where}: learning: sharing compares times; set simulation.timing_only=true, or learn beside "
                f"[[background.jobs]]"
            )
    if len(starts) != len(scenarios) or not all(0.0 <= start <= LATEST_START for start in starts):
        raise InputError(
            f"starts: expected {len(scenarios)} times in seconds, from 0 to {LATEST_START:g}, got {list(starts)}"
        )


def _names(scenarios: Sequence[Scenario]) -> list[str]:
    """What the jobs are called: as their files are, with a number where that would be the same for two."""
    stems = [Path(scenario.where).stem for scenario in scenarios]
    return [stem if stems.count(stem) == 1 else f"{stem} #{place}" for place, stem in enumerate(stems, start=1)]


def _result(simulation: Simulation, tenant: Tenant, wall_time: float) -> Result:
    """A job's result beside the others, with times since it started."""
    job = tenant.job
    trace = moved(job.trace, -tenant.start) if tenant.start else job.trace
    return make_result(
        simulation, ran_event_by_event(simulation, job, RecordedRun(trace), "others use the machine"), wall_time
    )
