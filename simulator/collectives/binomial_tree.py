"""Binomial trees: ⌈log2 P⌉ rounds, in each of which every rank that has the data passes it on.

The farthest rank is served first, so that every subtree is a contiguous range of ranks: the last and most numerous
messages stay between neighbours, and a gather or scatter moves contiguous elements. Good for short messages, as the
whole array travels in each round.
"""

from __future__ import annotations

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.rounds import Rounds, bounds, ceil_log2, mirrored, placed, rotation, together
from simulator.collectives.transfer import Integers

__all__ = [
    "BINOMIAL_TREE",
    "all_gather",
    "all_reduce",
    "broadcast",
    "gather_rounds",
    "reduce",
    "reduce_scatter",
    "scatter_rounds",
]


def broadcast(ranks: int, elements: int, root: int) -> Rounds:
    """Ranks that are multiples of 2d, counted from the root, send to the rank d further on; d halves each round."""
    distances = [1 << power for power in reversed(range(ceil_log2(ranks)))]
    rounds = []
    for distance in distances:
        senders = np.arange(0, ranks - distance, 2 * distance)
        rounds.append(together(senders, senders + distance, 0, elements, False))
    return placed(rounds, rotation(ranks, root))


def reduce(ranks: int, elements: int, root: int) -> Rounds:
    """The broadcast backwards."""
    return mirrored(broadcast(ranks, elements, root), reduce=True)


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce to the root, then broadcast from it."""
    return reduce(ranks, elements, root) + broadcast(ranks, elements, root)


def gather_rounds(cut: Integers) -> Rounds:
    """Chunk i, elements [cut[i], cut[i+1]), goes from rank i to rank 0."""
    ranks = len(cut) - 1
    rounds = []
    for distance in (1 << power for power in range(ceil_log2(ranks))):
        receivers = np.arange(0, ranks - distance, 2 * distance)
        senders = receivers + distance
        rounds.append(together(senders, receivers, cut[senders], cut[np.minimum(senders + distance, ranks)], False))
    return rounds


def scatter_rounds(cut: Integers) -> Rounds:
    """Chunk i goes from rank 0 to rank i."""
    return mirrored(gather_rounds(cut), reduce=False)


def all_gather(ranks: int, elements: int, root: int) -> Rounds:
    """Gather at rank 0, then broadcast."""
    return gather_rounds(bounds(elements, ranks)) + broadcast(ranks, elements, 0)


def reduce_scatter(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce to rank 0, then scatter."""
    return reduce(ranks, elements, 0) + scatter_rounds(bounds(elements, ranks))


BINOMIAL_TREE = Algorithm(
    "binomial-tree",
    "the ranks that have the data double each round; few, long messages",
    "Thakur, Rabenseifner, Gropp, Int. J. High Perform. Comput. Appl. 19, 2005",
    {
        "broadcast": broadcast,
        "reduce": reduce,
        "all_reduce": all_reduce,
        "all_gather": all_gather,
        "reduce_scatter": reduce_scatter,
    },
)
