"""A training job on a star, played by our executor; `validation.peers.translation` puts the same job to a peer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.registry import Program
from simulator.collectives.schedule import Schedule
from simulator.execution.executor import Executor, RankSetup
from simulator.network.fluid import FluidNetwork
from simulator.trace import Category, RankInfo, Trace
from validation.peers.experiment import Times
from validation.peers.star import LATENCY, Star

__all__ = ["ELEMENT_SIZE", "Costs", "Job", "mailbox", "simulate"]

#: Bytes of a number.
ELEMENT_SIZE = 4


@dataclass(frozen=True)
class Costs:
    """Arithmetic of one rank: `gradient_seconds` a gradient, `element_seconds` an element of an update or addition."""

    gradient_seconds: float = 0.0
    element_seconds: float = 0.0

    def gradient(self, samples: int) -> float:
        """The same for any batch."""
        return self.gradient_seconds

    def forward(self, samples: int) -> float:
        """Refused: jobs compute whole gradients."""
        raise NotImplementedError("the jobs compared with peers compute whole gradients")

    def backward(self, samples: int) -> Sequence[float]:
        """Refused: jobs compute whole gradients."""
        raise NotImplementedError("the jobs compared with peers compute whole gradients")

    def update(self, elements: int, arrays: int, writes: int) -> float:
        """By the elements."""
        return self.element_seconds * elements

    def stream(self, read: float, written: float) -> float:
        """Nothing."""
        return 0.0

    def copy(self, size: float) -> float:
        """Nothing: batches are there."""
        return 0.0


@dataclass(frozen=True)
class Job:
    """Who runs what where.

    Attributes
    ----------
    programs : sequence of Program
        One a rank: workers first, then masters.
    hosts : sequence of str
        Host of each rank.
    costs : sequence of Costs
        Of each rank.
    workers : int
        How many of the ranks are workers.
    elements : int
        Numbers in an array.
    schedule : callable
        ``(kind, ranks, elements, root) -> Schedule``, where collectives are called.
    latency : float
        Of an adapter [s]; a message passes two.
    """

    programs: Sequence[Program]
    hosts: Sequence[str]
    costs: Sequence[Costs]
    workers: int
    elements: int
    steps: int = 1
    schedule: Callable[[str, int, int, int], Schedule] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    latency: float = LATENCY

    def star(self) -> Star:
        """The network between the ranks; a fresh one."""
        return Star(self.hosts, self.latency)

    def task(self) -> Task:
        """What the ranks share; a fresh one for each execution, as shared arrays live in it."""
        masters = tuple(range(self.workers, len(self.programs)))
        workers = tuple(range(self.workers))
        return Task(workers, masters, self.steps, (self.elements,), ELEMENT_SIZE, self.options)

    def ranks(self, task: Task) -> list[Rank]:
        """Every rank."""
        return [Rank(index, self.role(index), task) for index in range(len(self.programs))]

    def role(self, rank: int) -> str:
        """Worker or master."""
        return "worker" if rank < self.workers else "master"

    def called(self, kind: str, ranks: int, elements: int, root: int) -> Schedule:
        """The schedule of a collective.

        Raises
        ------
        ValueError
            If the job has none.
        """
        if self.schedule is None:
            raise ValueError(f"a job without schedules calls {kind}")
        return self.schedule(kind, ranks, elements, root)


def simulate(job: Job) -> Times:
    """Messages of the job as our executor and the fluid network time them, by `mailbox`."""
    env = simpy.Environment()
    star = job.star()
    trace = Trace(tuple(RankInfo(i, job.role(i), f"d{i}", "d", i) for i in range(len(job.programs))))
    setups = [
        RankSetup(
            program=program,
            role=job.role(rank),
            costs=job.costs[rank],
            batch_route=None,
            batch_size=1,
            batch_bytes=0.0,
            jitter=lambda: 1.0,
            update_category=Category.DEVICE_UPDATE,
            memory_route=star.memory_route(rank),
        )
        for rank, program in enumerate(job.programs)
    ]
    Executor(
        env,
        job.task(),
        setups,
        FluidNetwork(env),
        star.route,
        lambda source, target: Category.NODE_NODE_PARAMETERS,
        job.called,
        trace,
    ).run()
    times = defaultdict(list)
    for span in trace.spans:
        if span.peer >= 0 and span.name.startswith("send "):
            times[mailbox(span.rank, span.peer)].append((span.start, span.end))
    return times


def mailbox(source: int, target: int) -> str:
    """Where messages from one rank to another meet their receives, and what they are called."""
    return f"{source}>{target}"
