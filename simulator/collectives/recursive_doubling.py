"""Recursive doubling: in round k every rank exchanges all it has with the rank whose k-th bit differs.

The fewest rounds, ⌊log2 P⌋ (two more when P is not a power of two, for the fold). An all-reduce sends the whole array
in every round, so it is for short messages; an all-gather sends no more than it must when P is a power of two.
"""

from __future__ import annotations

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.fold import doubling_rounds, fold
from simulator.collectives.rounds import Rounds, bounds, placed, together

__all__ = ["RECURSIVE_DOUBLING", "all_gather", "all_reduce"]


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Partners send each other their sums so far, and add."""
    folded = fold(ranks)
    members = np.arange(len(folded.core))
    distances = [1 << power for power in range(len(members).bit_length() - 1)]
    exchange = [together(members, members ^ distance, 0, elements, True) for distance in distances]
    return [
        together(folded.extras, folded.partners, 0, elements, True),
        *placed(exchange, folded.core),
        together(folded.partners, folded.extras, 0, elements, False),
    ]


def all_gather(ranks: int, elements: int, root: int) -> Rounds:
    """Partners send each other the chunks that they have."""
    folded = fold(ranks)
    cut = bounds(elements, ranks)
    core_cut = np.append(cut[folded.core], elements)
    return [
        together(folded.extras, folded.partners, cut[folded.extras], cut[folded.extras + 1], False),
        *placed(doubling_rounds(core_cut), folded.core),
        together(folded.partners, folded.extras, 0, elements, False),
    ]


RECURSIVE_DOUBLING = Algorithm(
    "recursive-doubling",
    "partners at distance 1, 2, 4, ... exchange all they have; fewest rounds",
    "Thakur, Rabenseifner, Gropp, Int. J. High Perform. Comput. Appl. 19, 2005",
    {"all_reduce": all_reduce, "all_gather": all_gather},
)
