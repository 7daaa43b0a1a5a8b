"""Rings: every rank talks to its two neighbours only, one chunk a round.

Reduce-scatter and all-gather take P - 1 rounds of n/P; an all-reduce is one after the other, and sends 2(P - 1)/P · n
from each rank, which no algorithm without in-network reduction beats. Best for long messages on few ranks; the latency
grows with P.
"""

from __future__ import annotations

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.binomial_tree import gather_rounds, scatter_rounds
from simulator.collectives.rounds import Rounds, bounds, placed, rotation
from simulator.collectives.transfer import Integers, Round

__all__ = [
    "RING",
    "all_gather",
    "all_gather_rounds",
    "all_reduce",
    "all_reduce_rounds",
    "broadcast",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_rounds",
]


def reduce_scatter_rounds(first: Integers, last: Integers, stride: int = 1) -> Rounds:
    """Chunk i, elements [first[i], last[i]), sets out from rank i + 1 and collects sums on its way round to rank i.

    With a `stride`, as many rings side by side: rank i passes on to rank i + stride.
    """
    return _rounds(first, last, stride, ahead=1, reduce=True)


def all_gather_rounds(first: Integers, last: Integers, stride: int = 1) -> Rounds:
    """Chunk i sets out from rank i and is left at every rank on its way round; `stride` as above."""
    return _rounds(first, last, stride, ahead=0, reduce=False)


def all_reduce_rounds(first: Integers, last: Integers, stride: int = 1) -> Rounds:
    """Reduce-scatter, then all-gather."""
    return reduce_scatter_rounds(first, last, stride) + all_gather_rounds(first, last, stride)


def _rounds(first: Integers, last: Integers, stride: int, ahead: int, reduce: bool) -> Rounds:
    """In round k, rank i passes on the chunk of the rank k + `ahead` strides behind it.

    So the chunks of a round are those of all ranks in turn, begun elsewhere on the ring: a window on two turns.
    """
    ranks = len(first)
    source = np.arange(ranks)
    destination = np.roll(source, -stride)
    turns = np.tile(first, 2), np.tile(last, 2)
    flags = np.full(ranks, reduce)
    behind = range(ahead * stride, ahead * stride + ranks - stride, stride)
    windows = [slice(ranks - distance, 2 * ranks - distance) for distance in behind]
    return [Round(source, destination, turns[0][window], turns[1][window], flags) for window in windows]


def reduce_scatter(ranks: int, elements: int, root: int) -> Rounds:
    """P - 1 rounds of one chunk."""
    cut = bounds(elements, ranks)
    return reduce_scatter_rounds(cut[:-1], cut[1:])


def all_gather(ranks: int, elements: int, root: int) -> Rounds:
    """P - 1 rounds of one chunk."""
    cut = bounds(elements, ranks)
    return all_gather_rounds(cut[:-1], cut[1:])


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce-scatter, then all-gather."""
    cut = bounds(elements, ranks)
    return all_reduce_rounds(cut[:-1], cut[1:])


def broadcast(ranks: int, elements: int, root: int) -> Rounds:
    """Scatter along a binomial tree, then all-gather round the ring (van de Geijn)."""
    cut = bounds(elements, ranks)
    return placed(scatter_rounds(cut) + all_gather_rounds(cut[:-1], cut[1:]), rotation(ranks, root))


def reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce-scatter round the ring, then gather along a binomial tree."""
    cut = bounds(elements, ranks)
    return placed(reduce_scatter_rounds(cut[:-1], cut[1:]) + gather_rounds(cut), rotation(ranks, root))


RING = Algorithm(
    "ring",
    "chunks travel round a ring of neighbours; least bytes, latency grows with the ranks",
    "Patarasuk, Yuan, J. Parallel Distrib. Comput. 69, 2009; broadcast: Barnett et al., IPPS 1994",
    {
        "broadcast": broadcast,
        "reduce": reduce,
        "all_reduce": all_reduce,
        "all_gather": all_gather,
        "reduce_scatter": reduce_scatter,
    },
)
