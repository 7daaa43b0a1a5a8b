"""Two levels with all ranks of a node on the network: each speaks for its share of the array.

Reduce-scatter inside the node, all-reduce across nodes among the ranks with the same local index, each for its own
shard, and all-gather inside. Sends over the network what the leader of `hierarchical` would, but from all ranks of
the node at once: the better choice where each has a network interface, or one is shared but the fabric inside the
node is fast.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from simulator.collectives import ring
from simulator.collectives.algorithm import Algorithm
from simulator.collectives.hierarchical import across_all_reduce, default_ranks_per_node
from simulator.collectives.rounds import Rounds, bounds, in_each, placed, side_by_side
from simulator.collectives.transfer import Integers
from simulator.errors import InfeasibleError

__all__ = ["SHARDED_HIERARCHICAL", "all_reduce"]


def all_reduce(
    ranks: int, elements: int, root: int, *, ranks_per_node: int | None = None, across: str = "auto"
) -> Rounds:
    """Ring reduce-scatter inside, all-reduce of each shard across, ring all-gather inside."""
    size = default_ranks_per_node(ranks) if ranks_per_node is None else ranks_per_node
    if ranks % size:
        raise InfeasibleError(
            f"sharded-hierarchical all_reduce: expected a multiple of {size} ranks (ranks_per_node), got {ranks}"
        )
    cut, nodes = bounds(elements, size), np.arange(ranks).reshape(-1, size)
    scatter = in_each(ring.reduce_scatter_rounds(cut[:-1], cut[1:]), nodes)
    gather = in_each(ring.all_gather_rounds(cut[:-1], cut[1:]), nodes)
    return scatter + _among(nodes, cut, across) + gather


def _among(nodes: Integers, cut: Integers, across: str) -> Rounds:
    """All-reduce of each shard, elements [cut[i], cut[i+1]), among the ranks ``nodes[:, i]``."""
    count, size = nodes.shape
    build = across_all_reduce(across, count, int(cut[1]))
    shards = list(pairwise(cut.tolist()))
    if build is ring.all_reduce:  # as many rings as shards, in rounds that share arrays also where nodes are many
        chunks = np.array([first + bounds(last - first, count) for first, last in shards])
        return ring.all_reduce_rounds(chunks[:, :-1].T.ravel(), chunks[:, 1:].T.ravel(), stride=size)
    return side_by_side(
        [placed(build(count, last - first, 0), nodes[:, local], first) for local, (first, last) in enumerate(shards)]
    )


SHARDED_HIERARCHICAL = Algorithm(
    "sharded-hierarchical",
    "reduce-scatter inside each node, all-reduce of each shard across nodes, all-gather inside",
    "Cho et al., BlueConnect, IBM J. Res. Dev. 63, 2019",
    {"all_reduce": all_reduce},
)
