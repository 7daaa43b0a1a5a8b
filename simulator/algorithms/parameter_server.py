"""Asynchronous SGD and EASGD at a master, with and without a lock (You et al. 2017).

Every worker goes its own pace and meets the master when it is ready. The master serves each worker by a thread of its
own; the threads share the centre. With a lock (`async-*`) they serve one worker at a time, first come, first served.
Without it (`hogwild-*`, after Recht et al. 2011) they serve several at once, and updates that overlap may be lost.

SGD sends a gradient up and gets weights back. EASGD sends the replica up and gets the centre, computing meanwhile;
with a `period` τ (Zhang et al. 2015) in every τ-th step of a worker only, and local steps of SGD in between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import PERIOD, Algorithm, Program
from simulator.algorithms.vocabulary import Operation

__all__ = [
    "ASYNC_EASGD",
    "ASYNC_MEASGD",
    "ASYNC_MSGD",
    "ASYNC_SGD",
    "HOGWILD_EASGD",
    "HOGWILD_SGD",
    "gradient_worker",
]

Steps = Generator[Operation, Any, None]
_LOCK = "centre"


def gradient_worker(rank: Rank) -> Steps:
    """Send a gradient, get the weights: what a worker of a parameter server does."""
    weights = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        yield rank.send(gradient, to=rank.master)
        weights = yield rank.receive(rank.master)


def _gradient_server(locked: bool, momentum: bool = False) -> Program:
    def serve(rank: Rank) -> Steps:
        centre = rank.shared_centre()
        velocity = rank.shared_zeros("velocity") if momentum else None
        for _ in rank.steps():
            gradient = yield rank.receive(rank.client)
            if locked:
                yield rank.acquire(_LOCK)
            if velocity is not None:
                yield rank.apply(rules.momentum_step, centre, velocity, gradient)
            else:
                yield rank.apply(rules.gradient_step, centre, gradient)
            yield rank.send(centre, to=rank.client)
            if locked:
                yield rank.release(_LOCK)

    return serve


def _elastic_worker(momentum: bool) -> Program:
    def work(rank: Rank) -> Steps:
        replica = rank.replica()
        velocity = rank.zeros("velocity") if momentum else None
        for _ in rank.steps():
            if not rank.due(rank.options["period"]):
                batch = yield rank.load_batch()
                gradient = yield rank.gradient(replica, batch)
                if velocity is not None:
                    yield rank.apply(rules.momentum_step, replica, velocity, gradient)
                else:
                    yield rank.apply(rules.gradient_step, replica, gradient)
                continue
            sending = yield rank.start(rank.send(replica, to=rank.master))
            receiving = yield rank.start(rank.receive(rank.master))
            batch = yield rank.load_batch()
            gradient = yield rank.gradient(replica, batch)
            _, centre = yield rank.join(sending, receiving)
            if velocity is not None:
                yield rank.apply(rules.elastic_momentum_worker, replica, velocity, gradient, centre)
            else:
                yield rank.apply(rules.elastic_worker, replica, gradient, centre)

    return work


def _elastic_server(locked: bool) -> Program:
    def serve(rank: Rank) -> Steps:
        centre = rank.shared_centre()
        for _ in rank.steps(every=rank.options["period"]):
            replica = yield rank.receive(rank.client)
            if locked:
                yield rank.acquire(_LOCK)
            yield rank.send(centre, to=rank.client)
            yield rank.apply(rules.elastic_centre, centre, replica)
            if locked:
                yield rank.release(_LOCK)

    return serve


def _server_holds(optimizer: float = 0.0) -> Callable[[Situation], Holdings]:
    """The centre, and what each thread has received."""
    return lambda situation: Holdings(gradients=0.0, optimizer=optimizer, messages=situation.workers)


_PAPER = "You, Buluç, Demmel, SC'17"

ASYNC_SGD = Algorithm(
    name="async-sgd",
    title="Gradients to a master under a lock, first come, first served; weights back",
    source=f"{_PAPER}; Dean et al., NIPS 2012",
    worker=gradient_worker,
    server=_gradient_server(locked=True),
    holds=Holdings(),  # new weights arrive when the gradient has gone
    master_holds=_server_holds(),
)

ASYNC_MSGD = replace(
    ASYNC_SGD,
    name="async-msgd",
    title="As async-sgd, with momentum at the master",
    server=_gradient_server(locked=True, momentum=True),
    master_holds=_server_holds(optimizer=1.0),
)

HOGWILD_SGD = replace(
    ASYNC_SGD,
    name="hogwild-sgd",
    title="As async-sgd without the lock: updates of several workers may overlap and be lost",
    source=f"{_PAPER}; Recht, Re, Wright, Niu, NIPS 2011",
    server=_gradient_server(locked=False),
)

ASYNC_EASGD = Algorithm(
    name="async-easgd",
    title="Replicas to a master under a lock, the centre back, while the worker computes",
    source=f"{_PAPER}; Zhang, Choromanska, LeCun, NIPS 2015",
    worker=_elastic_worker(momentum=False),
    server=_elastic_server(locked=True),
    holds=Holdings(messages=1.0),
    master_holds=_server_holds(),
    options=(PERIOD,),
)

ASYNC_MEASGD = replace(
    ASYNC_EASGD,
    name="async-measgd",
    title="As async-easgd, with momentum at the workers",
    worker=_elastic_worker(momentum=True),
    holds=Holdings(optimizer=1.0, messages=1.0),
)

HOGWILD_EASGD = replace(
    ASYNC_EASGD,
    name="hogwild-easgd",
    title="As async-easgd without the lock: updates of several workers may overlap and be lost",
    server=_elastic_server(locked=False),
)
