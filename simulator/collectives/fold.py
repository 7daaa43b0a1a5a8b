"""Folding any number of ranks onto a power of two, for algorithms that exchange with the rank whose bit differs.

With P = 2^k + r ranks, ranks 2j and 2j + 1 for j < r form a pair; the odd one hands its part to the even one, sits the
exchange out, and gets the result back. The 2^k that stay are the core; core member j stands for a contiguous range of
ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.collectives.rounds import Rounds
from simulator.collectives.schedule import Transfer

__all__ = ["Fold", "doubling_rounds", "fold", "halving_rounds"]


@dataclass(frozen=True)
class Fold:
    """The ranks that take part in the exchange, and the (extra, partner) pairs of those that do not.

    `core[j]` stands for the ranks from itself up to, but without, `core[j + 1]`.
    """

    core: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]


def fold(ranks: int) -> Fold:
    """Fold `ranks` >= 1 ranks.

    Examples
    --------
    >>> fold(6)
    Fold(core=(0, 2, 4, 5), pairs=((1, 0), (3, 2)))
    """
    size = 1 << (ranks.bit_length() - 1)
    extra = ranks - size
    core = tuple(2 * member if member < extra else member + extra for member in range(size))
    return Fold(core, tuple((2 * pair + 1, 2 * pair) for pair in range(extra)))


def halving_rounds(cut: Sequence[int]) -> Rounds:
    """Recursive halving: reduce-scatter among 2^k members; member j ends with the sum of chunk j.

    Partners are far apart first. Each round a member sends the half of its range that its partner keeps.
    """
    members = len(cut) - 1
    rounds = []
    half = members // 2
    while half:
        transfers = []
        for member in range(members):
            partner = member ^ half
            kept = partner // half * half  # first of the chunks that the partner keeps
            transfers.append(Transfer(member, partner, cut[kept], cut[kept + half], True))
        rounds.append(transfers)
        half //= 2
    return rounds


def doubling_rounds(cut: Sequence[int]) -> Rounds:
    """Recursive doubling: all-gather among 2^k members; member j starts with chunk j. Partners are near first."""
    members = len(cut) - 1
    rounds = []
    span = 1
    while span < members:
        transfers = []
        for member in range(members):
            own = member // span * span  # first of the chunks that the member has
            transfers.append(Transfer(member, member ^ span, cut[own], cut[own + span], False))
        rounds.append(transfers)
        span *= 2
    return rounds
