"""W2: workers that exchange an array with one server, each at its own pace."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads.playing import played
from benchmarks.workloads.workload import ADAPTER_LATENCY, BANDWIDTH, Asked, Outcome, Workload
from simulator.algorithms.rank import Rank
from simulator.algorithms.vocabulary import Operation
from validation.peers.job import ELEMENT_SIZE, Costs, Job

__all__ = ["Server"]


@dataclass(frozen=True)
class Server(Workload):
    """`workers` send `size` bytes up and get them back, `rounds` times; worker i begins after `i * stagger` seconds.

    A thread of the server serves each worker: nobody waits for anybody but on the wire.

    Staggered, this is a chaotic system: workers go round between two shared links, up and down, and whoever is a little
    later shares with others for a little longer. With eight workers or more, any difference grows tenfold in about
    three rounds, from the last digit to a percent in 60. So two programs agree for some ten rounds, whatever their
    model, and after 100 they are a few percent apart, as is one program from itself with a stagger that differs in the
    thirteenth digit.
    """

    workers: int
    size: int
    rounds: int
    stagger: float = 0.0

    @property
    def messages(self) -> int:
        """Up and down."""
        return 2 * self.workers * self.rounds

    @property
    def chaotic(self) -> bool:
        """After so many rounds."""
        return bool(self.stagger) and self.workers > 4 and self.rounds > 10

    def closed_form(self) -> float | None:
        """Together, all share the server's adapter in equal parts; staggered, there is no formula."""
        if self.stagger:
            return None
        return 2 * self.rounds * (2 * ADAPTER_LATENCY + self.workers * self.size / BANDWIDTH)

    def asked(self) -> Asked:
        """Actors for the workers and for the server's threads."""
        numbers = (self.workers, self.size, self.rounds, self.stagger, ADAPTER_LATENCY, BANDWIDTH)
        return Asked(("server", *map(str, numbers)))

    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """A job on the validation's star; two workers are played before."""
        played(Server(2, self.size, 2, self.stagger).job(), exact)
        job = self.job()
        return lambda: played(job, exact)

    def job(self) -> Job:
        """For the validation's star; a fresh one."""
        return Job(
            programs=[_worker] * self.workers + [_server] * self.workers,
            hosts=[f"h{worker}" for worker in range(self.workers)] + ["server"] * self.workers,
            costs=[Costs(worker * self.stagger) for worker in range(self.workers)] + [Costs()] * self.workers,
            workers=self.workers,
            elements=self.size // ELEMENT_SIZE,
            steps=self.rounds,
            latency=ADAPTER_LATENCY,
        )


def _worker(rank: Rank) -> Generator[Operation, Any, None]:
    weights = rank.replica()
    batch = yield rank.load_batch()
    yield rank.gradient(weights, batch)  # as long as it begins later
    for _ in rank.steps():
        yield rank.send(weights, rank.master)
        weights = yield rank.receive(rank.master)


def _server(rank: Rank) -> Generator[Operation, Any, None]:
    for _ in rank.steps():
        weights = yield rank.receive(rank.client)
        yield rank.send(weights, rank.client)
