"""The same job for a peer: what each rank does, one step after the other, without any notion of time.

The algorithm's own generators are asked for their operations, as the executor asks them, and each operation becomes
what it means: a gradient or an update a sleep, a message a put or a get, a collective the rounds of its schedule, an
update of an array that several ranks share a passage through the memory of their host. So a peer plays the very
algorithms and schedules that we play, by its own engine and its own network model.

Only operations whose order does not depend on time can be written down beforehand: a receive from whoever comes first,
started operations and threads are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.algorithms.rank import Rank
from simulator.algorithms.vocabulary import (
    ANY,
    Acquire,
    Apply,
    Array,
    Batch,
    Collective,
    Gradient,
    LoadBatch,
    Operation,
    Receive,
    Release,
    Send,
)
from simulator.execution.device_operations import BLOCKS
from validation.peers.experiment import Experiment, Step, exchange, whole
from validation.peers.job import Costs, Job, mailbox
from validation.peers.star import memory_of

__all__ = ["translate"]


def translate(job: Job) -> Experiment:
    """The job as an experiment for a peer.

    Raises
    ------
    ValueError
        For an operation whose order cannot be told without simulating, or sizes that are not whole bytes.
    """
    star = job.star()
    actors = [(job.hosts[rank.index], list(_Translator(job, rank).steps())) for rank in job.ranks(job.task())]
    return Experiment(star.peer_hosts(), star.peer_links(), star.peer_routes(), actors)


class _Translator:
    """One rank's generator, driven to its end."""

    def __init__(self, job: Job, rank: Rank) -> None:
        self._job = job
        self._rank = rank
        self._costs: Costs = job.costs[rank.index]
        self._locks: set[str] = set()

    def steps(self) -> Iterator[Step]:
        """What the rank does; steps that take no time at all are left out."""
        generator = self._job.programs[self._rank.index](self._rank)
        try:
            operation = next(generator)
            while True:
                yield from self._steps_of(operation)
                operation = generator.send(self._result(operation))
        except StopIteration:
            return

    def _result(self, operation: Operation) -> object:
        """What the generator is handed back: arrays without numbers."""
        task = self._rank.task
        if isinstance(operation, LoadBatch):
            return Batch(1)
        if isinstance(operation, Gradient | Receive | Collective):
            return Array("result", task.layout, task.element_size)
        return operation.arrays[0] if isinstance(operation, Apply) else None

    def _steps_of(self, operation: Operation) -> Iterator[Step]:
        me = self._rank.index
        match operation:
            case LoadBatch():
                yield from _sleep(self._costs.copy(0.0))
            case Gradient():
                yield from _sleep(self._costs.gradient(1))
            case Apply():
                yield from self._update(operation)
            case Send(array=array, to=to):
                yield exchange([(mailbox(me, to), array.elements * array.element_size)], [])
            case Receive(source=source) if source != ANY:
                yield exchange([], [mailbox(source, me)])
            case Collective():
                yield from self._collective(operation)
            case Acquire(lock=lock):
                self._locks.add(lock)
                yield ("lock", lock)
            case Release(lock=lock):
                self._locks.discard(lock)
                yield ("unlock", lock)
            case _:
                raise ValueError(f"rank {me}: cannot tell beforehand how {operation!r} goes on")

    def _update(self, operation: Apply) -> Iterator[Step]:
        target = operation.arrays[0]
        if not target.shared:
            yield from _sleep(self._costs.update(target.elements, len(operation.arrays), operation.writes))
            return
        host = self._job.hosts[self._rank.index]
        passes = len(operation.arrays) + operation.writes
        blocks = 1 if self._locks else BLOCKS
        size = whole(passes * target.elements * target.element_size / blocks)
        for _ in range(blocks):
            yield ("transfer", host, memory_of(host), size, None)

    def _collective(self, operation: Collective) -> Iterator[Step]:
        group, me = operation.group, self._rank.index
        array = operation.array
        elements, element_size = (
            (array.elements, array.element_size)
            if array is not None
            else (sum(self._rank.task.layout), self._rank.task.element_size)
        )
        schedule = self._job.called(operation.kind, len(group), elements, group.index(operation.root))
        for action in schedule.actions(group.index(me)):
            # Several messages of one pair in one round share a mailbox; both ends list them in the schedule's order.
            puts = [(mailbox(me, group[sent.destination]), sent.elements * element_size) for sent in action.sends]
            yield exchange(puts, [mailbox(group[received.source], me) for received in action.receives])
            added = sum(received.elements for received in action.receives if received.reduce)
            yield from _sleep(self._costs.update(added, 2, 1) if added else 0.0)


def _sleep(seconds: float) -> Iterator[Step]:
    if seconds:
        yield ("sleep", seconds)
