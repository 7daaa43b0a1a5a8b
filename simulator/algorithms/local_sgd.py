"""Local SGD and DiLoCo: replicas train on their own and are brought together every τ steps.

Local SGD (Stich 2019) replaces every replica by the mean of all. DiLoCo (Douillard et al. 2023) takes the way from
where all started to that mean for a gradient, and steps along it with Nesterov's momentum; its replicas train with
AdamW, whose moments stay with the worker.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from simulator.algorithms import rules, rules_local
from simulator.algorithms.holdings import Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import PERIOD, Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["DILOCO", "LOCAL_SGD"]

Steps = Generator[Operation, Any, None]


def _averaging(rank: Rank) -> Steps:
    replica = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        yield rank.apply(rules.gradient_step, replica, gradient)
        if rank.due(rank.options["period"]):
            total = yield rank.all_reduce(replica)
            yield rank.apply(rules_local.average, replica, total, contributions=len(rank.workers))


def _outer_and_inner(rank: Rank) -> Steps:
    options = rank.options
    replica, start, velocity = rank.replica(), rank.centre(), rank.zeros("velocity")
    mean, square = rank.zeros("mean"), rank.zeros("square")
    outer = {"rate": options["outer_rate"], "momentum": options["outer_momentum"]}
    for step in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(replica, batch)
        if options["inner"] == "adamw":
            inner = {"count": step + 1, "weight_decay": options["weight_decay"]}
            yield rank.apply(rules_local.adamw_step, replica, mean, square, gradient, **inner)
        else:
            yield rank.apply(rules.gradient_step, replica, gradient)
        if rank.due(options["period"]):
            total = yield rank.all_reduce(replica)
            parts = {"contributions": len(rank.workers), **outer}
            yield rank.apply(rules_local.outer_step, replica, start, velocity, total, **parts)


def _diloco_holds(situation: Situation) -> Holdings:
    """Where all started, the outer velocity, and the moments of an inner AdamW."""
    return Holdings(copies=1.0, optimizer=3.0 if situation.options["inner"] == "adamw" else 1.0)


LOCAL_SGD = Algorithm(
    name="local-sgd",
    title="SGD on each worker's own replica; every few steps all take the mean",
    source="Stich, Local SGD converges fast and communicates little, ICLR 2019",
    worker=_averaging,
    learns="replica",
    holds=Holdings(),  # the sum arrives when the gradient is done with
    collectives={"all_reduce": "auto"},
    options=(replace(PERIOD, default=8),),
)

DILOCO = Algorithm(
    name="diloco",
    title="AdamW on each worker's own replica; every few hundred steps an outer Nesterov step along their mean",
    source="Douillard et al., DiLoCo: distributed low-communication training of language models, 2023",
    worker=_outer_and_inner,
    learns="replica",
    holds=_diloco_holds,
    collectives={"all_reduce": "auto"},
    options=(
        Option("period", 500, "inner steps from one outer step to the next", least=1),
        Option("inner", "adamw", "optimizer of the replicas", choices=("adamw", "sgd")),
        Option("weight_decay", 0.1, "of the inner AdamW", least=0),
        Option("outer_rate", 0.7, "learning rate of the outer step", least=0),
        Option("outer_momentum", 0.9, "of the outer step", least=0, most=1),
    ),
)
