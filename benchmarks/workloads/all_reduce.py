"""W1 and W3: all-reduces on a star, alone or each after a stretch of compute."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

from benchmarks.workloads.playing import played
from benchmarks.workloads.workload import ADAPTER_LATENCY, BANDWIDTH, Asked, Outcome, Workload
from simulator.algorithms.rank import Rank
from simulator.algorithms.vocabulary import Operation
from simulator.collectives.registry import schedule
from validation.peers.job import ELEMENT_SIZE, Costs, Job

__all__ = ["AllReduce"]


@dataclass(frozen=True)
class AllReduce(Workload):
    """`steps` times `compute` seconds and an all-reduce of `size` bytes by `algorithm` on so many `ranks`."""

    algorithm: str
    ranks: int
    size: int
    steps: int = 1
    compute: float = 0.0

    @property
    def elements(self) -> int:
        """Numbers in the array."""
        return self.size // ELEMENT_SIZE

    @property
    def messages(self) -> int:
        """Of all steps."""
        each = 2 * (self.ranks - 1) * (self.ranks if self.algorithm == "ring" else 1)
        return self.steps * each

    def closed_form(self) -> float:
        """A round of a ring lasts as long as its largest chunk, the first one; a tree's rounds carry everything.

        P a power of two: a ring has 2 (P - 1) rounds of ⌈elements / P⌉, a binomial tree 2 log2 P of all of them.
        """
        ring = self.algorithm == "ring"
        chunk = ELEMENT_SIZE * (ceil(self.elements / self.ranks) if ring else self.elements)
        rounds = 2 * (self.ranks - 1) if ring else 2 * ceil(log2(self.ranks))
        return self.steps * (self.compute + rounds * (2 * ADAPTER_LATENCY + chunk / BANDWIDTH))

    def asked(self) -> Asked:
        """The chunks are the same whole elements there."""
        numbers = (self.ranks, self.elements, self.steps, self.compute, ADAPTER_LATENCY, BANDWIDTH)
        return Asked(("all-reduce", self.algorithm, *map(str, numbers)))

    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """A job on the validation's star; four ranks are played before."""
        played(AllReduce(self.algorithm, 4, 4096, min(self.steps, 2), self.compute).job(), exact)
        job = self.job()
        return lambda: played(job, exact)

    def job(self) -> Job:
        """For the validation's star; a fresh one."""
        return Job(
            programs=[_train if self.compute else _reduce] * self.ranks,
            hosts=[f"h{rank}" for rank in range(self.ranks)],
            costs=[Costs(self.compute)] * self.ranks,
            workers=self.ranks,
            elements=self.elements,
            steps=self.steps,
            schedule=lambda kind, members, count, root: schedule(kind, self.algorithm, members, count, root),
            latency=ADAPTER_LATENCY,
        )


def _reduce(rank: Rank) -> Generator[Operation, Any, None]:
    for _ in rank.steps():
        yield rank.all_reduce(rank.replica())


def _train(rank: Rank) -> Generator[Operation, Any, None]:
    weights = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        yield rank.all_reduce(gradient)
