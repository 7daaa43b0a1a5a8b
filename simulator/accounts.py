"""From what a run has left behind (trace, network accounts, learned curve) to its result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulator.energy import Energy, energy_of, node_power
from simulator.execution.device_operations import SharedUse
from simulator.execution.job import Job
from simulator.execution.learning import LearnerArithmetic
from simulator.execution.recorded_run import RecordedRun
from simulator.execution.shortcuts import LOCKSTEP, SETTLED_STEPS, SHARING, Shortcut, Shortcuts
from simulator.hardware.device import Device
from simulator.network.accounts import ResourceUse
from simulator.network.base import Network
from simulator.network.fluid import FluidNetwork
from simulator.platform.links import CORES, THREADS
from simulator.prices import Cost, cost_of
from simulator.resolved import ResolvedScenario
from simulator.result import DeviceMemory, LinkLoad, Result, asynchrony
from simulator.trace import Trace
from simulator.trace.summary import Summary

__all__ = ["Ran", "make_result", "ran_event_by_event"]


@dataclass(frozen=True)
class Ran:
    """What a run has left behind.

    Attributes
    ----------
    trace : Trace
    summary : Summary
        Its sums.
    traffic : mapping
        Bytes by link medium.
    uses : sequence of ResourceUse
        Of every resource, the most loaded first.
    simulated : int
        Steps that were simulated; the others repeat a settled one.
    events : int
        Of the clock, or operations on all ranks at once.
    shared_use : SharedUse
        What has happened to arrays that ranks share.
    learned : LearnerArithmetic or None
        What it learned, if learning was on.
    shortcuts : Shortcuts
        What was not simulated one by one.
    """

    trace: Trace
    summary: Summary
    traffic: Mapping[str, float]
    uses: Sequence[ResourceUse]
    simulated: int
    events: int
    shared_use: SharedUse = field(default_factory=SharedUse)
    learned: LearnerArithmetic | None = None
    shortcuts: Shortcuts = field(default_factory=Shortcuts)


def ran_event_by_event(resolved: ResolvedScenario, job: Job, run: RecordedRun, why_not: str) -> Ran:
    """What the executor has left behind.

    Parameters
    ----------
    run : RecordedRun
        The job's trace, with the steps that repeat a settled one.
    why_not : str
        Why not in lockstep.
    """
    simulated = resolved.steps - run.copies
    # Every step carries the same, or none would have been repeated.
    repeats = resolved.steps / simulated
    return Ran(
        run.trace,
        run.summary(len(resolved.workers)),
        {medium: size * repeats for medium, size in job.network.traffic().items()},
        [replace(use, bytes=use.bytes * repeats, load=use.load * repeats) for use in job.network.uses()],
        simulated,
        job.executor.events,
        job.executor.shared_use,
        job.arithmetic,
        _event_by_event_shortcuts(job.network, why_not, resolved.steps, simulated),
    )


def _event_by_event_shortcuts(network: Network, why_not: str, steps: int, simulated: int) -> Shortcuts:
    repeated = f"{steps - simulated:,} of {steps:,} steps"
    found = [
        Shortcut(LOCKSTEP, False, why_not),
        Shortcut(SETTLED_STEPS, simulated < steps, repeated if simulated < steps else "steps differ, or are too few"),
    ]
    if isinstance(network, FluidNetwork):
        counters = network.counters
        remark = f"{counters.solved_flows:,} rates in {counters.solves:,} solutions, {counters.direct:,} without any"
        found.append(Shortcut(SHARING, network.incremental, remark))
    return Shortcuts(tuple(found))


def make_result(resolved: ResolvedScenario, ran: Ran, wall_time: float) -> Result:
    """The result of a run.

    Parameters
    ----------
    resolved : ResolvedScenario
        What was run.
    ran : Ran
        What it left behind.
    wall_time : float
        Real seconds it took.
    """
    tables, summary, learned = resolved.scenario.tables, ran.summary, ran.learned
    energy = energy_account(resolved, summary)
    duration, done = summary.duration, summary.steps
    return Result(
        scenario=tables.model_dump(exclude_none=True),
        seed=tables.simulation.seed,
        system=tables.cluster.system,
        algorithm=resolved.algorithm.name,
        network=resolved.network.name,
        nodes=tables.cluster.nodes,
        workers=len(resolved.workers),
        batch_size=tables.workload.batch_size,
        time=duration,
        steps=done,
        gradients=summary.gradients,
        step_times=summary.step_times,
        breakdown=dict(summary.breakdown),
        traffic=dict(ran.traffic),
        memory=_memory_accounts(resolved),
        links=tuple(
            LinkLoad(use.resource, use.bytes if use.medium != CORES else 0.0, use.load / duration)
            for use in [use for use in ran.uses if use.medium != THREADS][:5]
        ),
        simulated_steps=min(ran.simulated, done),
        energy_account=energy,
        cost_account=_cost(resolved, duration, energy),
        trace=ran.trace,
        events=ran.events,
        wall_time=wall_time,
        shortcuts=ran.shortcuts,
        asynchrony=None if not ran.shared_use.updates else asynchrony(ran.shared_use),
        learning=None if resolved.learning is None or learned is None else resolved.learning.outcome(learned),
        weights=None if learned is None else learned.weights(),
        reliability=None if resolved.reliability is None else resolved.reliability.assess(duration, done),
        warnings=(
            *resolved.what_if.warnings(),
            *(() if resolved.learning is None or learned is None else resolved.learning.warnings(learned)),
        ),
    )


def _memory_accounts(resolved: ResolvedScenario) -> tuple[DeviceMemory, ...]:
    plan = resolved.memory_plan
    return tuple(
        DeviceMemory(
            entry.name,
            entry.device.name,
            entry.need.total,
            entry.capacity,
            _placement(entry.device, resolved.memory_mode),
            entry.need.parts(),
            entry.largest_batch,
        )
        for entry in (*plan.workers, *plan.masters)
    )


def _placement(device: Device, mode: str | None) -> str:
    return f"{device.fast_memory} ({mode})" if device.fast_memory else device.main_memory


def energy_account(resolved: ResolvedScenario, summary: Summary) -> Energy:
    """What the run took, by the rule of `simulator.energy`."""
    tables, system = resolved.scenario.tables, resolved.platform.system
    placed = {d.vertex: d for d in (*resolved.platform.hosts, *resolved.platform.accelerators)}
    shares: dict[str, float] = defaultdict(float)
    duration = summary.duration
    for rank, seconds in summary.busy.items():
        device = resolved.devices[rank]
        part = 1.0
        if rank < len(resolved.workers):  # of a chip in groups, or of the cores that processes run on
            part = 1.0 / resolved.groups
            if system.node.processes is not None:
                part = 1.0 / device.device.units.value
        shares[device.vertex] += part * seconds / duration
    return energy_of(
        duration,
        tables.cluster.nodes,
        tuple(placed.values()),
        shares,
        resolved.draws,
        node_power(system, tables.power, resolved.draws),
        tables.prices.pue,
    )


def _cost(resolved: ResolvedScenario, duration: float, energy: Energy) -> Cost | None:
    tables = resolved.scenario.tables
    return cost_of(duration, tables.cluster.nodes, energy.total, resolved.node_price, tables.prices)
