"""Two levels: inside the node, and across nodes.

Ranks are numbered node by node, `ranks_per_node` to a node; the last node may have fewer. One rank of each node, the
leader, speaks for it across nodes, so the slow network carries each node's data once. Inside, binomial trees.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.collectives import binomial_tree, rabenseifner, recursive_doubling, ring
from simulator.collectives.algorithm import Algorithm
from simulator.collectives.rounds import Rounds, bounds, mirrored, placed, side_by_side
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
    home = next(index for index, node in enumerate(nodes) if root in node)
    nodes[home] = [root, *(rank for rank in nodes[home] if rank != root)]
    leaders = [node[0] for node in nodes]
    return placed(binomial_tree.broadcast(len(nodes), elements, home), leaders) + side_by_side(
        [placed(binomial_tree.broadcast(len(node), elements, 0), node) for node in nodes]
    )


def reduce(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """The broadcast backwards."""
    return mirrored(broadcast(ranks, elements, root, ranks_per_node=ranks_per_node), reduce=True)


def all_reduce(
    ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None, across: str = "auto"
) -> Rounds:
    """Reduce to each leader, all-reduce among leaders, broadcast inside each node."""
    nodes = _nodes(ranks, ranks_per_node)
    leaders = [node[0] for node in nodes]
    inside = side_by_side([placed(binomial_tree.broadcast(len(node), elements, 0), node) for node in nodes])
    among = placed(across_all_reduce(across, len(nodes), elements)(len(nodes), elements, 0), leaders)
    return mirrored(inside, reduce=True) + among + inside


def all_gather(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """Gather at each leader, ring of leaders, broadcast inside each node."""
    nodes = _nodes(ranks, ranks_per_node)
    cut = bounds(elements, ranks)
    leaders = [node[0] for node in nodes]
    gather = [placed(binomial_tree.gather_rounds(_node_cut(cut, node)), node) for node in nodes]
    among = placed(ring.all_gather_rounds([cut[leader] for leader in leaders] + [elements]), leaders)
    inside = side_by_side([placed(binomial_tree.broadcast(len(node), elements, 0), node) for node in nodes])
    return side_by_side(gather) + among + inside


def reduce_scatter(ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None) -> Rounds:
    """Reduce to each leader, ring of leaders, scatter inside each node."""
    nodes = _nodes(ranks, ranks_per_node)
    cut = bounds(elements, ranks)
    leaders = [node[0] for node in nodes]
    inside = side_by_side([placed(binomial_tree.reduce(len(node), elements, 0), node) for node in nodes])
    among = placed(ring.reduce_scatter_rounds([cut[leader] for leader in leaders] + [elements]), leaders)
    scatter = [placed(binomial_tree.scatter_rounds(_node_cut(cut, node)), node) for node in nodes]
    return inside + among + side_by_side(scatter)


def _node_cut(cut: list[int], node: list[int]) -> list[int]:
    """Where the chunks of a node's ranks begin, and the end."""
    return cut[node[0] : node[-1] + 2]


def _nodes(ranks: int, ranks_per_node: int | None) -> list[list[int]]:
    size = default_ranks_per_node(ranks) if ranks_per_node is None else ranks_per_node
    return [list(range(first, min(first + size, ranks))) for first in range(0, ranks, size)]


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
