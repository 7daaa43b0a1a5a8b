"""Two binary trees at once, each for one half of the array, pipelined.

A leaf of a binary tree never sends. So two trees are laid over the ranks such that an inner node of one is a leaf of
the other, and each carries half of the array: now all ranks send and receive all the time, and a broadcast takes
about nβ plus a latency in O(log P). The edges are coloured so that, in rounds of alternating colours, no rank sends
twice or receives twice. The root stands outside and feeds the roots of both trees.

The trees are the in-order binary trees in which odd positions are leaves. The second is the mirror image of the first
when the number of its nodes is even, and shifted by one position when it is odd.
"""

from __future__ import annotations

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.chain import SEGMENT_ELEMENTS
from simulator.collectives.rounds import Rounds, mirrored, placed, rotation, segments
from simulator.collectives.schedule import Transfer

__all__ = ["DOUBLE_BINARY_TREE", "all_reduce", "broadcast", "reduce"]

#: (parent, child); rank 0 is the root that feeds the tree.
_Edge = tuple[int, int]


def broadcast(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """Segments of half the array go down one tree, those of the other half down the other."""
    trees = _trees(ranks - 1)
    colours = _colours(trees)
    middle = -(-elements // 2)
    halves = [segments(0, middle, segment_elements), segments(middle, elements, segment_elements)]
    rounds: Rounds = []
    for tree, (edges, pieces) in enumerate(zip(trees, halves, strict=True)):
        arrival = {0: -1}  # round in which a rank has the first segment
        for parent, child in edges:  # parents come before their children
            start = arrival[parent] + 1
            start += (start + colours[tree, parent, child]) % 2
            arrival[child] = start
            for number, (first, last) in enumerate(pieces):
                step = start + 2 * number
                rounds.extend([] for _ in range(step + 1 - len(rounds)))
                rounds[step].append(Transfer(parent, child, first, last, False))
    return placed(rounds, rotation(ranks, root))


def reduce(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """The broadcast backwards."""
    return mirrored(broadcast(ranks, elements, root, segment_elements=segment_elements), reduce=True)


def all_reduce(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """Reduce up the trees, then broadcast down."""
    down = broadcast(ranks, elements, root, segment_elements=segment_elements)
    return mirrored(down, reduce=True) + down


def _trees(nodes: int) -> tuple[list[_Edge], list[_Edge]]:
    """Edges of both trees over ranks 1 to `nodes`, parents before children, each led by the edge from rank 0."""
    parents = {position: _parent(position, nodes) for position in range(1, nodes + 1)}
    # A parent's lowest bit is higher than its children's; position 0, outside the tree, feeds its root.
    order = sorted(parents, key=lambda position: (-(position & -position), position))
    order.sort(key=lambda position: parents[position] != 0)
    first = [(parents[position], position) for position in order]
    if nodes % 2:
        second = {position: position % nodes + 1 for position in parents}
    else:
        second = {position: nodes + 1 - position for position in parents}
    second[0] = 0
    return first, [(second[parent], second[child]) for parent, child in first]


def _parent(position: int, nodes: int) -> int:
    """Parent in the in-order tree over positions 1 to `nodes`; 0 for its root.

    The complete tree's parent of a position with lowest bit b has lowest bit 2b; where that lies beyond the last
    position, the nearest ancestor that exists is to the left.
    """
    bit = position & -position
    above = (position ^ bit) | (bit << 1)
    return above if above <= nodes else position ^ bit


def _colours(trees: tuple[list[_Edge], list[_Edge]]) -> dict[tuple[int, int, int], int]:
    """Colour 0 or 1 of each (tree, parent, child), such that no rank sends, or receives, twice in one colour.

    Ranks as senders and ranks as receivers are the two sides of a bipartite graph in which no vertex has more than two
    edges: a set of paths and even cycles, whose edges are coloured in turn.
    """
    edges = [(tree, parent, child) for tree, pairs in enumerate(trees) for parent, child in pairs]
    at: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
    for edge in edges:
        at.setdefault(("sends", edge[1]), []).append(edge)
        at.setdefault(("receives", edge[2]), []).append(edge)
    colours: dict[tuple[int, int, int], int] = {}
    for first in edges:
        to_do = [] if first in colours else [(first, 0)]
        while to_do:
            edge, colour = to_do.pop()
            colours[edge] = colour
            neighbours = at["sends", edge[1]] + at["receives", edge[2]]
            to_do.extend((other, 1 - colour) for other in neighbours if other not in colours)
    return colours


DOUBLE_BINARY_TREE = Algorithm(
    "double-binary-tree",
    "two complementary binary trees, each pipelining half of the array; full bandwidth at logarithmic latency",
    "Sanders, Speck, Träff, Parallel Computing 35, 2009",
    {"broadcast": broadcast, "reduce": reduce, "all_reduce": all_reduce},
)
