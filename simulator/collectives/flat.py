"""Flat (linear) algorithms: everybody deals with everybody directly, one after the other.

The root of a broadcast sends to the other ranks in turn, (P - 1)(α + nβ): what a parameter server without a tree does.
In all-gather and reduce-scatter, round k pairs rank i with rank i + k, so that every link carries one chunk at a time.
"""

from __future__ import annotations

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.rounds import Rounds, bounds, rotation, together

__all__ = ["FLAT", "all_gather", "all_reduce", "broadcast", "reduce", "reduce_scatter"]


def broadcast(ranks: int, elements: int, root: int) -> Rounds:
    """The root sends everything to one rank after the other."""
    members = rotation(ranks, root)
    return [together(members[:1], members[rank : rank + 1], 0, elements, False) for rank in range(1, ranks)]


def reduce(ranks: int, elements: int, root: int) -> Rounds:
    """The root receives everything from one rank after the other."""
    members = rotation(ranks, root)
    return [together(members[rank : rank + 1], members[:1], 0, elements, True) for rank in range(1, ranks)]


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Reduce to the root, then broadcast from it."""
    return reduce(ranks, elements, root) + broadcast(ranks, elements, root)


def all_gather(ranks: int, elements: int, root: int) -> Rounds:
    """Each rank sends its chunk to every other rank, to the nearest in rank order first."""
    cut, everyone = bounds(elements, ranks), np.arange(ranks)
    turns = np.tile(everyone, 2)
    return [together(everyone, turns[step : step + ranks], cut[:-1], cut[1:], False) for step in range(1, ranks)]


def reduce_scatter(ranks: int, elements: int, root: int) -> Rounds:
    """Each rank receives its chunk from every other rank (pairwise exchange)."""
    cut, everyone = bounds(elements, ranks), np.arange(ranks)
    turns = np.tile(everyone, 2)
    return [
        together(turns[ranks - step : 2 * ranks - step], everyone, cut[:-1], cut[1:], True) for step in range(1, ranks)
    ]


FLAT = Algorithm(
    "flat",
    "one message after the other, directly between those concerned",
    "Thakur, Rabenseifner, Gropp, Int. J. High Perform. Comput. Appl. 19, 2005",
    {
        "broadcast": broadcast,
        "reduce": reduce,
        "all_reduce": all_reduce,
        "all_gather": all_gather,
        "reduce_scatter": reduce_scatter,
    },
)
