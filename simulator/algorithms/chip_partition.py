"""Groups of cores inside one chip, each with its own weights and data (You et al. 2017, partition of a KNL chip).

Every group computes the gradient of its own batch; a tree reduction sums the gradients through the chip's memory, every
group gets the sum and updates its own copy of the weights. That is synchronous SGD whose workers are the groups, so P
groups of batch b learn what one with batch P b would. ``cluster.partitions`` says how many groups there are.
"""

from __future__ import annotations

from dataclasses import replace

from simulator.algorithms.registry import Option
from simulator.algorithms.sync_sgd import SYNC_SGD

__all__ = ["CHIP_PARTITION"]

CHIP_PARTITION = replace(
    SYNC_SGD,
    name="chip-partition",
    title="Groups of cores inside one chip: own weights and data each, gradients summed over a tree",
    source="You, Buluç, Demmel, SC'17, partition of a KNL chip into groups",
    collectives={"all_reduce": "binomial-tree"},
    options=(Option("data_copies", True, "every group keeps a copy of the data set in the chip's memory"),),
)
