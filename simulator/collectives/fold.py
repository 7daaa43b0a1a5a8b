"""Folding any number of ranks onto a power of two, for algorithms that exchange with the rank whose bit differs.

With P = 2^k + r ranks, ranks 2j and 2j + 1 for j < r form a pair; the odd one hands its part to the even one, sits the
exchange out, and gets the result back. The 2^k that stay are the core; core member j stands for a contiguous range of
ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.collectives.rounds import Rounds, together
from simulator.collectives.transfer import Integers

__all__ = ["Fold", "doubling_rounds", "fold", "halving_rounds"]


@dataclass(frozen=True, eq=False)
class Fold:
    """The ranks that take part in the exchange, and the extra ranks that do not, with their partners that do.

    `core[j]` stands for the ranks from itself up to, but without, `core[j + 1]`; `partners[i]` for ``extras[i]`` too.
    """

    core: Integers
    extras: Integers
    partners: Integers


def fold(ranks: int) -> Fold:
    """Fold `ranks` >= 1 ranks.

    Examples
    --------
    >>> fold(6)
    Fold(core=array([0, 2, 4, 5]), extras=array([1, 3]), partners=array([0, 2]))
    """
    size = 1 << (ranks.bit_length() - 1)
    partners = 2 * np.arange(ranks - size)
    return Fold(np.append(partners, np.arange(2 * len(partners), ranks)), partners + 1, partners)


def halving_rounds(cut: Integers) -> Rounds:
    """Recursive halving: reduce-scatter among 2^k members; member j ends with the sum of chunk j.

    Partners are far apart first. Each round a member sends the half of its range that its partner keeps.
    """
    members = np.arange(len(cut) - 1)
    rounds = []
    half = len(members) // 2
    while half:
        partners = members ^ half
        kept = partners // half * half  # first of the chunks that the partner keeps
        rounds.append(together(members, partners, cut[kept], cut[kept + half], True))
        half //= 2
    return rounds


def doubling_rounds(cut: Integers) -> Rounds:
    """Recursive doubling: all-gather among 2^k members; member j starts with chunk j. Partners are near first."""
    members = np.arange(len(cut) - 1)
    rounds = []
    span = 1
    while span < len(members):
        own = members // span * span  # first of the chunks that the member has
        rounds.append(together(members, members ^ span, cut[own], cut[own + span], False))
        span *= 2
    return rounds
