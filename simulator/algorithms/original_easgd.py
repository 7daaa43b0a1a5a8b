"""Original EASGD: a master on the CPU meets the workers in strict rotation (You et al. 2017, after Zhang et al. 2015).

At turn t only worker t mod P exchanges weights with the master, so P exchanges follow one another where the
synchronous versions need one tree: P (α + |W| β) instead of log P (α + |W| β). Layers travel one by one unless the
scenario packs them; packing came with the synchronous versions. With a `period` τ (Zhang et al. 2015) a worker meets
the master in every τ-th of its steps, and takes steps of plain SGD in between.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import PERIOD, Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["ORIGINAL_EASGD"]


def _worker(rank: Rank) -> Generator[Operation, Any, None]:
    replica = rank.replica()
    for _ in rank.steps():
        if not rank.due(rank.options["period"]):
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
            yield rank.apply(rules.gradient_step, replica, gradient)
            continue
        if rank.options["overlap"]:  # neither transfer needs the gradient: both proceed while it is computed
            receiving = yield rank.start(rank.receive(rank.master))
            sending = yield rank.start(rank.send(replica, to=rank.master))
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
            centre, _ = yield rank.join(receiving, sending)
        else:
            centre = yield rank.receive(rank.master)
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
            yield rank.send(replica, to=rank.master)
        yield rank.apply(rules.elastic_worker, replica, gradient, centre)


def _master(rank: Rank) -> Generator[Operation, Any, None]:
    centre = rank.centre()
    for worker in rank.turns(every=rank.options["period"]):
        yield rank.send(centre, to=worker)
        replica = yield rank.receive(worker)
        yield rank.apply(rules.elastic_centre, centre, replica)


ORIGINAL_EASGD = Algorithm(
    name="original-easgd",
    title="Round-robin elastic averaging: the CPU master meets one worker after the other",
    source="You, Buluç, Demmel, SC'17, section 4 (Original EASGD); Zhang, Choromanska, LeCun, NIPS 2015",
    worker=_worker,
    master=_master,
    holds=Holdings(messages=1.0),
    packed=False,
    options=(Option("overlap", True, "transfers proceed while the worker copies its batch and computes"), PERIOD),
)
