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
    build = across_all_reduce(across, len(nodes), int(cut[1]))
    scatter = in_each(ring.reduce_scatter_rounds(cut[:-1], cut[1:]), nodes)
    gather = in_each(ring.all_gather_rounds(cut[:-1], cut[1:]), nodes)
    shards = []
    for local, (first, last) in enumerate(pairwise(cut.tolist())):
        shards.append(placed(build(len(nodes), last - first, 0), nodes[:, local], first))
    return scatter + side_by_side(shards) + gather


SHARDED_HIERARCHICAL = Algorithm(
    "sharded-hierarchical",
    "reduce-scatter inside each node, all-reduce of each shard across nodes, all-gather inside",
    "Cho et al., BlueConnect, IBM J. Res. Dev. 63, 2019",
    {"all_reduce": all_reduce},
)
