"""Programs, machines and costs drawn at random, played event by event and in lockstep.

A program is a list of instructions that every rank goes through in every step; a machine is a list of hosts with links
of any kind between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from hypothesis import strategies as st

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.vocabulary import Batch, Handle
from simulator.collectives.registry import algorithms as collective_algorithms
from simulator.collectives.registry import options as collective_options
from simulator.collectives.registry import schedule
from simulator.execution.executor import Executor, RankSetup
from simulator.execution.lockstep import LockstepRun, run_in_lockstep
from simulator.execution.memory import uncollected
from simulator.execution.shortcuts import SHORTCUTS
from simulator.network.base import Network, network_model
from simulator.platform.links import Link, Route
from simulator.trace import Category, RankInfo, Trace

__all__ = ["CATEGORIES", "Case", "Costs", "Instruction", "Machine", "cases", "event_by_event", "in_lockstep"]

CATEGORIES = (Category.GPU_GPU_PARAMETERS, Category.CPU_GPU_PARAMETERS, Category.NODE_NODE_PARAMETERS)
KINDS = ("broadcast", "reduce", "all_reduce", "all_gather")


@dataclass(frozen=True)
class Costs:
    """Seconds of a gradient, of an element of an update, of a byte that is streamed or copied."""

    gradient_seconds: float = 0.0
    element_seconds: float = 0.0
    byte_seconds: float = 0.0
    layers: int = 1

    def gradient(self, samples: int) -> float:
        return self.gradient_seconds

    def forward(self, samples: int) -> float:
        return self.gradient_seconds / 4

    def backward(self, samples: int) -> tuple[float, ...]:
        return (self.gradient_seconds * 3 / 4 / self.layers,) * self.layers

    def stream(self, read: float, written: float) -> float:
        return self.byte_seconds * (read + written)

    def update(self, elements: int, arrays: int, writes: int) -> float:
        return self.element_seconds * elements * arrays

    def add(self, elements: int) -> float:
        return self.element_seconds * elements * 2

    def copy(self, size: float) -> float:
        return self.byte_seconds * size


@dataclass(frozen=True)
class Instruction:
    """One operation, of all ranks or, where it is no collective, of every `only`-th."""

    what: str
    started: bool = False
    only: int = 1
    kind: str = ""
    root: int = 0
    elements: int = 0  #: of a small array; 0 for one of the weights' size
    joined: int = 0  #: of the handles that wait to be joined, the oldest


@dataclass(frozen=True)
class Machine:
    """Ranks on hosts.

    Attributes
    ----------
    host : tuple of int
        Of each rank.
    duplex : str
        Of the adapters: ``"full"`` or ``"half"``; or ``"bus"``, one medium that all hosts share.
    local : str
        What ranks of one host send one another over: its ``"memory"``, or nothing: ``"free"``.
    load : str
        Where batches come from: ``"memory"``, the ``"adapter"``, or nowhere.
    """

    host: tuple[int, ...]
    duplex: str = "full"
    local: str = "memory"
    load: str = "memory"
    bandwidth: float = 1e9
    latency: float = 1e-6
    overhead: float = 0.0
    rate_cap: float = float("inf")

    def routes(self) -> tuple[Callable[[int, int], Route], Callable[[int], Route | None]]:
        """From rank to rank, and of batches to a rank."""
        links: dict[str, Link] = {}
        made: dict[tuple[str, ...], Route] = {}

        def link(name: str, resource: str, bandwidth: float) -> Link:
            return links.setdefault(name, Link(name, name, name, bandwidth, self.latency / 2, "test", resource))

        def adapter(host: int, way: str) -> Link:
            name = f"host{host} {way}"
            resource = {"full": name, "half": f"host{host}", "bus": "bus"}[self.duplex]
            return link(name, resource, self.bandwidth)

        def memory(host: int) -> Link:
            return link(f"memory{host}", f"memory{host}", 5 * self.bandwidth)

        def over(*links: Link) -> Route:
            key = tuple(link.name for link in links)
            return made.setdefault(key, Route(links, self.overhead, self.rate_cap if links else float("inf")))

        def route(source: int, target: int) -> Route:
            ends = self.host[source], self.host[target]
            if ends[0] == ends[1]:
                return over(memory(ends[0])) if self.local == "memory" else over()
            return over(adapter(ends[0], "up"), adapter(ends[1], "down"))

        def batch(rank: int) -> Route | None:
            host = self.host[rank]
            return {"memory": over(memory(host)), "adapter": over(adapter(host, "down"))}.get(self.load)

        return route, batch


@dataclass(frozen=True)
class Case:
    """A run: who does what, where, for how many steps."""

    machine: Machine
    costs: tuple[Costs, ...]
    program: tuple[Instruction, ...]
    tail: tuple[Instruction, ...] = ()
    masters: int = 0
    steps: int = 3
    layout: tuple[int, ...] = (1000,)
    packed: bool = True
    model: str = "fluid"
    collectives: dict[str, str] = field(default_factory=dict)
    overhead: float = 0.0  #: of a collective's call [s], and as much a gigabyte
    jitter: float = 0.0
    asks: bool = False
    batch_bytes: float = 1000.0

    @property
    def ranks(self) -> int:
        return len(self.machine.host)

    @property
    def workers(self) -> int:
        return self.ranks - self.masters

    def task(self, steps: int) -> Task:
        workers, masters = tuple(range(self.workers)), tuple(range(self.workers, self.ranks))
        return Task(workers, masters, steps, self.layout)

    def setups(self, batch_route: Callable[[int], Route | None]) -> list[RankSetup]:
        return [
            RankSetup(
                program=self.worker if rank < self.workers else self.master,
                role="worker" if rank < self.workers else "master",
                costs=self.costs[rank],
                batch_route=batch_route(rank),
                batch_size=4,
                batch_bytes=self.batch_bytes,
                jitter=self._jitter(rank),
                update_category=Category.HOST_UPDATE if rank % 3 == 2 else Category.DEVICE_UPDATE,
            )
            for rank in range(self.ranks)
        ]

    def _jitter(self, rank: int) -> Callable[[], float]:
        if not self.jitter:
            return lambda: 1.0
        random = np.random.default_rng(rank)
        return lambda: 1.0 + self.jitter * float(random.random())

    def infos(self) -> tuple[RankInfo, ...]:
        return tuple(
            RankInfo(rank, "worker" if rank < self.workers else "master", f"d{rank}", "d", host)
            for rank, host in enumerate(self.machine.host)
        )

    def worker(self, rank: Rank) -> Iterator[Any]:
        return self._follow(rank, works=True)

    def master(self, rank: Rank) -> Iterator[Any]:
        return self._follow(rank, works=False)

    def _follow(self, rank: Rank, works: bool) -> Iterator[Any]:
        """All instructions; a master only the collectives among them."""
        handles: list[Handle] = []
        if self.asks:
            _ = rank.index
        for _ in rank.steps():
            for instruction in self.program:
                yield from self._obey(rank, instruction, handles, works)
        for instruction in self.tail:
            yield from self._obey(rank, instruction, handles, works)
        yield rank.join(*handles)

    def _obey(self, rank: Rank, instruction: Instruction, handles: list[Handle], works: bool) -> Iterator[Any]:
        what = instruction.what
        if what == "join":
            now, handles[:] = handles[: instruction.joined], handles[instruction.joined :]
            yield rank.join(*now)
        elif what == "collective" or (works and (instruction.only == 1 or rank.index % instruction.only)):
            operations = [self._operation(rank, instruction, works)]
            if what == "passes":
                activations = yield rank.forward(rank.replica(), Batch(4))
                operations = [rank.backward(activations, bucket) for bucket in rank.buckets(400.0, 400.0)]
            for operation in operations:
                result = yield rank.start(operation) if instruction.started else operation
                if instruction.started:
                    handles.append(result)

    def _operation(self, rank: Rank, instruction: Instruction, works: bool) -> Any:
        replica, few, root = rank.replica(), instruction.elements, instruction.root
        array = rank.small("few", few, element_size=1) if few else replica
        match instruction.what:
            case "load":
                return rank.load_batch()
            case "gradient":
                return rank.gradient(replica, Batch(4))
            case "apply":
                return rank.apply(renew, replica, replica)
            case "transform":
                return rank.transform(renew, replica, made=array)
        match instruction.kind:
            case "broadcast":
                return rank.broadcast(array, root)
            case "reduce":
                return rank.reduce(array if works or few else None, root)
            case "all_reduce":
                return rank.all_reduce(array)
            case "all_gather":
                return rank.all_gather(array)
        return None

    def category(self, source: int, target: int) -> str:
        return CATEGORIES[(source + target) % 3]

    def schedule(self, kind: str, ranks: int, elements: int, root: int) -> Any:
        name = self.collectives[kind]
        per_node = next(size for size in (3, 2, 1) if ranks % size == 0)
        options = {"ranks_per_node": per_node} if "ranks_per_node" in collective_options(kind, name) else {}
        return schedule(kind, name, ranks, elements, root, **options)

    def call(self, size: float) -> float:
        return self.overhead * (1.0 + size / 1e9)


def renew(*arrays: Any, **parameters: Any) -> Any:
    """A rule that nobody calls: numbers are not looked at."""
    raise NotImplementedError


def event_by_event(case: Case) -> tuple[Trace, Network]:
    """The trace, and the network with its accounts."""
    env = simpy.Environment()
    network = network_model(case.model)(env)
    route, batch = case.machine.routes()
    trace = Trace(case.infos())
    executor = Executor(
        env,
        case.task(case.steps),
        case.setups(batch),
        network,
        route,
        case.category,
        case.schedule,
        trace,
        case.packed,
        collective_overhead=case.call,
    )
    with uncollected():
        executor.run()
    return trace, network


def in_lockstep(case: Case, without: frozenset[str] = frozenset()) -> LockstepRun:
    """The run, by all shortcuts but some."""
    route, batch = case.machine.routes()
    return run_in_lockstep(
        case.task,
        lambda: case.setups(batch),
        case.infos(),
        case.steps,
        frozenset(SHORTCUTS) - without,
        random=bool(case.jitter),
        route=route,
        category=case.category,
        schedule=case.schedule,
        shared=case.model == "fluid",
        packed=case.packed,
        collective_overhead=case.call,
    )


# Drawn at random ------------------------------------------------------------------------------------------------------


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Up to seven ranks on up to as many hosts."""
    ranks = draw(st.integers(1, 7))
    hosts = draw(st.integers(1, ranks))
    return Machine(
        tuple(draw(st.permutations([rank % hosts for rank in range(ranks)]))),
        duplex=draw(st.sampled_from(["full", "full", "half", "bus"])),
        local=draw(st.sampled_from(["memory", "free"])),
        load=draw(st.sampled_from(["memory", "adapter", "nowhere"])),
        bandwidth=draw(st.sampled_from([1e9, 1e4, 1e10])),
        latency=draw(st.sampled_from([1e-6, 0.0, 1e-9, 0.1])),
        overhead=draw(st.sampled_from([0.0, 2e-6])),
        rate_cap=draw(st.sampled_from([float("inf"), 0.6e9, 0.3e9])),
    )


@st.composite
def instructions(draw: st.DrawFn, ranks: int) -> Instruction:
    """Any."""
    what = draw(
        st.sampled_from(["load", "gradient", "passes", "apply", "transform", *["collective"] * 3, "join", "join"])
    )
    if what == "join":
        return Instruction(what, joined=draw(st.integers(0, 4)))
    started = draw(st.booleans())
    if what != "collective":
        return Instruction(what, started, only=draw(st.sampled_from([1, 1, 1, 2, 3])))
    kind = draw(st.sampled_from(KINDS))
    root = draw(st.integers(0, ranks - 1)) if kind in ("broadcast", "reduce") else 0
    return Instruction(what, started, kind=kind, root=root, elements=draw(st.sampled_from([0, 0, 1, 5, 300])))


@st.composite
def cases(draw: st.DrawFn, steps: Sequence[int] = (1, 2, 3, 5)) -> Case:
    """A short run of a random program on a random machine."""
    machine = draw(machines())
    ranks = len(machine.host)
    layout = draw(st.sampled_from([(1000,), (40, 0, 300, 60), (3, 1)]))
    seconds = st.sampled_from([0.0, 1e-3, 1e-3, 2.5e-3, 1e-7, 0.05])
    kinds = draw(st.lists(st.tuples(seconds, seconds, st.sampled_from([0.0, 1e-9, 1e-7])), min_size=1, max_size=2))
    costs = [draw(st.sampled_from(kinds)) for _ in range(ranks)]
    program = draw(st.lists(instructions(ranks), min_size=1, max_size=7))
    chosen = {kind: draw(st.sampled_from(sorted(collective_algorithms(kind)))) for kind in KINDS}
    return Case(
        machine,
        tuple(Costs(gradient, element * 1e-3, byte, len(layout)) for gradient, element, byte in costs),
        tuple(program),
        tuple(draw(st.lists(instructions(ranks), max_size=2))),
        masters=draw(st.sampled_from([0, 0, 1])) if ranks > 1 else 0,
        steps=draw(st.sampled_from(steps)),
        layout=layout,
        packed=draw(st.booleans()),
        model=draw(st.sampled_from(["fluid", "fluid", "alpha-beta"])),
        collectives=chosen,
        overhead=draw(st.sampled_from([0.0, 0.0, 3e-6])),
        jitter=draw(st.sampled_from([0.0, 0.0, 0.3])),
        asks=draw(st.booleans()),
        batch_bytes=draw(st.sampled_from([1000.0, 1000.0, 0.0])),
    )
