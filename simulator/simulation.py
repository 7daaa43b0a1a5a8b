"""From a scenario to a result: resolve its names, build the machine, place the ranks, run, account.

scenario ─► platform, network, algorithm ─► executor ─► trace ─► result
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simpy

from simulator.accounts import Ran, make_result, ran_event_by_event
from simulator.algorithms import Task
from simulator.algorithms.registry import Program
from simulator.collectives.policy import choose, policies
from simulator.collectives.registry import options as collective_options
from simulator.collectives.registry import schedule
from simulator.collectives.schedule import Schedule
from simulator.comparison import Comparison, names_of
from simulator.cost.calibrated import CalibratedCosts
from simulator.cost.device import DeviceCosts
from simulator.execution.clock import Clock
from simulator.execution.executor import PARAMETER_CATEGORIES, Executor, RankSetup
from simulator.execution.job import Job
from simulator.execution.learning import learned_weights
from simulator.execution.lockstep import Unsuited, run_in_lockstep
from simulator.execution.memory import uncollected
from simulator.execution.recorded_run import RecordedRun
from simulator.execution.shortcuts import LOCKSTEP, SETTLED_STEPS, SHARING, Shortcuts
from simulator.execution.steady_state import settled_step, shortened_lengths
from simulator.network.accounts import resource_uses, traffic_by_medium
from simulator.network.base import Network
from simulator.network.fluid import FluidNetwork
from simulator.network.time_sharing import TimeSharedCores
from simulator.platform import Link, PlacedDevice, Route
from simulator.platform.placement import link_class
from simulator.randomness import always_one, jitter, stragglers, stream
from simulator.resolved import ResolvedScenario
from simulator.result import Result
from simulator.scenario import Scenario
from simulator.sharing.placement import Place
from simulator.trace import Category, RankInfo, Trace
from simulator.trace.spans import TraceOnDemand

if TYPE_CHECKING:
    from simulator.sharing.background import Background

__all__ = ["Simulation", "compare", "load", "simulate"]


def load(path_or_name: str | Path, **overrides: Any) -> Scenario:
    """A scenario from a file or a bundled example; ``load("m40x4-lenet", **{"cluster.nodes": 1})`` changes keys."""
    return Scenario.load(path_or_name, overrides)


def simulate(scenario: Scenario, progress: Callable[[int], None] | None = None, *, interval: bool = False) -> Result:
    """Simulate one scenario.

    Parameters
    ----------
    scenario : Scenario
    progress : callable, optional
        Called with each step that the first worker enters.
    interval : bool
        Whether the result of a scenario with a calibration overlay says how sure its time is, which takes some more
        short simulations.

    Raises
    ------
    InputError
        If a name in the scenario is unknown or its parts do not go together.
    InfeasibleError
        If it asks for more nodes or memory than there are.
    RunError
        If the algorithm's ranks wait for one another for ever.
    """
    result = Simulation(scenario).run(progress)
    if not interval:
        return result
    from simulator.calibration.interval import with_interval

    return with_interval(result, scenario)


def compare(scenarios: Iterable[Scenario] | Mapping[str, Scenario]) -> Comparison:
    """Simulate several scenarios, one after the other; named by what tells them apart, or as the mapping says."""
    named = dict(scenarios) if isinstance(scenarios, Mapping) else names_of(scenarios)
    return Comparison(named, [simulate(scenario) for scenario in named.values()])


class Simulation(ResolvedScenario):
    """One scenario, resolved and ready to run; with whoever else uses the machine, unless the place is given."""

    def __init__(self, scenario: Scenario, place: Place | None = None) -> None:
        super().__init__(scenario, place)
        self.background: Background | None = None
        if place is None and scenario.tables.background is not None:
            from simulator.sharing.background import Background

            self.background = Background(self)

    def run(self, progress: Callable[[int], None] | None = None) -> Result:
        """Run to the end; `progress` is called with each step that the first worker enters.

        Synchronous runs are played in lockstep, others event by event; one of the steps that have settled is repeated.
        ``simulation.exact`` simulates every event; see docs/speed.md. With a background all steps are simulated; see
        `simulator.sharing.background`.
        """
        if self.background is not None and self.background.others:
            return self.background.run(progress)
        started = time.perf_counter()
        with uncollected():
            ran = self._ran(progress)
            return make_result(self, ran, time.perf_counter() - started)

    def _ran(self, progress: Callable[[int], None] | None) -> Ran:
        """The run, by the shortest way that is exact."""
        allowed = self.scenario.tables.simulation.allowed_shortcuts
        why_not = "turned off"
        if LOCKSTEP in allowed:
            try:
                return self._in_lockstep(allowed, progress)
            except Unsuited as reason:
                why_not = str(reason)
        return self._event_by_event(allowed, why_not, progress)

    @property
    def _random(self) -> bool:
        """Whether steps differ by chance."""
        return bool(self.jitter or self.scenario.tables.simulation.straggler_probability)

    def _in_lockstep(self, allowed: frozenset[str], progress: Callable[[int], None] | None) -> Ran:
        """All ranks at once; see `simulator.execution.lockstep`."""
        if self.learning is not None:
            raise Unsuited("ranks learn, each with weights of its own")
        if self.algorithm.server:
            raise Unsuited("ranks are served in the order in which they come")
        inputs = self._inputs()
        run = run_in_lockstep(
            self.task,
            self.setups,
            self.rank_infos(),
            self.steps,
            allowed,
            self._random,
            shared=self.scenario.tables.network.model == "fluid",
            progress=progress,
            **inputs,
        )
        outcome, carried = run.outcome, run.outcome.carried()
        metadata: dict[str, object] = {"scenario": self.scenario.tables.model_dump()}
        if not run.steps_alike:
            metadata["steps_alike"] = False
        return Ran(
            TraceOnDemand(self.rank_infos(), outcome.make_spans, metadata, outcome.duration),
            outcome.summary(len(self.workers)),
            traffic_by_medium(carried.items()),
            resource_uses(carried.items()),
            run.simulated,
            len(outcome.record.batches),
            shortcuts=Shortcuts(run.shortcuts),
        )

    def _event_by_event(self, allowed: frozenset[str], why_not: str, progress: Callable[[int], None] | None) -> Ran:
        """Every message and every gradient an event; of settled steps only the first."""
        # What happens to shared arrays is counted update by update.
        every_step = self._random or self.learning or self.algorithm.server or SETTLED_STEPS not in allowed
        incremental = SHARING in allowed
        for length in () if every_step else shortened_lengths(self.steps):
            job = self._play(length, progress, incremental)
            settled = settled_step(job.trace, length)
            if settled is not None:
                return ran_event_by_event(
                    self, job, RecordedRun(job.trace, *settled, copies=self.steps - length), why_not
                )
            if not job.trace.metadata.get("steps_alike", True):
                break
        job = self._play(self.steps, progress, incremental)
        return ran_event_by_event(self, job, RecordedRun(job.trace), why_not)

    def _play(self, steps: int, progress: Callable[[int], None] | None, incremental: bool = True) -> Job:
        """Simulate a run of that many steps."""
        env = Clock()
        model = self.network_model
        network: Network = FluidNetwork(env, incremental=incremental) if model is FluidNetwork else model(env)
        if self.platform.takes_turns:
            network = TimeSharedCores(env, network)
        job = self.job(env, network, steps, progress)
        with job.one_thread():
            job.executor.run()
        job.close(env.now)
        return job

    def _inputs(self) -> dict[str, Any]:
        """What both executors ask of the platform and the scenario."""
        return {
            "route": functools.cache(self._route),
            "category": self.category,
            "schedule": functools.cache(self.schedule),
            "packed": self.packed,
            "collective_overhead": self.platform.collective_overhead,
        }

    def job(
        self,
        env: simpy.Environment,
        network: Network,
        steps: int,
        progress: Callable[[int], None] | None = None,
        *,
        trace: Trace | None = None,
        setups: Sequence[RankSetup] | None = None,
    ) -> Job:
        """A run of that many steps on a clock and a network that others may share, ready to start.

        Parameters
        ----------
        trace : Trace, optional
            Gets the spans; a new one if None.
        setups : sequence of RankSetup, optional
            Of an earlier job of this simulation, whose random streams go on in this one.
        """
        if trace is None:
            trace = Trace(self.rank_infos(), metadata={"scenario": self.scenario.tables.model_dump()})
        task = self.task(steps)
        arithmetic = None
        if self.learning is not None:
            # The weights to evaluate are those of ranks that the executor is about to make.
            arithmetic = self.learning.arithmetic(lambda: learned_weights(executor.ranks, task, self.algorithm.learns))
        executor = Executor(
            env,
            task,
            self.setups() if setups is None else setups,
            network,
            trace=trace,
            progress=progress,
            arithmetic=arithmetic,
            **self._inputs(),
        )
        return Job(executor, trace, network, arithmetic)

    @property
    def jitter(self) -> float:
        """Coefficient of variation of compute times, the scenario's or that of its calibration."""
        return self.calibration.jitter(self._stated("jitter"))

    @property
    def overlap_slowdown(self) -> float:
        """By how much longer gradients take beside messages, by the scenario or its calibration."""
        return self.calibration.overlap_slowdown(self._stated("overlap_slowdown"))

    def _stated(self, key: str) -> float | None:
        """A key of the [simulation] table, where the scenario itself states one that is not zero."""
        simulation = self.scenario.tables.simulation
        return getattr(simulation, key) or None

    def task(self, steps: int) -> Task:
        """What the ranks of a run of that many steps share."""
        return Task(
            workers=tuple(range(len(self.workers))),
            masters=tuple(range(len(self.workers), len(self.devices))),
            steps=steps,
            layout=tuple(count for _, count in self.network.parameter_layout()),
            element_size=self.element_size,
            options=self.options,
            seed=self.scenario.tables.simulation.seed,
            **({} if self.learning is None else self.learning.task_fields()),
        )

    def program(self, rank: int) -> Program:
        """The generator that a rank runs."""
        program: Program | None = self.algorithm.worker
        if rank >= len(self.workers):
            program = self.algorithm.master or self.algorithm.server
        assert program is not None
        return program

    def rank_infos(self) -> tuple[RankInfo, ...]:
        """Who runs where: workers first, then masters."""
        return tuple(
            RankInfo(i, "worker" if i < len(self.workers) else "master", d.name, d.device.name, d.node)
            for i, d in enumerate(self.devices)
        )

    def setups(self) -> list[RankSetup]:
        """Every rank's program, device and random streams."""
        workload, simulation = self.scenario.tables.workload, self.scenario.tables.simulation
        jitter_seed = simulation.seed if simulation.jitter_seed is None else simulation.jitter_seed
        # Ranks of one device must get the very same link, or they would not compete for it.
        memory_route = functools.cache(self._memory_route)
        variation, slowdown, setups = self.jitter, self.overlap_slowdown, []
        for index, placed in enumerate(self.devices):
            is_worker = index < len(self.workers)
            costs = self.costs(placed)
            setups.append(
                RankSetup(
                    program=self.program(index),
                    role="worker" if is_worker else "master",
                    costs=costs,
                    batch_route=self._batch_route(placed) if is_worker else None,
                    batch_size=workload.batch_size,
                    batch_bytes=self.dataset.sample_bytes * workload.batch_size,
                    jitter=self._compute_factor(index, jitter_seed, variation),
                    overlap_slowdown=slowdown,
                    correction=costs.correction,
                    shards=1 if is_worker else len(self.master_places),
                    update_jitter=jitter(functools.partial(stream, jitter_seed, "update jitter", index), variation),
                    memory_route=None if is_worker else memory_route(placed),
                    core_route=self._core_route(placed.name),
                    copy_time=self.platform.copy_time,
                    update_category=self.update_category(index),
                )
            )
        return setups

    def costs(self, placed: PlacedDevice) -> CalibratedCosts:
        """What arithmetic takes a rank on that device; ranks on equal devices share it."""
        device, key = placed.device, (placed.device.name, placed.cores)
        if key not in self._costs:
            self_hosted = device.name == self.workers[0].device.name
            bandwidth = self.worker_bandwidth if self_hosted else device.memory.achieved_bandwidth.value
            precision = self.scenario.tables.workload.precision
            model = DeviceCosts(device, self.network, precision, bandwidth, placed.cores, self.recomputed)
            self._costs[key] = CalibratedCosts(model, self.calibration.costs(self.network.name, device.name))
        return self._costs[key]

    @functools.cached_property
    def _costs(self) -> dict[tuple[str, int | None], CalibratedCosts]:
        return {}

    @functools.cached_property
    def _core_route(self) -> Callable[[str], Route | None]:
        return functools.cache(self.platform.core)

    def _compute_factor(self, index: int, seed: int, variation: float) -> Callable[[], float]:
        """Draws the factor on each gradient's time of one rank: how slow it is, its jitter, whether it straggles."""
        table = self.scenario.tables.simulation
        slow = table.slow_workers.get(str(index), 1.0)
        varies = jitter(functools.partial(stream, seed, "jitter", index), variation)
        lags = stragglers(
            functools.partial(stream, seed, "stragglers", index), table.straggler_probability, table.straggler_factor
        )
        return always_one if slow == 1.0 and varies is lags is always_one else lambda: slow * varies() * lags()

    def _memory_route(self, placed: PlacedDevice) -> Route:
        """A device's memory as a link that updates of shared arrays compete for."""
        name, bandwidth = f"{placed.name} memory", placed.device.memory.achieved_bandwidth.value
        return Route((Link(name, placed.name, placed.name, bandwidth, 0.0, "memory", name),))

    def _batch_route(self, worker: PlacedDevice) -> Route | None:
        """Where batches come from: the host memory nearest to the device, or nowhere if that is the device's own."""
        memory = self.platform.near_memory(worker.name)
        return None if memory.name == worker.name else self.platform.route(memory.name, worker.name)

    def category(self, source: int, target: int) -> Category:
        """The part of the breakdown that messages between two ranks belong to."""
        return PARAMETER_CATEGORIES[link_class(self.devices[source], self.devices[target])]

    def update_category(self, rank: int) -> Category:
        """The part of the breakdown that a rank's updates and additions belong to."""
        return Category.HOST_UPDATE if self.devices[rank].device.family == "cpu" else Category.DEVICE_UPDATE

    def schedule(self, kind: str, ranks: int, elements: int, root: int) -> Schedule:
        """The schedule of a collective; a policy's name stands for what it chooses on this platform."""
        name = self.collectives[kind]
        per_node = len(self.workers) // self.scenario.tables.cluster.nodes if ranks == len(self.workers) else 1
        if name in policies():
            ends = self.workers[0].name, self.workers[-1].name
            route = self.platform.route(*ends)
            name = choose(
                kind,
                ranks,
                elements * self.element_size,
                ranks_per_node=max(per_node, 1),
                policy=name,
                **({"latency": route.overhead + route.latency, "bandwidth": route.bandwidth} if route.links else {}),
            )
        takes_nodes = "ranks_per_node" in collective_options(kind, name)
        return schedule(kind, name, ranks, elements, root, **({"ranks_per_node": per_node} if takes_nodes else {}))
