"""A training job on a star, played by our executor; `validation.peers.translation` puts the same job to a peer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.registry import Program
from simulator.collectives.schedule import Schedule
from simulator.execution.clock import Clock
from simulator.execution.executor import Executor, RankSetup
from simulator.execution.lockstep import Unsuited, run_in_lockstep
from simulator.execution.memory import uncollected
from simulator.execution.shortcuts import LOCKSTEP, SETTLED_STEPS, SHORTCUTS, Shortcut, Shortcuts
from simulator.execution.steady_state import settled_step, shortened_lengths
from simulator.network.fluid import FluidNetwork
from simulator.platform.links import Route
from simulator.trace import Category, RankInfo, Trace
from validation.peers.experiment import Times
from validation.peers.star import LATENCY, Star

__all__ = ["ELEMENT_SIZE", "Costs", "Job", "Played", "mailbox", "play", "simulate"]

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

    def add(self, elements: int) -> float:
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


@dataclass(frozen=True)
class Played:
    """A job that was played.

    Attributes
    ----------
    duration : float
        Until its last rank is done [s].
    shortcuts : Shortcuts
        How.
    """

    duration: float
    shortcuts: Shortcuts


def play(job: Job, exact: bool = False) -> Played:
    """Play a job in the shortest way that is exact, or event by event."""
    if not exact:
        try:
            return _in_lockstep(job)
        except Unsuited as reason:
            why_not = str(reason)
        for steps in shortened_lengths(job.steps):
            trace = _event_by_event(replace(job, steps=steps))
            settled = settled_step(trace, steps)
            if settled is not None:
                _, period = settled
                remark = f"{job.steps - steps:,} of {job.steps:,} steps"
                found = (Shortcut(LOCKSTEP, False, why_not), Shortcut(SETTLED_STEPS, True, remark))
                return Played(trace.duration + (job.steps - steps) * period, Shortcuts(found))
    return Played(_event_by_event(job).duration, Shortcuts())


def _in_lockstep(job: Job) -> Played:
    star = job.star()
    run = run_in_lockstep(
        lambda steps: replace(job, steps=steps).task(),
        lambda: _setups(job, None),  # no arrays that ranks share, so no memory that they compete for
        _rank_infos(job),
        job.steps,
        frozenset(SHORTCUTS),
        random=False,
        route=star.route,
        category=_category,
        schedule=job.called,
    )
    return Played(run.outcome.duration, Shortcuts(run.shortcuts))


def simulate(job: Job) -> Times:
    """Messages of the job as our executor and the fluid network time them, by `mailbox`."""
    times = defaultdict(list)
    for span in _event_by_event(job).spans:
        if span.peer >= 0 and span.name.startswith("send "):
            times[mailbox(span.rank, span.peer)].append((span.start, span.end))
    return times


def _event_by_event(job: Job) -> Trace:
    env = Clock()
    star = job.star()
    trace = Trace(_rank_infos(job))
    with uncollected():
        Executor(env, job.task(), _setups(job, star), FluidNetwork(env), star.route, _category, job.called, trace).run()
    return trace


def _rank_infos(job: Job) -> tuple[RankInfo, ...]:
    return tuple(RankInfo(i, job.role(i), f"d{i}", "d", i) for i in range(len(job.programs)))


def _category(source: int, target: int) -> str:
    return Category.NODE_NODE_PARAMETERS


def _setups(job: Job, star: Star | None) -> list[RankSetup]:
    """Of each rank; ranks that do the same and update arrays in the same memory, if in any, have the very same one."""

    @cache
    def setup(program: Program, role: str, costs: Costs, memory: Route | None) -> RankSetup:
        return RankSetup(
            program=program,
            role=role,
            costs=costs,
            batch_route=None,
            batch_size=1,
            batch_bytes=0.0,
            jitter=lambda: 1.0,
            update_category=Category.DEVICE_UPDATE,
            memory_route=memory,
        )

    return [
        setup(program, job.role(rank), job.costs[rank], None if star is None else star.memory_route(rank))
        for rank, program in enumerate(job.programs)
    ]


def mailbox(source: int, target: int) -> str:
    """Where messages from one rank to another meet their receives, and what they are called."""
    return f"{source}>{target}"
