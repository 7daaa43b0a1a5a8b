"""W1, W3 and one of W5: all-reduces on a star, alone or each after a stretch of compute."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from math import ceil, log2
from typing import Any

from benchmarks.workloads.playing import played
from benchmarks.workloads.workload import ADAPTER_LATENCY, BANDWIDTH, Asked, Outcome, Workload
from simulator.algorithms.rank import Rank
from simulator.algorithms.vocabulary import Operation
from simulator.collectives.registry import schedule
from simulator.collectives.schedule import Schedule
from validation.peers.job import ELEMENT_SIZE, Costs, Job
from validation.peers.star import MEMORY_BANDWIDTH

__all__ = ["AllReduce"]


@dataclass(frozen=True)
class AllReduce(Workload):
    """`steps` times `compute` seconds and an all-reduce of `size` bytes by `algorithm` on so many `ranks`.

    ``ring`` and ``binomial-tree`` have a host for each rank; ``hierarchical`` has `ranks_per_host` of them, binomial
    trees in the memory that they share, and a ring across hosts.
    """

    algorithm: str
    ranks: int
    size: int
    steps: int = 1
    compute: float = 0.0
    ranks_per_host: int = 1

    @property
    def hosts(self) -> int:
        """How many there are."""
        return self.ranks // self.ranks_per_host

    @property
    def elements(self) -> int:
        """Numbers in the array."""
        return self.size // ELEMENT_SIZE

    @property
    def messages(self) -> int:
        """Of all steps."""
        if self.algorithm == "binomial-tree":
            return self.steps * 2 * (self.ranks - 1)
        return self.steps * 2 * (self.hosts * (self.hosts - 1) + self.ranks - self.hosts)

    def closed_form(self) -> float:
        """A round of a ring lasts as long as its largest chunk, the first one; a tree's rounds carry everything.

        A ring of H hosts has 2 (H - 1) rounds of ⌈elements / H⌉, a binomial tree of P ranks, a power of two, 2 log2 P
        of all elements. In a host all but one rank send, and are sent to, through one memory that never rests.
        """
        if self.algorithm == "binomial-tree":
            chunk, rounds = self.elements, 2 * ceil(log2(self.ranks))
        else:
            chunk, rounds = ceil(self.elements / self.hosts), 2 * (self.hosts - 1)
        across = rounds * (2 * ADAPTER_LATENCY + ELEMENT_SIZE * chunk / BANDWIDTH)
        inside = 2 * (self.ranks_per_host - 1) * self.size / MEMORY_BANDWIDTH
        return self.steps * (self.compute + across + inside)

    def asked(self) -> Asked:
        """The chunks are the same whole elements there."""
        numbers = (
            *(self.ranks, self.ranks_per_host, self.elements, self.steps, self.compute),
            *(ADAPTER_LATENCY, BANDWIDTH, MEMORY_BANDWIDTH),
        )
        return Asked(("all-reduce", self.algorithm, *map(str, numbers)))

    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """A job on the validation's star; four hosts are played before."""
        played(replace(self, ranks=4 * self.ranks_per_host, size=16_384, steps=min(self.steps, 2)).job(), exact)
        job = self.job()
        return lambda: played(job, exact)

    def job(self) -> Job:
        """For the validation's star; a fresh one."""
        return Job(
            programs=[_train if self.compute else _reduce] * self.ranks,
            hosts=[f"h{rank // self.ranks_per_host}" for rank in range(self.ranks)],
            costs=[Costs(self.compute)] * self.ranks,
            workers=self.ranks,
            elements=self.elements,
            steps=self.steps,
            schedule=self._schedule,
            latency=ADAPTER_LATENCY,
        )

    def _schedule(self, kind: str, ranks: int, elements: int, root: int) -> Schedule:
        levels = {"ranks_per_node": self.ranks_per_host, "across": "ring"} if self.algorithm == "hierarchical" else {}
        return schedule(kind, self.algorithm, ranks, elements, root, **levels)


def _reduce(rank: Rank) -> Generator[Operation, Any, None]:
    for _ in rank.steps():
        yield rank.all_reduce(rank.replica())


def _train(rank: Rank) -> Generator[Operation, Any, None]:
    weights = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        yield rank.all_reduce(gradient)
