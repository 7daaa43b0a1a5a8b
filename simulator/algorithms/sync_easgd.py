"""Synchronous EASGD in the paper's three versions, and its form on a cluster of KNL nodes (You et al. 2017).

One step: (1) every worker's gradient; (2) broadcast of the centre C; (3) reduction of Σ W; (4) the workers' rule;
(5) the centre's rule. Version 1 keeps C on the CPU. Version 2 keeps it on the first GPU, so that parameters move
from GPU to GPU and only batches come from the CPU. Version 3 lets (2) and (3), which need nothing of the batch,
proceed while the batch is copied and the gradient computed. With a `period` τ (Zhang, Choromanska, LeCun 2015) only
every τ-th step is such a step; those in between are plain SGD on each worker's own.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import PERIOD, Algorithm
from simulator.algorithms.vocabulary import Operation

__all__ = ["KNL_SYNC_EASGD", "SYNC_EASGD1", "SYNC_EASGD2", "SYNC_EASGD3"]


def _worker_of_a_master(rank: Rank) -> Generator[Operation, Any, None]:
    replica, centre = rank.replica(), rank.centre()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        if not rank.due(rank.options["period"]):
            yield rank.apply(rules.gradient_step, replica, gradient)
            continue
        arrived = yield rank.broadcast(centre, root=rank.master)
        yield rank.reduce(replica, root=rank.master)
        yield rank.apply(rules.elastic_worker, replica, gradient, arrived)


def _master(rank: Rank) -> Generator[Operation, Any, None]:
    centre = rank.centre()
    for _ in rank.steps(every=rank.options["period"]):
        yield rank.broadcast(centre, root=rank.master)
        total = yield rank.reduce(None, root=rank.master)
        yield rank.apply(rules.elastic_centre, centre, total, contributions=len(rank.workers))


def _worker(rank: Rank) -> Generator[Operation, Any, None]:
    home = rank.workers[0]
    replica, centre = rank.replica(), rank.centre()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        if not rank.due(rank.options["period"]):
            yield rank.apply(rules.gradient_step, replica, gradient)
            continue
        arrived = yield rank.broadcast(centre, root=home)
        total = yield rank.reduce(replica, root=home)
        yield rank.apply(rules.elastic_worker, replica, gradient, arrived)
        if rank.index == home:
            yield rank.apply(rules.elastic_centre, centre, total, contributions=len(rank.workers))


def _overlapping_worker(rank: Rank) -> Generator[Operation, Any, None]:
    home = rank.workers[0]
    replica, centre = rank.replica(), rank.centre()
    for _ in rank.steps():
        if not rank.due(rank.options["period"]):
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
            yield rank.apply(rules.gradient_step, replica, gradient)
            continue
        broadcasting = yield rank.start(rank.broadcast(centre, root=home))
        reducing = yield rank.start(rank.reduce(replica, root=home))
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        arrived, total = yield rank.join(broadcasting, reducing)
        yield rank.apply(rules.elastic_worker, replica, gradient, arrived)
        if rank.index == home:
            yield rank.apply(rules.elastic_centre, centre, total, contributions=len(rank.workers))


#: The first worker keeps the centre, and gets the sum of the replicas.
_FIRST_WORKER = Holdings(copies=1.0, messages=1.0)
_TREES = {"broadcast": "binomial-tree", "reduce": "binomial-tree"}

SYNC_EASGD1 = Algorithm(
    name="sync-easgd1",
    title="Synchronous elastic averaging, centre on the CPU, tree broadcast and reduction",
    source="You, Buluç, Demmel, SC'17, section 5 (Sync EASGD1)",
    worker=_worker_of_a_master,
    master=_master,
    holds=Holdings(messages=1.0),
    collectives=_TREES,
    options=(PERIOD,),
)

SYNC_EASGD2 = Algorithm(
    name="sync-easgd2",
    title="Synchronous elastic averaging, centre on the first GPU: parameters move from GPU to GPU",
    source="You, Buluç, Demmel, SC'17, section 5 (Sync EASGD2)",
    worker=_worker,
    holds=_FIRST_WORKER,
    collectives=_TREES,
    options=(PERIOD,),
)

SYNC_EASGD3 = Algorithm(
    name="sync-easgd3",
    title="As sync-easgd2, with broadcast and reduction behind batch copy and gradient",
    source="You, Buluç, Demmel, SC'17, section 5 (Sync EASGD3)",
    worker=_overlapping_worker,
    holds=_FIRST_WORKER,
    collectives=_TREES,
    options=(PERIOD,),
)

KNL_SYNC_EASGD = replace(
    SYNC_EASGD3,
    name="knl-sync-easgd",
    title="Synchronous elastic averaging over self-hosted nodes, each with its part of the data, overlapped",
    source="You, Buluç, Demmel, SC'17, section 6 (Communication-Efficient EASGD on a KNL cluster)",
)
