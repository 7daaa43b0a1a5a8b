"""Several jobs and the traffic of others on one clock and one network.

Each job is played by an executor of its own; they meet in the network alone, where resources of the same name are the
same. Jobs may start later than others and may start again when they end. The clock stops when every job that is waited
for has ended once; what others have in flight by then is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import simpy

from simulator.errors import RunError
from simulator.execution.clock import Clock
from simulator.execution.job import Job
from simulator.execution.memory import uncollected
from simulator.network.base import Network
from simulator.network.time_sharing import TimeSharedCores
from simulator.sharing.network import NetworkView, SharedFluidNetwork
from simulator.trace.spans import Span, Trace

if TYPE_CHECKING:
    from simulator.sharing.traffic import Traffic
    from simulator.simulation import Simulation

__all__ = ["Tenant", "play_together"]


class Unrecorded(Trace):
    """A trace that numbers spans and forgets them, for jobs that go round in the background."""

    def __init__(self) -> None:
        super().__init__(())
        self._count = 0

    def add(self, span: Span) -> int:
        """The index that the span would have."""
        self._count += 1
        return self._count - 1


@dataclass
class Tenant:
    """One job of several.

    Attributes
    ----------
    simulation : Simulation
    start : float
        When it starts [s].
    repeats : bool
        Whether it starts again whenever it has ended.
    awaited : bool
        Whether the clock goes on at least until it has ended once.
    recorded : bool
        Whether its first run leaves a trace.
    progress : callable, optional
        Called with each step that its first worker enters in the first run.
    job : Job
        Its first run, once played.
    network : NetworkView
        What all its runs have carried; what the first has is with its `job`.
    end : float or None
        When its first run ended [s]; None if it did not.
    runs : int
        How many runs it has brought to an end.
    """

    simulation: Simulation
    start: float = 0.0
    repeats: bool = False
    awaited: bool = True
    recorded: bool = True
    progress: Callable[[int], None] | None = None
    job: Job = field(init=False)
    network: NetworkView = field(init=False)
    end: float | None = field(init=False, default=None)
    runs: int = field(init=False, default=0)


def play_together(tenants: Sequence[Tenant], traffic: Traffic | None = None) -> float:
    """Play jobs side by side; each tenant holds afterwards what became of it.

    Parameters
    ----------
    tenants : sequence of Tenant
        All with the fluid network; those that share links must agree on them.
    traffic : Traffic, optional
        Flows of others.

    Returns
    -------
    float
        When the last job that is waited for had ended [s].

    Raises
    ------
    RunError
        If ranks of a job wait for one another for ever.
    """
    env = Clock()
    network: Network = SharedFluidNetwork(env)
    if any(tenant.simulation.platform.takes_turns for tenant in tenants):
        network = TimeSharedCores(env, network)
    ended = []
    with ExitStack() as stack:
        stack.enter_context(uncollected())
        for tenant in tenants:
            tenant.network = NetworkView(network)
            setups = tenant.simulation.setups()
            trace = None if tenant.recorded else Unrecorded()
            tenant.job = _job(env, tenant, setups, tenant.progress, trace)
            stack.enter_context(tenant.job.one_thread())
            first = simpy.Event(env)
            if tenant.awaited:
                ended.append(first)
            env.process(_life(env, tenant, setups, first))
        if traffic is not None:
            env.process(traffic.flow(env, network))
        try:
            env.run(until=simpy.AllOf(env, ended))
        except RuntimeError:
            if env.peek() < inf:
                raise
            raise _deadlock(tenants) from None
    events = next(env._eid)
    for tenant in tenants:
        tenant.job.executor.events = events
    return float(env.now)


def _life(
    env: simpy.Environment, tenant: Tenant, setups: Sequence[Any], first: simpy.Event
) -> Generator[simpy.Event, Any, None]:
    """A job's first run, and the runs after it."""
    if tenant.start:
        yield env.timeout(tenant.start)
    tenant.job.executor.start()
    yield tenant.job.executor.ended
    tenant.job.close(env.now)
    tenant.end = env.now
    tenant.runs = 1
    first.succeed()
    while tenant.repeats:
        again = _job(env, tenant, setups, None, Unrecorded())
        again.executor.start()
        yield again.executor.ended
        tenant.runs += 1


def _job(
    env: simpy.Environment,
    tenant: Tenant,
    setups: Sequence[Any],
    progress: Callable[[int], None] | None,
    trace: Trace | None,
) -> Job:
    """The next run of a job, with accounts of its own."""
    view = NetworkView(tenant.network)
    return tenant.simulation.job(env, view, tenant.simulation.steps, progress, trace=trace, setups=setups)


def _deadlock(tenants: Sequence[Tenant]) -> RunError:
    stuck = next(tenant for tenant in tenants if tenant.awaited and tenant.end is None)
    return RunError(f"{stuck.simulation.scenario.where}: {stuck.job.executor.deadlock()}")
