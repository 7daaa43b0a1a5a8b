"""Original EASGD: a master on the CPU meets the workers in strict rotation (You et al. 2017, after Zhang et al. 2015).

At turn t only worker t mod P exchanges weights with the master, so P exchanges follow one another where the
synchronous versions need one tree: P (α + |W| β) instead of log P (α + |W| β).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["ORIGINAL_EASGD"]


def _worker(rank: Rank) -> Generator[Operation, Any, None]:
    replica = rank.replica()
    for _ in rank.steps():
        if rank.options["overlap"]:  # compute while the others have their turns
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
            centre = yield rank.receive(rank.master)
        else:
            centre = yield rank.receive(rank.master)
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
        yield rank.send(replica, to=rank.master)
        yield rank.apply(rules.elastic_worker, replica, gradient, centre)


def _master(rank: Rank) -> Generator[Operation, Any, None]:
    centre = rank.centre()
    for worker in rank.turns():
        yield rank.send(centre, to=worker)
        replica = yield rank.receive(worker)
        yield rank.apply(rules.elastic_centre, centre, replica)


ORIGINAL_EASGD = Algorithm(
    name="original-easgd",
    title="Round-robin elastic averaging: the CPU master meets one worker after the other",
    source="You, Buluç, Demmel, SC'17, section 4 (Original EASGD); Zhang, Choromanska, LeCun, NIPS 2015",
    worker=_worker,
    master=_master,
    weight_copies=2,
    options=(Option("overlap", True, "workers copy batches and compute while others have their turn at the master"),),
)
