"""SGD with momentum as data-parallel frameworks run it: gradients are all-reduced in buckets as the backward pass goes.

The backward pass gives the gradients of the last layers first. As soon as those of a bucket are there, its all-reduce
begins, while the pass goes on; buckets follow one another on the network. The update waits for the last of them. As in
PyTorch's DistributedDataParallel (Li et al. 2020) the first bucket is small, so that the network gets to work early.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["DDP_MSGD"]

_MEBIBYTE = 1024 * 1024


def _worker(rank: Rank) -> Generator[Operation, Any, None]:
    weights, velocity = rank.replica(), rank.zeros("velocity")
    buckets = rank.buckets(rank.options["bucket_bytes"], first=rank.options["first_bucket_bytes"])
    for _ in rank.steps():
        batch = yield rank.load_batch()
        activations = yield rank.forward(weights, batch)
        reducing = []
        for bucket in buckets:
            part = yield rank.backward(activations, bucket)
            reducing.append((yield rank.start(rank.all_reduce(part))))
        total = rank.whole("total", (yield rank.join(*reducing)))
        yield rank.apply(rules.momentum_step, weights, velocity, total, contributions=len(rank.workers))


DDP_MSGD = Algorithm(
    name="ddp-msgd",
    title="SGD with momentum; gradients all-reduced in buckets while the backward pass goes on",
    source="Li et al., PyTorch Distributed: experiences on accelerating data parallel training, VLDB 2020",
    worker=_worker,
    learns="replica",
    holds=Holdings(optimizer=1.0, messages=1.0),
    collectives={"all_reduce": "auto"},
    options=(
        Option("bucket_bytes", 25 * _MEBIBYTE, "bytes of gradients from which a bucket is full", least=1),
        Option("first_bucket_bytes", _MEBIBYTE, "the same for the first bucket of a step", least=1),
    ),
)
