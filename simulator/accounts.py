"""From what a run has left behind (trace, network accounts, learned curve) to its result."""

from __future__ import annotations

from collections import defaultdict

from simulator.energy import Energy, busy_seconds, energy_of, node_power
from simulator.execution.executor import Executor
from simulator.execution.learning import LearnerArithmetic
from simulator.hardware.device import Device
from simulator.network.base import Network
from simulator.platform.links import CORES, THREADS
from simulator.prices import Cost, cost_of
from simulator.resolved import ResolvedScenario
from simulator.result import DeviceMemory, LinkLoad, Result, asynchrony, step_times
from simulator.trace import Trace, breakdown

__all__ = ["make_result"]


def make_result(
    resolved: ResolvedScenario,
    trace: Trace,
    network: Network,
    executor: Executor,
    simulated: int,
    learned: LearnerArithmetic | None,
    wall_time: float,
) -> Result:
    """The result of a run of which `simulated` steps were simulated one by one.

    Parameters
    ----------
    resolved : ResolvedScenario
        What was run.
    trace, network, executor
        What it left behind.
    learned : LearnerArithmetic or None
        What it learned, if learning was on.
    wall_time : float
        Real seconds it took.
    """
    tables, duration, workers = resolved.scenario.tables, trace.duration, len(resolved.workers)
    energy = energy_account(resolved, trace)
    # Every step carries the same, or none would have been repeated.
    repeats = resolved.steps / simulated
    gradients = sum(1 for span in trace.spans if span.name == "gradient")
    done = 1 + max((span.step for span in trace.spans), default=-1)
    return Result(
        scenario=tables.model_dump(exclude_none=True),
        seed=tables.simulation.seed,
        system=tables.cluster.system,
        algorithm=resolved.algorithm.name,
        network=resolved.network.name,
        nodes=tables.cluster.nodes,
        workers=workers,
        batch_size=tables.workload.batch_size,
        time=duration,
        steps=done,
        gradients=gradients,
        step_times=step_times(trace, workers, done),
        breakdown=breakdown(trace),
        traffic={medium: size * repeats for medium, size in network.traffic().items()},
        memory=_memory_accounts(resolved),
        links=tuple(
            LinkLoad(use.resource, use.bytes * repeats if use.medium != CORES else 0.0, use.load * repeats / duration)
            for use in [use for use in network.uses() if use.medium != THREADS][:5]
        ),
        simulated_steps=min(simulated, done),
        energy_account=energy,
        cost_account=_cost(resolved, duration, energy),
        trace=trace,
        events=executor.events,
        wall_time=wall_time,
        asynchrony=None if not executor.shared_use.updates else asynchrony(executor.shared_use),
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


def energy_account(resolved: ResolvedScenario, trace: Trace) -> Energy:
    """What the run took, by the rule of `simulator.energy`."""
    tables, system = resolved.scenario.tables, resolved.platform.system
    placed = {d.vertex: d for d in (*resolved.platform.hosts, *resolved.platform.accelerators)}
    shares: dict[str, float] = defaultdict(float)
    duration = trace.duration  # looked for among all spans: once, not for every rank
    for rank, seconds in busy_seconds(trace.spans).items():
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
