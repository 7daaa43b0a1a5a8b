"""Stale-synchronous parallel SGD at a parameter server (Ho et al. 2013).

A worker may be up to `staleness` steps ahead of the slowest. The master adds every gradient to the weights as it comes,
and answers a worker once that worker's lead is within the bound. A bound of 0 is a barrier after every step: the
workers' gradients, all of the same weights, are added one by one. A bound that is never met is `async-sgd`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings
from simulator.algorithms.parameter_server import gradient_worker
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["SSP"]


def _master(rank: Rank) -> Generator[Operation, Any, None]:
    centre, bound = rank.shared_centre(), rank.options["staleness"]
    steps_done = dict.fromkeys(rank.workers, 0)
    waiting: list[int] = []
    yield rank.acquire("centre")  # for good: nobody else writes
    for _ in rank.steps():
        for _ in rank.workers:
            gradient = yield rank.receive()
            yield rank.apply(rules.gradient_step, centre, gradient)
            steps_done[gradient.source] += 1
            waiting.append(gradient.source)
            slowest = min(steps_done.values())
            for worker in [worker for worker in waiting if steps_done[worker] - slowest <= bound]:
                yield rank.send(centre, to=worker)
                waiting.remove(worker)


SSP = Algorithm(
    name="ssp",
    title="Gradients to a master; a worker that is too far ahead of the slowest waits for it",
    source="Ho et al., More effective distributed ML via a stale synchronous parallel parameter server, NIPS 2013",
    worker=gradient_worker,
    master=_master,
    holds=Holdings(),
    options=(Option("staleness", 3, "steps that a worker may be ahead of the slowest", least=0),),
)
