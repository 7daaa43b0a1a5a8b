"""Closed forms: the time of a collective when messages do not slow one another down and additions are free.

Below, P ranks hold n elements each, t(m) = α + mβ is one message of m elements (nothing when m = 0), c = ⌈n/P⌉,
Q = 2^⌊log2 P⌋, q = ⌈n/Q⌉, and [fold] = 0 when P = Q, else 1. The forms are those of Thakur, Rabenseifner and Gropp
(*Int. J. High Perform. Comput. Appl.* 19, 2005), of Patarasuk and Yuan (*J. Parallel Distrib. Comput.* 69, 2009) for
the ring, and of Sanders, Speck and Träff (*Parallel Computing* 35, 2009) for the pipelined chain, written for whole
elements and any P, so that they hold exactly for the schedules here. The last chunks being shorter never matters, as
the first ones are full and on the critical path.

There is no closed form here for the double binary tree (about nβ and O(log P) rounds for a broadcast, twice that for an
all-reduce), for hierarchies, and for broadcast and reduce over a ring when P is not a power of two; use
`simulator.collectives.timing` for those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from types import MappingProxyType

from simulator.collectives.chain import SEGMENT_ELEMENTS
from simulator.collectives.fold import fold
from simulator.collectives.registry import algorithms
from simulator.collectives.rounds import bounds, ceil_log2
from simulator.errors import UnknownNameError

__all__ = ["closed_form", "with_closed_form"]


@dataclass(frozen=True)
class _Case:
    """One collective on one network."""

    ranks: int
    elements: int
    latency: float
    per_element: float
    segment_elements: int

    def message(self, elements: int) -> float:
        """t(m)."""
        return self.latency + elements * self.per_element if elements else 0.0

    @cached_property
    def whole(self) -> float:
        """t(n)."""
        return self.message(self.elements)

    @cached_property
    def rank_cut(self) -> list[int]:
        """Where the chunks of P ranks begin."""
        return list(map(int, bounds(self.elements, self.ranks)))

    @cached_property
    def core_cut(self) -> list[int]:
        """Where the chunks of Q core members begin."""
        return list(map(int, bounds(self.elements, 1 << (self.ranks.bit_length() - 1))))

    @cached_property
    def folded_cut(self) -> list[int]:
        """Where the chunks of P ranks begin that each of the Q core members stands for."""
        return [self.rank_cut[rank] for rank in fold(self.ranks).core] + [self.elements]

    @property
    def folded(self) -> bool:
        """Whether P is not a power of two."""
        return self.ranks & (self.ranks - 1) != 0


def _linear(case: _Case) -> float:
    """(P - 1) t(n)."""
    return (case.ranks - 1) * case.whole


def _linear_chunks(case: _Case) -> float:
    """(P - 1) t(c)."""
    return (case.ranks - 1) * case.message(case.rank_cut[1])


def _tree(case: _Case) -> float:
    """⌈log2 P⌉ t(n)."""
    return ceil_log2(case.ranks) * case.whole


def _pipeline(case: _Case) -> float:
    """(P + S - 3) t(m) + t(n - (S - 1) m), with S = ⌈n/m⌉ segments of m."""
    segment = min(case.segment_elements, case.elements)
    count = -(-case.elements // segment)
    rest = case.elements - (count - 1) * segment
    return (case.ranks + count - 3) * case.message(segment) + case.message(rest)


def _gather(case: _Case, cut: list[int]) -> float:
    """Σ t(chunks d to 2d) over d = 1, 2, 4, …: what rank 0 of a binomial tree receives, or sends in a scatter."""
    members = len(cut) - 1
    distances = (1 << power for power in range(ceil_log2(members)))
    return sum(case.message(cut[min(2 * distance, members)] - cut[distance]) for distance in distances)


def _exchange(case: _Case, cut: list[int]) -> float:
    """Σ t(first d chunks) over d = 1, 2, …, Q/2: recursive doubling, or halving in the opposite order."""
    distances = (1 << power for power in range(ceil_log2(len(cut) - 1)))
    return sum(case.message(cut[distance]) for distance in distances)


def _all_reduce_by_doubling(case: _Case) -> float:
    """(⌊log2 P⌋ + 2 [fold]) t(n)."""
    return (case.ranks.bit_length() - 1 + 2 * case.folded) * case.whole


def _all_gather_by_doubling(case: _Case) -> float:
    """[fold] t(c) + Σ t(chunks) + [fold] t(n)."""
    hand_in = case.message(case.rank_cut[2] - case.rank_cut[1]) if case.folded else 0.0
    return hand_in + _exchange(case, case.folded_cut) + case.folded * case.whole


def _reduce_scatter_by_halving(case: _Case) -> float:
    """[fold] t(n) + Σ t(chunks) + [fold] t(c)."""
    hand_over = case.message(case.rank_cut[2] - case.rank_cut[1]) if case.folded else 0.0
    return case.folded * case.whole + _exchange(case, case.folded_cut) + hand_over


def _scatter_and_exchange(case: _Case) -> float:
    """Σ t(halves) twice, once for the scatter or gather and once for the exchange, + [fold] t(n)."""
    return _gather(case, case.core_cut) + _exchange(case, case.core_cut) + case.folded * case.whole


_ROOTED: Mapping[str, Callable[[_Case], float]] = {
    "flat": _linear,
    "binomial-tree": _tree,
    "chain": _pipeline,
    "rabenseifner": _scatter_and_exchange,
}

#: By collective, then algorithm.
_FORMS: Mapping[str, Mapping[str, Callable[[_Case], float]]] = MappingProxyType(
    {
        "broadcast": _ROOTED,
        "reduce": _ROOTED,
        "all_reduce": {
            "flat": lambda case: 2 * _linear(case),
            "binomial-tree": lambda case: 2 * _tree(case),
            "chain": lambda case: 2 * _pipeline(case),
            "recursive-doubling": _all_reduce_by_doubling,
            "rabenseifner": lambda case: 2 * (_exchange(case, case.core_cut) + case.folded * case.whole),
            "ring": lambda case: 2 * _linear_chunks(case),
        },
        "reduce_scatter": {
            "flat": _linear_chunks,
            "binomial-tree": lambda case: _tree(case) + _gather(case, case.rank_cut),
            "rabenseifner": _reduce_scatter_by_halving,
            "ring": _linear_chunks,
        },
        "all_gather": {
            "flat": _linear_chunks,
            "binomial-tree": lambda case: _gather(case, case.rank_cut) + _tree(case),
            "recursive-doubling": _all_gather_by_doubling,
            "ring": _linear_chunks,
        },
    }
)


def with_closed_form(collective: str) -> list[str]:
    """Names of the algorithms whose time `closed_form` knows.

    Raises
    ------
    UnknownNameError
        If there is no such collective.
    """
    return [name for name in algorithms(collective) if name in _FORMS[collective]]


def closed_form(
    collective: str,
    algorithm: str,
    ranks: int,
    size: float,
    latency: float,
    bandwidth: float,
    *,
    element_size: int = 4,
    segment_elements: int = SEGMENT_ELEMENTS,
) -> float:
    """Time [s] of a collective without contention, additions free.

    Parameters
    ----------
    collective, algorithm : str
        One that `with_closed_form` lists.
    ranks : int
        P >= 1.
    size : float
        Bytes of the array that each rank holds in the end (for an all-gather: of all chunks together).
    latency, bandwidth : float
        α [s] and 1/β [B/s] of every message.
    element_size : int
        Bytes of one element; chunks are whole elements. 4 is single precision.
    segment_elements : int
        For the chain.

    Raises
    ------
    UnknownNameError
        If there is no such collective, or no closed form for the algorithm.

    Examples
    --------
    2(P - 1)(α + n/P β) for the ring:

    >>> closed_form("all_reduce", "ring", ranks=4, size=1600.0, latency=1.0, bandwidth=400.0)
    12.0
    """
    known = with_closed_form(collective)
    if algorithm not in known:
        raise UnknownNameError(f"closed form of {collective}", algorithm, known)
    elements = ceil(size / element_size)
    if ranks == 1 or elements == 0:
        return 0.0
    case = _Case(ranks, elements, latency, element_size / bandwidth, segment_elements)
    return _FORMS[collective][algorithm](case)
