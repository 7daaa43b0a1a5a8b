"""Asynchronous decentralized parallel SGD: no master, pairs of workers average their replicas (Lian et al. 2018).

Half of the workers are active. While such a one computes a gradient, it sends its replica to a passive worker drawn at
random and gets the half-sum back, on which it then takes its step. A second thread of each passive worker answers
whoever comes, while the first computes. As active workers only ever wait for second threads, and these for nobody but
an active worker on its way, nothing can deadlock, and a slow worker holds nobody up.

Whom an active worker meets is drawn from its own random stream, so that a passive one knows how many will come.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules, rules_local
from simulator.algorithms.holdings import Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import PERIOD, Algorithm, Option
from simulator.algorithms.vocabulary import Array, Operation

__all__ = ["AD_PSGD"]

Steps = Generator[Operation, Any, None]


def _partners(rank: Rank, active: int) -> list[int]:
    """The passive worker that the active one meets at each of its meetings."""
    workers = rank.workers
    passive = workers[1::2]
    if rank.options["neighbours"] == "ring":
        place = workers.index(active)
        beside = {workers[place - 1], workers[(place + 1) % len(workers)]}
        passive = tuple(worker for worker in passive if worker in beside)
    if not passive:
        return []
    meetings = rank.task.steps // rank.options["period"]
    return [passive[i] for i in rank.random("partner", of=active).integers(len(passive), size=meetings)]


def _worker(rank: Rank) -> Steps:
    yield from _passive(rank) if rank.index in rank.workers[1::2] else _active(rank)


def _active(rank: Rank) -> Steps:
    replica = rank.replica()
    partners = _partners(rank, rank.index)
    for _ in rank.steps():
        meets = bool(partners) and rank.due(rank.options["period"])
        if meets:
            partner = partners.pop(0)
            sending = yield rank.start(rank.send(replica, to=partner))
            receiving = yield rank.start(rank.receive(partner))
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        if meets:
            _, met = yield rank.join(sending, receiving)
            yield rank.apply(rules_local.gossip_step, replica, gradient, met)
        else:
            yield rank.apply(rules.gradient_step, replica, gradient)


def _passive(rank: Rank) -> Steps:
    replica = rank.replica()
    answering = yield rank.spawn(_answer(rank, replica))
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        yield rank.apply(rules.gradient_step, replica, gradient)
    yield rank.join(answering)


def _answer(rank: Rank, replica: Array) -> Steps:
    for _ in range(sum(_partners(rank, active).count(rank.index) for active in rank.workers[0::2])):
        theirs = yield rank.receive()
        yield rank.apply(rules_local.meet, replica, theirs)
        yield rank.send(replica, to=theirs.source)


def _holds(situation: Situation) -> Holdings:
    """What arrives from another worker, where there is one."""
    return Holdings(messages=1.0 if situation.workers > 1 else 0.0)


AD_PSGD = Algorithm(
    name="ad-psgd",
    title="Gossip: no master, a worker averages its replica with a random other one while it computes",
    source="Lian, Zhang, Zhang, Liu, Asynchronous decentralized parallel SGD, ICML 2018",
    worker=_worker,
    learns="replica",
    holds=_holds,
    options=(
        Option(
            "neighbours", "any", "whom an active worker may meet: any passive one, or those beside it", ("any", "ring")
        ),
        PERIOD,
    ),
)
