"""A scenario with every name resolved, its parts checked against one another, and its ranks placed on devices.

Everything that can be wrong with a scenario is found here, before anything runs, and is said with the file and the key.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Literal

from simulator.algorithms import Algorithm, load_algorithm
from simulator.calibration.applied import calibration_of
from simulator.calibration.effects import check_effects
from simulator.collectives.policy import policies
from simulator.collectives.registry import algorithms as collective_algorithms
from simulator.cost.memory_tiers import effective_bandwidth
from simulator.cost.rates import element_size
from simulator.energy import device_draws
from simulator.errors import InfeasibleError, InputError, UnknownNameError, located
from simulator.execution.learning import LearningSetup
from simulator.hardware import load_system
from simulator.hardware.system import System
from simulator.memory_plan import plan_memory
from simulator.network.base import network_model
from simulator.platform import PlacedDevice, Platform, Route, build_platform
from simulator.platform.processes import process_bandwidth
from simulator.prices import node_price
from simulator.reliability.assessment import reliability_setup
from simulator.scenario import Scenario
from simulator.sharing.neighbours import own_place
from simulator.sharing.placement import Place
from simulator.what_if import WhatIf
from simulator.what_if import check_effects as check_what_if
from simulator.workload import Dataset, Network, load_dataset, load_network

if TYPE_CHECKING:
    from simulator.learning import Learner, LearningData

__all__ = ["LEARNER", "ResolvedScenario"]

#: Network and data set of a workload that is what the scenario's [learning] table learns.
LEARNER = "learner"


class ResolvedScenario:
    """What a scenario means: a platform, an algorithm, a network, and who runs where.

    Attributes
    ----------
    platform : Platform
    algorithm : Algorithm
    workers : tuple of PlacedDevice
        The devices of the workers, in rank order.
    memory : MemoryNeed
        What each worker holds on its device.
    memory_plan : MemoryPlan
        The same for every device, master included, beside what it can hold.

    Parameters
    ----------
    scenario : Scenario
    place : Place, optional
        Where on a machine that is shared the job is; if None, where its scenario says, which is on the first nodes
        unless that has a background.
    """

    def __init__(self, scenario: Scenario, place: Place | None = None) -> None:
        self.scenario = scenario
        tables, where = scenario.tables, scenario.where
        self.algorithm: Algorithm = load_algorithm(scenario.found(tables.algorithm.name), f"{where}: algorithm.name")
        self.options = self.algorithm.resolve_options(tables.algorithm.model_extra or {}, where)
        packed = tables.algorithm.packed
        self.packed = self.algorithm.packed if packed is None else packed
        self.collectives = self._collective_algorithms()
        self.network_model = network_model(tables.network.model, f"{where}: network.model")
        self.learner = self._learner()
        with located(f"{where}: workload.network"):
            self.network = self._network()
        with located(f"{where}: workload.dataset"):
            self.dataset = self._dataset()
        with located(f"{where}: workload.precision"):
            self.element_size = element_size(tables.workload.precision)
        self.calibration = calibration_of(scenario)
        with located(f"{where}: cluster.system"):
            system = load_system(scenario.found(tables.cluster.system))
        self.what_if = WhatIf(tables.what_if)
        self.what_if.check(system, f"{where}: what_if")
        with located(f"{where}: what_if"):
            self.calibration = self.what_if.calibration(self.calibration, system)
            system = self.what_if.system(system)
        self.place = own_place(scenario, system.max_nodes) if place is None else place
        with located(f"{where}: cluster"):
            self.platform: Platform = build_platform(
                system,
                tables.cluster.nodes,
                routing=tables.cluster.routing or "minimal",
                pinned=tables.cluster.host_memory != "pageable",
                seed=tables.simulation.seed,
                partitions=tables.cluster.partitions,
                memory_bandwidth=lambda device: self.chip_bandwidth,
                corrections=self.what_if.corrections(self.calibration.platform),
                processes=self._processes(system),
                places=None if self.place is None else self.place.nodes,
            )
        self.workers: tuple[PlacedDevice, ...] = self._workers()
        self.master_places = self._master_places()
        self.devices = (*self.workers, *self._masters())
        self._check_precision()
        #: workers that share a device, its memory and its bandwidth
        self.groups = sum(worker.vertex == self.workers[0].vertex for worker in self.workers)
        self.steps = self._steps()
        self._refuse_keys_without_effect()
        self._check_cores()
        guest = self.place is not None and self.place.guest
        if not guest:
            check_effects(self.calibration, self)
        self._check_slow_workers()
        self.memory_mode = tables.cluster.memory_mode or self._system_mode("memory_mode")
        self.cluster_mode = tables.cluster.cluster_mode or self._system_mode("cluster_mode")
        self.learning = self._learning()
        self.node_price = node_price(system, tables.prices, f"{where}: prices")
        self.draws = device_draws(system, tables.power, f"{where}: power")
        self.memory_plan = plan_memory(self)
        self.memory_plan.check(where)
        self.memory = self.memory_plan.worker
        self.chip_bandwidth = self._chip_bandwidth()
        self.worker_bandwidth = self._worker_bandwidth()
        self.reliability = reliability_setup(self)
        if not guest:
            check_what_if(self.what_if, self)

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

    def _processes(self, system: System) -> int | None:
        """Workers that are to fit on each node, where they are processes: more than it has cores if so many are asked
        for, but then no more on one node than on the others."""
        cluster = self.scenario.tables.cluster
        if system.node.processes is None or cluster.workers is None:
            return None
        nodes = cluster.nodes - (cluster.shards or 1 if cluster.master == "node" else 0)
        cores = int(system.devices[system.node.host].units.value)
        return max(cores, -(-cluster.workers // max(nodes, 1)))

    def _workers(self) -> tuple[PlacedDevice, ...]:
        cluster = self.scenario.tables.cluster
        wanted, nodes = cluster.workers, cluster.nodes
        taken = frozenset() if self.place is None else self.place.taken
        accelerators = tuple(placed for placed in self.platform.accelerators if placed.name not in taken)
        if cluster.master == "node":
            # Nodes that are the master's own compute no gradients.
            nodes -= cluster.shards or 1
            computing = self.platform.places[:nodes]
            accelerators = tuple(placed for placed in accelerators if placed.node in computing)
            if not accelerators:
                raise InfeasibleError(
                    f"{self.scenario.where}: cluster.master: a node of its own for the master leaves none for workers; "
                    f"expected more than {cluster.nodes} nodes"
                )
        if not accelerators:
            raise InfeasibleError(
                f"{self.scenario.where}: cluster.workers: other jobs have all accelerators of the nodes; "
                f"expected their cluster.workers to leave some"
            )
        if wanted is not None and wanted > len(accelerators):
            raise InfeasibleError(
                f"{self.scenario.where}: cluster.workers: {wanted} workers need {wanted} accelerators, "
                f"but {nodes} node{'s' if nodes > 1 else ''} of {self.scenario.tables.cluster.system} "
                f"have {len(accelerators)}{' left' if taken else ''}"
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
        if max(source, target) < len(self.workers):
            return self.platform.route(self.devices[source].name, self.devices[target].name)
        if source >= len(self.workers) <= target:
            # Threads of one master: each shard has its own part of what they pass on, so nothing crosses a link.
            return self.platform.route(self.master_places[0].name, self.master_places[0].name)
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

    def _learner(self) -> tuple[Learner, LearningData] | None:
        """What learns, and from which samples, where the scenario has learning on."""
        table = self.scenario.tables.learning
        if table is None:
            return None
        from simulator.learning import load_data, load_learner

        where = f"{self.scenario.where}: learning"
        with located(f"{where}.data"):
            data = load_data(self.scenario.found(table.data))
        with located(f"{where}.model"):
            return load_learner(table.model, data, **table.options), data

    def _network(self) -> Network:
        """The network whose time is counted, which may be the learner itself."""
        name = self.scenario.tables.workload.network
        if name != LEARNER:
            return load_network(self.scenario.found(name))
        from simulator.learning.workload import workload_network

        return workload_network(*self._required_learner())

    def _dataset(self) -> Dataset:
        """The samples whose copies are counted, which may be the learner's."""
        name = self.scenario.tables.workload.dataset
        if name != LEARNER:
            return load_dataset(self.scenario.found(name))
        from simulator.learning.workload import workload_dataset

        return workload_dataset(self._required_learner()[1])

    def _required_learner(self) -> tuple[Learner, LearningData]:
        if self.learner is None:
            raise InputError("'learner' stands for what learns, but the scenario has no [learning] table")
        return self.learner

    def _learning(self) -> LearningSetup | None:
        """Learner and data of a run with so many workers."""
        table = self.scenario.tables.learning
        if table is None or self.learner is None or self.scenario.tables.simulation.timing_only:
            return None
        return LearningSetup(
            table, *self.learner, len(self.workers), self.scenario.tables, self.steps, self.network.parameters
        )

    def _steps(self) -> int:
        workload = self.scenario.tables.workload
        if workload.steps is not None:
            return workload.steps
        assert workload.epochs is not None
        samples = workload.epochs * self.dataset.samples
        return -(-samples // (workload.batch_size * len(self.workers)))

    def _chip_bandwidth(self) -> float:
        """Memory bandwidth [B/s] that the workers of a device share: what their joint working set sees in its modes."""
        device, footprint = self.workers[0].device, self.memory.total * self.groups
        with located(f"{self.scenario.where}: cluster"):
            return effective_bandwidth(device, footprint, mode=self.memory_mode, cluster_mode=self.cluster_mode)

    def _worker_bandwidth(self) -> float:
        """Memory bandwidth [B/s] of one worker while all of its device's stream at once."""
        if self.platform.system.node.processes is not None:
            return process_bandwidth(self.workers[0], self.groups, self.chip_bandwidth)
        return self.chip_bandwidth / self.groups

    @property
    def recomputed(self) -> frozenset[str]:
        """Layers whose forward pass runs twice."""
        wanted = self.network.recomputation if self.scenario.tables.workload.recompute else None
        return wanted.recomputed if wanted else frozenset()

    def _check_cores(self) -> None:
        """Refuse what would leave the sharing of cores out, where ranks are processes that share them."""
        if self.platform.system.node.processes is None:
            return
        tables, where, name = self.scenario.tables, self.scenario.where, self.platform.system.name
        if tables.simulation.overlap_slowdown:
            reason = f"messages on {name} already compete for its cores"
            raise InputError(f"{where}: simulation.overlap_slowdown: {reason}; remove the key")
        if tables.cluster.partitions is not None:
            raise InputError(f"{where}: cluster.partitions: ranks of {name} are processes; set cluster.workers instead")
        cores = int(self.workers[0].device.units.value)
        processes = max(Counter(placed.vertex for placed in {*self.workers, *self.master_places}).values())
        if tables.network.model == "alpha-beta" and processes > cores:
            raise InputError(
                f"{where}: network.model: 'alpha-beta' shares nothing, but {processes} processes on {cores} cores of "
                f"{name} share those; expected 'fluid'"
            )

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
