"""Two levels: inside the node, and across nodes.

Ranks are numbered node by node, `ranks_per_node` to a node; the last node may have fewer. One rank of each node, the
leader, speaks for it across nodes, so the slow network carries each node's data once. Inside, binomial trees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.collectives import binomial_tree, rabenseifner, recursive_doubling, ring
from simulator.collectives.algorithm import Algorithm
from simulator.collectives.rounds import Rounds, bounds, in_each, mirrored, placed, side_by_side
from simulator.collectives.transfer import Integers
from simulator.errors import UnknownNameError

__all__ = [
    "HIERARCHICAL",
    "SHORT_ELEMENTS",
    "across_all_reduce",
    "all_gather",
    "all_reduce",
    "broadcast",
    "default_ranks_per_node",
    "reduce",
    "reduce_scatter",
]

#: Up to here an all-reduce across nodes is bound by latency: 16 KiB of single precision.
SHORT_ELEMENTS = 4096

_ACROSS: dict[str, Callable[[int, int, int], Rounds]] = {
    "ring": ring.all_reduce,
    "recursive-doubling": recursive_doubling.all_reduce,
    "rabenseifner": rabenseifner.all_reduce,
    "binomial-tree": binomial_tree.all_reduce,
}


def default_ranks_per_node(ranks: int) -> int:
    """The largest divisor of `ranks` that is at most 8."""
    return max(size for size in range(1, 9) if ranks % size == 0)


def across_all_reduce(name: str, nodes: int, elements: int) -> Callable[[int, int, int], Rounds]:
    """The all-reduce to use across nodes.

    ``"auto"`` is recursive doubling for up to `SHORT_ELEMENTS`; above, Rabenseifner's if the nodes are a power of
    two, else the ring.
    """
    if name == "auto" and elements <= SHORT_ELEMENTS:
        name = "recursive-doubling"
    elif name == "auto":
        name = "ring" if nodes & (nodes - 1) else "rabenseifner"
    if name not in _ACROSS:
        raise UnknownNameError("all-reduce algorithm across nodes", name, ("auto", *_ACROSS))
    return _ACROSS[name]


def broadcast(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """From the root to the leaders, then inside each node; the root leads its own node."""
    nodes = _nodes(ranks, ranks_per_node)
    home = root // len(nodes[0])
    nodes[home] = np.append(root, nodes[home][nodes[home] != root])
    return placed(binomial_tree.broadcast(len(nodes), elements, home), _leaders(nodes)) + _inside(
        nodes, lambda size: binomial_tree.broadcast(size, elements, 0)
    )


def reduce(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """The broadcast backwards."""
    return mirrored(broadcast(ranks, elements, root, ranks_per_node=ranks_per_node), reduce=True)


def all_reduce(
    ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None, across: str = "auto"
) -> Rounds:
    """Reduce to each leader, all-reduce among leaders, broadcast inside each node."""
    nodes = _nodes(ranks, ranks_per_node)
    inside = _inside(nodes, lambda size: binomial_tree.broadcast(size, elements, 0))
    among = across_all_reduce(across, len(nodes), elements)(len(nodes), elements, 0)
    return mirrored(inside, reduce=True) + placed(among, _leaders(nodes)) + inside


def all_gather(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """Gather at each leader, ring of leaders, broadcast inside each node."""
    nodes = _nodes(ranks, ranks_per_node)
    cut, leaders = bounds(elements, ranks), _leaders(nodes)
    gather = _chunks_inside(nodes, cut, binomial_tree.gather_rounds)
    among = placed(ring.all_gather_rounds(cut[leaders], np.append(cut[leaders[1:]], elements)), leaders)
    return gather + among + _inside(nodes, lambda size: binomial_tree.broadcast(size, elements, 0))


def reduce_scatter(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """Reduce to each leader, ring of leaders, scatter inside each node."""
    nodes = _nodes(ranks, ranks_per_node)
    cut, leaders = bounds(elements, ranks), _leaders(nodes)
    inside = _inside(nodes, lambda size: binomial_tree.reduce(size, elements, 0))
    among = placed(ring.reduce_scatter_rounds(cut[leaders], np.append(cut[leaders[1:]], elements)), leaders)
    return inside + among + _chunks_inside(nodes, cut, binomial_tree.scatter_rounds)


def _nodes(ranks: int, ranks_per_node: int | None) -> list[Integers]:
    """The ranks of each node."""
    size = default_ranks_per_node(ranks) if ranks_per_node is None else ranks_per_node
    return [np.arange(first, min(first + size, ranks)) for first in range(0, ranks, size)]


def _leaders(nodes: list[Integers]) -> Integers:
    return np.array([node[0] for node in nodes])


def _inside(nodes: list[Integers], build: Callable[[int], Rounds]) -> Rounds:
    """All nodes at once, each with the rounds that are built for the number of its ranks."""
    full = [node for node in nodes if len(node) == len(nodes[0])]
    rest = nodes[len(full) :]  # the last node, if it has fewer ranks
    parts = [in_each(build(len(group[0])), np.array(group)) for group in (full, rest) if group]
    return side_by_side(parts)


def _chunks_inside(nodes: list[Integers], cut: Integers, build: Callable[[Integers], Rounds]) -> Rounds:
    """The same, with rounds that are built for the chunks of a node's ranks, [cut[i], cut[i+1]) of rank i."""
    return side_by_side([placed(build(cut[node[0] : node[-1] + 2]), node) for node in nodes])


HIERARCHICAL = Algorithm(
    "hierarchical",
    "inside each node, then across nodes among one leader each, then inside again",
    "Karonis et al., IPDPS 2000",
    {
        "broadcast": broadcast,
        "reduce": reduce,
        "all_reduce": all_reduce,
        "all_gather": all_gather,
        "reduce_scatter": reduce_scatter,
    },
)
