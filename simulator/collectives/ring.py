"""Rings: every rank talks to its two neighbours only, one chunk a round.

Reduce-scatter and all-gather take P - 1 rounds of n/P; an all-reduce is one after the other, and sends 2(P - 1)/P · n
from each rank, which no algorithm without in-network reduction beats. Best for long messages on few ranks; the latency
grows with P.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.binomial_tree import gather_rounds, scatter_rounds
from simulator.collectives.rounds import Rounds, bounds, placed, rotation
from simulator.collectives.schedule import Transfer

__all__ = [
    "RING",
    "all_gather",
    "all_gather_rounds",
    "all_reduce",
    "broadcast",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_rounds",
]


def reduce_scatter_rounds(cut: Sequence[int]) -> Rounds:
    """Chunk i, elements [cut[i], cut[i+1]), sets out from rank i + 1 and collects sums on its way round to rank i."""
    ranks = len(cut) - 1
    return [
        [
            Transfer(rank, (rank + 1) % ranks, cut[chunk], cut[chunk + 1], True)
            for rank in range(ranks)
            for chunk in [(rank - step - 1) % ranks]
        ]
        for step in range(ranks - 1)
    ]


def all_gather_rounds(cut: Sequence[int]) -> Rounds:
    """Chunk i sets out from rank i and is left at every rank on its way round."""
    ranks = len(cut) - 1
    return [
        [
            Transfer(rank, (rank + 1) % ranks, cut[chunk], cut[chunk + 1], False)
            for rank in range(ranks)
            for chunk in [(rank - step) % ranks]
        ]
        for step in range(ranks - 1)
    ]


def reduce_scatter(ranks: int, elements: int, root: int) -> Rounds:
    """P - 1 rounds of one chunk."""
    return reduce_scatter_rounds(bounds(elements, ranks))


def all_gather(ranks: int, elements: int, root: int) -> Rounds:
    """P - 1 rounds of one chunk."""
    return all_gather_rounds(bounds(elements, ranks))


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce-scatter, then all-gather."""
    return reduce_scatter(ranks, elements, root) + all_gather(ranks, elements, root)


def broadcast(ranks: int, elements: int, root: int) -> Rounds:
    """Scatter along a binomial tree, then all-gather round the ring (van de Geijn)."""
    cut = bounds(elements, ranks)
    return placed(scatter_rounds(cut) + all_gather_rounds(cut), rotation(ranks, root))


def reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce-scatter round the ring, then gather along a binomial tree."""
    cut = bounds(elements, ranks)
    return placed(reduce_scatter_rounds(cut) + gather_rounds(cut), rotation(ranks, root))


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
