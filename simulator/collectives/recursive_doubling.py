"""Recursive doubling: in round k every rank exchanges all it has with the rank whose k-th bit differs.

The fewest rounds, ⌊log2 P⌋ (two more when P is not a power of two, for the fold). An all-reduce sends the whole array
in every round, so it is for short messages; an all-gather sends no more than it must when P is a power of two.
"""

from __future__ import annotations

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.fold import doubling_rounds, fold
from simulator.collectives.rounds import Rounds, bounds, placed
from simulator.collectives.schedule import Transfer

__all__ = ["RECURSIVE_DOUBLING", "all_gather", "all_reduce"]


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Partners send each other their sums so far, and add."""
    folded = fold(ranks)
    size = len(folded.core)
    exchange = [
        [Transfer(member, member ^ (1 << power), 0, elements, True) for member in range(size)]
        for power in range(size.bit_length() - 1)
    ]
    return [
        [Transfer(extra, partner, 0, elements, True) for extra, partner in folded.pairs],
        *placed(exchange, folded.core),
        [Transfer(partner, extra, 0, elements, False) for extra, partner in folded.pairs],
    ]


def all_gather(ranks: int, elements: int, root: int) -> Rounds:
    """Partners send each other the chunks that they have."""
    folded = fold(ranks)
    cut = bounds(elements, ranks)
    core_cut = [cut[rank] for rank in folded.core] + [elements]
    return [
        [Transfer(extra, partner, cut[extra], cut[extra + 1], False) for extra, partner in folded.pairs],
        *placed(doubling_rounds(core_cut), folded.core),
        [Transfer(partner, extra, 0, elements, False) for extra, partner in folded.pairs],
    ]


RECURSIVE_DOUBLING = Algorithm(
    "recursive-doubling",
    "partners at distance 1, 2, 4, ... exchange all they have; fewest rounds",
    "Thakur, Rabenseifner, Gropp, Int. J. High Perform. Comput. Appl. 19, 2005",
    {"all_reduce": all_reduce, "all_gather": all_gather},
)
