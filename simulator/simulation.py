"""From a scenario to a result: resolve its names, build the machine, place the ranks, run, account.

scenario ─► platform, network, algorithm ─► executor ─► trace ─► result
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

import simpy

from simulator.algorithms import Algorithm, Task, load_algorithm
from simulator.algorithms.registry import Program
from simulator.collectives.policy import choose, policies
from simulator.collectives.registry import algorithms as collective_algorithms
from simulator.collectives.registry import options as collective_options
from simulator.collectives.registry import schedule
from simulator.collectives.schedule import Schedule
from simulator.cost.device import DeviceCosts
from simulator.cost.memory_tiers import effective_bandwidth, usable_capacity
from simulator.cost.rates import element_size
from simulator.errors import InfeasibleError, InputError, UnknownNameError, located
from simulator.execution.executor import PARAMETER_CATEGORIES, Executor, RankSetup
from simulator.execution.learning import LearnerArithmetic, LearningSetup, learned_weights
from simulator.execution.memory import uncollected
from simulator.execution.randomness import jitter, stragglers, stream
from simulator.execution.steady_state import extend, settled_step, shortened_lengths
from simulator.hardware import load_system
from simulator.network.base import Network, network_model
from simulator.platform import Link, PlacedDevice, Platform, Route, build_platform
from simulator.result import DeviceMemory, LinkLoad, Result, asynchrony, step_times
from simulator.scenario import Scenario
from simulator.trace import Category, RankInfo, Trace, breakdown
from simulator.units import format_quantity
from simulator.workload import MemoryNeed, largest_batch, load_dataset, load_network, memory_needed

__all__ = ["Simulation", "compare", "load", "simulate"]


def load(path_or_name: str | Path, **overrides: Any) -> Scenario:
    """A scenario from a file or a bundled example; ``load("m40x4-lenet", **{"cluster.nodes": 1})`` changes keys."""
    return Scenario.load(path_or_name, overrides)


def simulate(scenario: Scenario, progress: Callable[[int], None] | None = None) -> Result:
    """Simulate one scenario.

    Raises
    ------
    InputError
        If a name in the scenario is unknown or its parts do not go together.
    InfeasibleError
        If it asks for more nodes or memory than there are.
    RunError
        If the algorithm's ranks wait for one another for ever.
    """
    return Simulation(scenario).run(progress)


def compare(scenarios: Iterable[Scenario]) -> list[Result]:
    """Simulate several scenarios, one after the other."""
    return [simulate(scenario) for scenario in scenarios]


class Simulation:
    """One scenario with every name resolved, checked and placed, ready to run.

    Attributes
    ----------
    platform : Platform
    algorithm : Algorithm
    workers : tuple of PlacedDevice
        The devices of the workers, in rank order.
    memory : MemoryNeed
        What each worker's device holds.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        tables, where = scenario.tables, scenario.where
        self.algorithm: Algorithm = load_algorithm(self._path(tables.algorithm.name), f"{where}: algorithm.name")
        self.options = self.algorithm.resolve_options(tables.algorithm.model_extra or {}, where)
        packed = tables.algorithm.packed
        self.packed = self.algorithm.packed if packed is None else packed
        self.collectives = self._collective_algorithms()
        self.network_model = network_model(tables.network.model, f"{where}: network.model")
        with located(f"{where}: workload.network"):
            self.network = load_network(self._path(tables.workload.network))
        with located(f"{where}: workload.dataset"):
            self.dataset = load_dataset(self._path(tables.workload.dataset))
        with located(f"{where}: workload.precision"):
            self.element_size = element_size(tables.workload.precision)
        with located(f"{where}: cluster.system"):
            system = load_system(self._path(tables.cluster.system))
        with located(f"{where}: cluster"):
            self.platform: Platform = build_platform(
                system,
                tables.cluster.nodes,
                routing=tables.cluster.routing or "minimal",
                pinned=tables.cluster.host_memory != "pageable",
                seed=tables.simulation.seed,
                partitions=tables.cluster.partitions,
                memory_bandwidth=lambda device: self.chip_bandwidth,
            )
        self.workers: tuple[PlacedDevice, ...] = self._workers()
        self.master_places = self._master_places()
        self.devices = (*self.workers, *self._masters())
        self._check_precision()
        #: workers that share a device, its memory and its bandwidth
        self.groups = sum(worker.vertex == self.workers[0].vertex for worker in self.workers)
        self.steps = self._steps()
        self._refuse_keys_without_effect()
        self._check_slow_workers()
        self.memory_mode = tables.cluster.memory_mode or self._system_mode("memory_mode")
        self.cluster_mode = tables.cluster.cluster_mode or self._system_mode("cluster_mode")
        self.learning = self._learning()
        self.memory = self._memory_need()
        self.chip_bandwidth = self._chip_bandwidth()
        self.worker_bandwidth = self.chip_bandwidth / self.groups

    # Resolving ----------------------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        """Names stay names; files are looked for beside the scenario first."""
        beside = self.scenario.directory / name
        return str(beside) if name.endswith((".toml", ".py")) and beside.exists() else name

    def _collective_algorithms(self) -> dict[str, str]:
        given, where = self.scenario.tables.algorithm.collectives, self.scenario.where
        for kind in given:
            if kind not in self.algorithm.collectives:
                uses = self.algorithm.collectives
                raise UnknownNameError(
                    f"collective of {self.algorithm.name}", kind, uses, f"{where}: algorithm.collectives"
                )
            known = [*collective_algorithms(kind), *policies()]
            if given[kind] not in known:
                where_kind = f"{where}: algorithm.collectives.{kind}"
                raise UnknownNameError(f"{kind} algorithm", given[kind], known, where_kind)
        return {**self.algorithm.collectives, **given}

    def _workers(self) -> tuple[PlacedDevice, ...]:
        cluster = self.scenario.tables.cluster
        accelerators, wanted, nodes = self.platform.accelerators, cluster.workers, cluster.nodes
        if cluster.master == "node":
            # Nodes that are the master's own compute no gradients.
            nodes -= cluster.shards or 1
            accelerators = tuple(placed for placed in accelerators if placed.node < nodes)
            if not accelerators:
                raise InfeasibleError(
                    f"{self.scenario.where}: cluster.master: a node of its own for the master leaves none for workers; "
                    f"expected more than {cluster.nodes} nodes"
                )
        if wanted is not None and wanted > len(accelerators):
            raise InfeasibleError(
                f"{self.scenario.where}: cluster.workers: {wanted} workers need {wanted} accelerators, "
                f"but {nodes} node{'s' if nodes > 1 else ''} of {self.scenario.tables.cluster.system} "
                f"have {len(accelerators)}"
            )
        return accelerators[:wanted]

    def _masters(self) -> tuple[PlacedDevice, ...]:
        """Devices of the master's ranks: none, one, or a thread for each worker, all in the same place."""
        threads = len(self.workers) if self.algorithm.server else int(self.algorithm.master is not None)
        return (self.master_places[0],) * threads if threads else ()

    def _master_places(self) -> tuple[PlacedDevice, ...]:
        """The devices that the master is spread over; usually one."""
        cluster, where = self.scenario.tables.cluster, self.scenario.where
        if self.algorithm.master is None and self.algorithm.server is None:
            for key, value in (("master", cluster.master), ("shards", cluster.shards)):
                if value is not None:
                    raise InputError(f"{where}: cluster.{key}: {self.algorithm.name} has no master; remove the key")
            return ()
        where_master, shards = cluster.master or "host", cluster.shards or 1
        own = self.platform.hosts[cluster.nodes - shards :]
        hosts = {"host": self.platform.hosts, "device": self.workers, "node": own}[where_master]
        if shards > len(hosts):
            raise InfeasibleError(
                f"{where}: cluster.shards: {shards} shards need as many {where_master}s, but there are {len(hosts)}"
            )
        return hosts[:shards]

    def _route(self, source: int, target: int) -> Route | tuple[Route, ...]:
        """The way from rank to rank; several ways to a master that is spread over devices."""
        ends = [self.master_places if rank >= len(self.workers) else (self.devices[rank],) for rank in (source, target)]
        routes = tuple(self.platform.route(a.name, b.name) for a in ends[0] for b in ends[1])
        return routes if len(routes) > 1 else routes[0]

    def _check_slow_workers(self) -> None:
        for name, factor in self.scenario.tables.simulation.slow_workers.items():
            where = f"{self.scenario.where}: simulation.slow_workers.{name}"
            if not name.isdigit() or int(name) >= len(self.workers):
                raise InputError(f"{where}: expected the number of a worker, 0 to {len(self.workers) - 1}")
            if not 0 < factor < math.inf:
                raise InputError(f"{where}: expected a positive factor, got {factor}")

    def _check_precision(self) -> None:
        precision = self.scenario.tables.workload.precision
        for device in {placed.device.name: placed.device for placed in self.devices}.values():
            if precision not in device.peak:
                known = map(str, device.peak)
                raise UnknownNameError(
                    f"precision of {device.name}", precision, known, f"{self.scenario.where}: workload.precision"
                )

    def _learning(self) -> LearningSetup | None:
        """Learner and data, where the scenario has learning on."""
        table = self.scenario.tables.learning
        if table is None:
            return None
        from simulator.learning import load_data, load_learner

        where = f"{self.scenario.where}: learning"
        with located(f"{where}.data"):
            data = load_data(self._path(table.data))
        with located(f"{where}.model"):
            learner = load_learner(table.model, data, **table.options)
        return LearningSetup(
            table, learner, data, len(self.workers), self.scenario.tables, self.steps, self.network.parameters
        )

    def _steps(self) -> int:
        workload = self.scenario.tables.workload
        if workload.steps is not None:
            return workload.steps
        assert workload.epochs is not None
        samples = workload.epochs * self.dataset.samples
        return -(-samples // (workload.batch_size * len(self.workers)))

    def _memory_need(self) -> MemoryNeed:
        """What each worker's device holds; refused if that is more than it has in its memory mode."""
        workload, where = self.scenario.tables.workload, self.scenario.where
        copies, size = self.algorithm.weight_copies, self.element_size
        resident = self.dataset if self.options.get("data_copies") else None
        need = memory_needed(
            self.network, workload.batch_size, weight_copies=copies, element_size=size, dataset=resident
        )
        device = self.workers[0].device
        with located(f"{where}: cluster.memory_mode"):
            capacity = usable_capacity(device, self.memory_mode) / self.groups
        if need.total > capacity:
            fitting = largest_batch(self.network, capacity, weight_copies=copies, element_size=size, dataset=resident)
            remedy = f"the largest batch that fits is {fitting}" if fitting else "not even one sample fits"
            raise InfeasibleError(
                f"{where}: workload.batch_size: {self.network.name} with {workload.batch_size} samples a worker needs "
                f"{format_quantity(need.total, 'size')} on each {device.name}, which has "
                f"{format_quantity(capacity, 'size')}{f' for each of {self.groups} groups' * (self.groups > 1)}; "
                f"{remedy}"
            )
        return need

    def _chip_bandwidth(self) -> float:
        """Memory bandwidth [B/s] that the workers of a device share: what their joint working set sees in its modes."""
        device, footprint = self.workers[0].device, self.memory.total * self.groups
        with located(f"{self.scenario.where}: cluster"):
            return effective_bandwidth(device, footprint, mode=self.memory_mode, cluster_mode=self.cluster_mode)

    def _system_mode(self, key: Literal["memory_mode", "cluster_mode"]) -> str | None:
        """What the system runs its nodes in; the device's own habit if it does not say or the device has no choice."""
        device, profile = self.workers[0].device, self.platform.system.profile
        return getattr(profile, key) or getattr(device, f"default_{key}") if getattr(device, f"{key}s") else None

    def _refuse_keys_without_effect(self) -> None:
        """A key that this system cannot heed would leave the answer the same whatever its value."""
        cluster, device, where = self.scenario.tables.cluster, self.workers[0].device, self.scenario.where
        self_hosted = self.platform.system.node.self_hosted
        for key, value, has_effect, reason in (
            ("memory_mode", cluster.memory_mode, bool(device.memory_modes), f"{device.name} has no memory modes"),
            ("cluster_mode", cluster.cluster_mode, bool(device.cluster_modes), f"{device.name} has no cluster modes"),
            ("host_memory", cluster.host_memory, not self_hosted, f"{device.name} hosts itself: nothing is copied"),
        ):
            if value is not None and not has_effect:
                raise InputError(f"{where}: cluster.{key}: {reason}; remove the key")

    # Running ------------------------------------------------------------------------------------------------------

    def run(self, progress: Callable[[int], None] | None = None) -> Result:
        """Run to the end; `progress` is called with each step that the first worker enters.

        A run without jitter is simulated until its steps have settled, and one of them is then repeated; see
        `simulator.execution.steady_state`. ``simulation.exact`` turns that off.
        """
        started = time.perf_counter()
        simulation = self.scenario.tables.simulation
        every_step = simulation.exact or simulation.jitter or simulation.straggler_probability or self.learning
        lengths = [] if every_step else shortened_lengths(self.steps)
        with uncollected():
            for length in (*lengths, self.steps):
                trace, network, executor, learned = self._play(length, progress)
                settled = settled_step(trace, length) if length < self.steps else None
                if settled is not None:
                    trace = extend(trace, *settled, copies=self.steps - length)
                    break
            return self._result(trace, network, executor, length, learned, started)

    def _play(
        self, steps: int, progress: Callable[[int], None] | None
    ) -> tuple[Trace, Network, Executor, LearnerArithmetic | None]:
        """Simulate a run of that many steps."""
        env = simpy.Environment()
        network = self.network_model(env)
        trace = Trace(self._rank_infos(), metadata={"scenario": self.scenario.tables.model_dump()})
        task = self._task(steps)
        arithmetic = None
        one_thread: Callable[[], AbstractContextManager[None]] = nullcontext
        if self.learning is not None:
            from simulator.learning import one_thread

            # The weights to evaluate are those of ranks that the executor is about to make.
            arithmetic = self.learning.arithmetic(lambda: learned_weights(executor.ranks, task, self.algorithm.learns))
        executor = Executor(
            env,
            task,
            self._setups(),
            network,
            route=functools.cache(self._route),
            category=self._category,
            schedule=functools.cache(self._schedule),
            trace=trace,
            packed=self.packed,
            progress=progress,
            collective_overhead=self.platform.collective_overhead,
            arithmetic=arithmetic,
        )
        with one_thread():
            executor.run()
        if arithmetic is not None and arithmetic.diverged_at is None and arithmetic.reached_at is None:
            arithmetic.evaluate(env.now)
        return trace, network, executor, arithmetic

    def _task(self, steps: int) -> Task:
        return Task(
            workers=tuple(range(len(self.workers))),
            masters=tuple(range(len(self.workers), len(self.devices))),
            steps=steps,
            layout=tuple(count for _, count in self.network.parameter_layout()),
            element_size=self.element_size,
            options=self.options,
            **({} if self.learning is None else self.learning.task_fields()),
        )

    def _rank_infos(self) -> tuple[RankInfo, ...]:
        return tuple(
            RankInfo(i, "worker" if i < len(self.workers) else "master", d.name, d.device.name, d.node)
            for i, d in enumerate(self.devices)
        )

    def _setups(self) -> list[RankSetup]:
        workload, simulation = self.scenario.tables.workload, self.scenario.tables.simulation
        jitter_seed = simulation.seed if simulation.jitter_seed is None else simulation.jitter_seed
        costs: dict[tuple[str, int | None], DeviceCosts] = {}
        setups = []
        for index, placed in enumerate(self.devices):
            is_worker = index < len(self.workers)
            device = placed.device
            key = (device.name, placed.cores)
            if key not in costs:
                self_hosted = device.name == self.workers[0].device.name
                bandwidth = self.worker_bandwidth if self_hosted else device.memory.achieved_bandwidth.value
                costs[key] = DeviceCosts(device, self.network, workload.precision, bandwidth, placed.cores)
            program: Program | None = self.algorithm.worker
            if not is_worker:
                program = self.algorithm.master or self.algorithm.server
            assert program is not None
            setups.append(
                RankSetup(
                    program=program,
                    role="worker" if is_worker else "master",
                    costs=costs[key],
                    batch_route=self._batch_route(placed) if is_worker else None,
                    batch_size=workload.batch_size,
                    batch_bytes=self.dataset.sample_bytes * workload.batch_size,
                    jitter=self._compute_factor(index, jitter_seed),
                    shards=1 if is_worker else len(self.master_places),
                    update_jitter=jitter(stream(jitter_seed, "update jitter", index), simulation.jitter),
                    memory_route=None if is_worker else self._memory_route(placed),
                    update_category=Category.HOST_UPDATE if device.family == "cpu" else Category.DEVICE_UPDATE,
                )
            )
        return setups

    def _compute_factor(self, index: int, seed: int) -> Callable[[], float]:
        """Draws the factor on each gradient's time of one rank: how slow it is, its jitter, whether it straggles."""
        table = self.scenario.tables.simulation
        slow = table.slow_workers.get(str(index), 1.0)
        varies = jitter(stream(seed, "jitter", index), table.jitter)
        lags = stragglers(stream(seed, "stragglers", index), table.straggler_probability, table.straggler_factor)
        return lambda: slow * varies() * lags()

    @functools.cache  # noqa: B019 - one link a device, for as long as the simulation lives
    def _memory_route(self, placed: PlacedDevice) -> Route:
        """A device's memory as a link that updates of shared arrays compete for."""
        name, bandwidth = f"{placed.name} memory", placed.device.memory.achieved_bandwidth.value
        return Route((Link(name, placed.name, placed.name, bandwidth, 0.0, "memory", name),))

    def _batch_route(self, worker: PlacedDevice) -> Route | None:
        """Where batches come from: the host memory nearest to the device, or nowhere if that is the device's own."""
        memory = self.platform.near_memory(worker.name)
        return None if memory.name == worker.name else self.platform.route(memory.name, worker.name)

    def _category(self, source: int, target: int) -> Category:
        return PARAMETER_CATEGORIES[self.platform.link_class(self.devices[source].name, self.devices[target].name)]

    def _schedule(self, kind: str, ranks: int, elements: int, root: int) -> Schedule:
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

    # Accounting ---------------------------------------------------------------------------------------------------

    def _result(
        self,
        trace: Trace,
        network: Network,
        executor: Executor,
        simulated: int,
        learned: LearnerArithmetic | None,
        started: float,
    ) -> Result:
        tables, duration, workers = self.scenario.tables, trace.duration, len(self.workers)
        # Every step carries the same, or none would have been repeated.
        repeats = self.steps / simulated
        gradients = sum(1 for span in trace.spans if span.name == "gradient")
        done = 1 + max((span.step for span in trace.spans), default=-1)
        return Result(
            scenario=tables.model_dump(exclude_none=True),
            seed=tables.simulation.seed,
            system=tables.cluster.system,
            algorithm=self.algorithm.name,
            network=self.network.name,
            nodes=tables.cluster.nodes,
            workers=workers,
            batch_size=tables.workload.batch_size,
            time=duration,
            steps=done,
            gradients=gradients,
            step_times=step_times(trace, workers, done),
            breakdown=breakdown(trace),
            traffic={medium: size * repeats for medium, size in network.traffic().items()},
            memory=self._memory_accounts(),
            links=tuple(
                LinkLoad(use.resource, use.bytes * repeats, use.load * repeats / duration) for use in network.uses()[:5]
            ),
            simulated_steps=min(simulated, done),
            energy=self._energy(duration),
            cost=self._cost(duration),
            trace=trace,
            events=executor.events,
            wall_time=time.perf_counter() - started,
            asynchrony=None if not executor.shared_use.updates else asynchrony(executor.shared_use),
            learning=None if self.learning is None or learned is None else self.learning.outcome(learned),
            weights=None if learned is None else learned.weights(),
            warnings=() if self.learning is None or learned is None else self.learning.warnings(learned),
        )

    def _memory_accounts(self) -> tuple[DeviceMemory, ...]:
        device = self.workers[0].device
        capacity = usable_capacity(device, self.memory_mode) / self.groups
        placement = f"{device.fast_memory} ({self.memory_mode})" if device.fast_memory else device.main_memory
        return tuple(
            DeviceMemory(worker.name, device.name, self.memory.total, capacity, placement, self.memory.parts())
            for worker in self.workers
        )

    def _energy(self, duration: float) -> float:
        """Thermal design power of every device of the nodes in use, over the run: an upper bound [J]."""
        placed = {d.vertex: d for d in (*self.platform.accelerators, *self.platform.hosts)}
        return duration * sum(d.device.power.tdp.value for d in placed.values())

    def _cost(self, duration: float) -> float | None:
        """Price of the nodes over the run [USD], where the system profile has one."""
        price = self.platform.system.profile.facts.price
        return None if price is None else duration * price.value * self.scenario.tables.cluster.nodes
