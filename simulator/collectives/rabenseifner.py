"""Rabenseifner's algorithms: recursive halving to reduce, recursive doubling to spread.

An all-reduce takes 2 log2 P rounds and sends 2(P - 1)/P · n from each rank, the least possible, when P is a power of
two. Otherwise the ranks are folded first, which costs 2(α + nβ) more. The root of a reduce collects the chunks along a
binomial tree, and the broadcast is its mirror image.
"""

from __future__ import annotations

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.binomial_tree import gather_rounds, scatter_rounds
from simulator.collectives.fold import Fold, doubling_rounds, fold, halving_rounds
from simulator.collectives.rounds import Rounds, bounds, placed, rotation, together
from simulator.collectives.transfer import Round

__all__ = ["RABENSEIFNER", "all_reduce", "broadcast", "reduce", "reduce_scatter"]


def all_reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Recursive halving, then recursive doubling."""
    folded = fold(ranks)
    cut = bounds(elements, len(folded.core))
    exchange = halving_rounds(cut) + doubling_rounds(cut)
    return [_fold_in(folded, elements), *placed(exchange, folded.core), _fold_out(folded, elements)]


def reduce(ranks: int, elements: int, root: int) -> Rounds:
    """Recursive halving, then a gather at the root."""
    folded = fold(ranks)
    cut = bounds(elements, len(folded.core))
    exchange = halving_rounds(cut) + gather_rounds(cut)
    return placed([_fold_in(folded, elements), *placed(exchange, folded.core)], rotation(ranks, root))


def broadcast(ranks: int, elements: int, root: int) -> Rounds:
    """A scatter from the root, then recursive doubling."""
    folded = fold(ranks)
    cut = bounds(elements, len(folded.core))
    exchange = scatter_rounds(cut) + doubling_rounds(cut)
    return placed([*placed(exchange, folded.core), _fold_out(folded, elements)], rotation(ranks, root))


def reduce_scatter(ranks: int, elements: int, root: int) -> Rounds:
    """Recursive halving; a core member reduces its partner's chunk with its own and sends it over."""
    folded = fold(ranks)
    cut = bounds(elements, ranks)
    core_cut = np.append(cut[folded.core], elements)
    hand_over = together(folded.partners, folded.extras, cut[folded.extras], cut[folded.extras + 1], False)
    return [_fold_in(folded, elements), *placed(halving_rounds(core_cut), folded.core), hand_over]


def _fold_in(folded: Fold, elements: int) -> Round:
    return together(folded.extras, folded.partners, 0, elements, True)


def _fold_out(folded: Fold, elements: int) -> Round:
    return together(folded.partners, folded.extras, 0, elements, False)


RABENSEIFNER = Algorithm(
    "rabenseifner",
    "recursive halving and doubling; least bytes in few rounds, best when the ranks are a power of two",
    "Rabenseifner, ICCS 2004; Thakur, Rabenseifner, Gropp, Int. J. High Perform. Comput. Appl. 19, 2005",
    {"broadcast": broadcast, "reduce": reduce, "all_reduce": all_reduce, "reduce_scatter": reduce_scatter},
)
