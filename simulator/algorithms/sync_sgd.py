"""Synchronous SGD: every step, the mean of all workers' gradients by all-reduce. The classical baseline."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm
from simulator.algorithms.vocabulary import Operation

__all__ = ["SYNC_SGD"]


def _worker(rank: Rank) -> Generator[Operation, Any, None]:
    weights = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        total = yield rank.all_reduce(gradient)
        yield rank.apply(rules.gradient_step, weights, total, contributions=len(rank.workers))


SYNC_SGD = Algorithm(
    name="sync-sgd",
    title="Synchronous SGD with an all-reduce of gradients",
    source="Chen, Pan, Monga, Bengio, Jozefowicz 2016; the baseline of You, Buluç, Demmel, SC'17",
    worker=_worker,
    learns="replica",
    holds=Holdings(messages=1.0),
    collectives={"all_reduce": "auto"},
)
