"""From what a run has left behind (trace, network accounts, learned curve) to its result."""

from __future__ import annotations

from simulator.execution.executor import Executor
from simulator.execution.learning import LearnerArithmetic
from simulator.hardware.device import Device
from simulator.network.base import Network
from simulator.platform.links import CORES, THREADS
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
        energy=_energy(resolved, duration),
        cost=_cost(resolved, duration),
        trace=trace,
        events=executor.events,
        wall_time=wall_time,
        asynchrony=None if not executor.shared_use.updates else asynchrony(executor.shared_use),
        learning=None if resolved.learning is None or learned is None else resolved.learning.outcome(learned),
        weights=None if learned is None else learned.weights(),
        reliability=None if resolved.reliability is None else resolved.reliability.assess(duration, done),
        warnings=() if resolved.learning is None or learned is None else resolved.learning.warnings(learned),
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


def _energy(resolved: ResolvedScenario, duration: float) -> float:
    """Thermal design power of every device of the nodes in use, over the run: an upper bound [J]."""
    placed = {d.vertex: d for d in (*resolved.platform.accelerators, *resolved.platform.hosts)}
    return duration * sum(d.device.power.tdp.value for d in placed.values())


def _cost(resolved: ResolvedScenario, duration: float) -> float | None:
    """Price of the nodes over the run [USD], where the system profile has one."""
    price = resolved.platform.system.profile.facts.price
    return None if price is None else duration * price.value * resolved.scenario.tables.cluster.nodes
