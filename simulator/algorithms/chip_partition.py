"""Groups of cores inside one chip, each with its own weights and data (You et al. 2017, partition of a KNL chip).

Every group computes the gradient of its own batch; a tree reduction sums the gradients through the chip's memory, every
group gets the sum and updates its own copy of the weights. So P groups of batch b learn what one with batch P b would.
``cluster.partitions`` says how many groups there are; with one, this is plain SGD on the whole chip.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["CHIP_PARTITION"]


def _group(rank: Rank) -> Generator[Operation, Any, None]:
    weights = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        total = yield rank.all_reduce(gradient)
        yield rank.apply(rules.gradient_step, weights, total, contributions=len(rank.workers))


CHIP_PARTITION = Algorithm(
    name="chip-partition",
    title="Groups of cores inside one chip: own weights and data each, gradients summed over a tree",
    source="You, Buluç, Demmel, SC'17, partition of a KNL chip into groups",
    worker=_group,
    learns="replica",
    collectives={"all_reduce": "binomial-tree"},
    options=(Option("data_copies", True, "every group keeps a copy of the data set in the chip's memory"),),
)
