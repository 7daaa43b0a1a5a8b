"""Which algorithm to use when the user leaves it open: named policies, pure functions of the message and the ranks.

`mpich`
    The thresholds that Thakur, Rabenseifner and Gropp give for MPICH (*Int. J. High Perform. Comput. Appl.* 19, 2005;
    recalled, not checked against the text): trees and recursive doubling for short messages, scatter-based for long.
`closed-form`
    The algorithm with the least closed form (`simulator.collectives.costs`) at the given latency and bandwidth.
`auto`
    One rank to a node: `closed-form`. All ranks on one node: `closed-form` up to 512 KiB, and above it `ring` for
    all_reduce, all_gather and reduce_scatter, because on a tree of switches a ring alone crosses each link once in
    each direction, which closed forms, blind to contention, do not see. Several nodes with several ranks each: up to
    512 KiB `hierarchical`, so that the slow network carries few messages. Above, an all-reduce is
    `sharded-hierarchical` when the nodes are equally full, else `hierarchical`; anything else is as for one rank to a
    node, because long messages go by ring or by segments, and ranks numbered node by node cross into a node once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simulator.collectives.costs import closed_form, with_closed_form
from simulator.collectives.registry import algorithms
from simulator.errors import UnknownNameError

__all__ = ["choose", "policies"]

#: Bytes up to which a message counts as short in a hierarchy, and for MPICH's broadcast, all-gather and reduce-scatter.
_LONG_FROM = 512 * 1024
#: Collectives in which a ring moves no more bytes than any other algorithm.
_RINGS = ("all_reduce", "all_gather", "reduce_scatter")
#: The paper's 56 Gb/s FDR InfiniBand, for callers that have no network in mind.
_LATENCY = 0.7e-6
_BANDWIDTH = 5e9


@dataclass(frozen=True)
class _Question:
    collective: str
    ranks: int
    size: float
    ranks_per_node: int
    latency: float
    bandwidth: float


def _mpich(question: _Question) -> str:
    size, ranks = question.size, question.ranks
    power_of_two = ranks & (ranks - 1) == 0
    match question.collective:
        case "broadcast":
            if size < 12 * 1024 or ranks < 8:
                return "binomial-tree"
            return "rabenseifner" if size < _LONG_FROM and power_of_two else "ring"
        case "reduce":
            return "binomial-tree" if size <= 2 * 1024 else "rabenseifner"
        case "all_reduce":
            return "recursive-doubling" if size <= 2 * 1024 else "rabenseifner"
        case "all_gather":
            return "recursive-doubling" if size < _LONG_FROM and power_of_two else "ring"
        case _:
            return "rabenseifner" if size < _LONG_FROM else "flat"


def _closed_form(question: _Question) -> str:
    def time(algorithm: str) -> float:
        return closed_form(
            question.collective, algorithm, question.ranks, question.size, question.latency, question.bandwidth
        )

    return min(with_closed_form(question.collective), key=time)  # the first listed, where equal


def _auto(question: _Question) -> str:
    if question.ranks_per_node > 1 and question.ranks > question.ranks_per_node:
        if question.size <= _LONG_FROM:
            return "hierarchical"
        if question.collective == "all_reduce":
            return "hierarchical" if question.ranks % question.ranks_per_node else "sharded-hierarchical"
    on_one_node = 1 < question.ranks <= question.ranks_per_node
    if on_one_node and question.size > _LONG_FROM and question.collective in _RINGS:
        return "ring"
    return _closed_form(question)


_POLICIES: Mapping[str, Callable[[_Question], str]] = MappingProxyType(
    {"auto": _auto, "closed-form": _closed_form, "mpich": _mpich}
)


def policies() -> list[str]:
    """Names of the policies."""
    return list(_POLICIES)


def choose(
    collective: str,
    ranks: int,
    size: float,
    ranks_per_node: int = 1,
    policy: str = "auto",
    latency: float = _LATENCY,
    bandwidth: float = _BANDWIDTH,
) -> str:
    """The algorithm that a policy uses for a collective.

    Parameters
    ----------
    collective : str
        One of `simulator.collectives.schedule.COLLECTIVES`.
    ranks, ranks_per_node : int
        How many take part, and how many of them share a node; ranks are numbered node by node.
    size : float
        Bytes of the whole array.
    policy : str
        One of `policies`.
    latency, bandwidth : float
        α [s] and 1/β [B/s] of a message between neighbours; by default the paper's FDR InfiniBand.

    Returns
    -------
    str
        A name for `simulator.collectives.registry.schedule`.

    Raises
    ------
    UnknownNameError
        If there is no such collective or policy.

    Examples
    --------
    >>> choose("all_reduce", ranks=16, size=1e3), choose("all_reduce", ranks=7, size=1e8)
    ('recursive-doubling', 'ring')
    """
    algorithms(collective)  # refuses what is not a collective
    if policy not in _POLICIES:
        raise UnknownNameError("policy for collectives", policy, _POLICIES)
    return _POLICIES[policy](_Question(collective, ranks, size, ranks_per_node, latency, bandwidth))
