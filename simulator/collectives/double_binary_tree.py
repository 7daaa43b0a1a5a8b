"""Two binary trees at once, each for one half of the array, pipelined.

A leaf of a binary tree never sends. So two trees are laid over the ranks such that an inner node of one is a leaf of
the other, and each carries half of the array: now all ranks send and receive all the time, and a broadcast takes
about nβ plus a latency in O(log P). The edges are coloured so that, in rounds of alternating colours, no rank sends
twice or receives twice. The root stands outside and feeds the roots of both trees.

The trees are the in-order binary trees in which odd positions are leaves. The second is the mirror image of the first
when the number of its nodes is even, and shifted by one position when it is odd.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.chain import SEGMENT_ELEMENTS
from simulator.collectives.rounds import Rounds, mirrored, placed, rotation, segments, together

__all__ = ["DOUBLE_BINARY_TREE", "all_reduce", "broadcast", "reduce"]


class _Edge(NamedTuple):
    """Rank 0 is the root that feeds both trees."""

    tree: int
    parent: int
    child: int


def broadcast(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """Segments of half the array go down one tree, those of the other half down the other."""
    edges = _edges(ranks - 1)
    tree, source, destination = np.array(edges).T
    colours = _colours(edges)
    starts = _starts(edges, colours)
    middle = -(-elements // 2)
    halves = segments(0, middle, segment_elements), segments(middle, elements, segment_elements)
    cut = np.concatenate(halves)
    ends_of_halves = np.array([0, len(halves[0]), len(cut)])
    begin, end = ends_of_halves[tree], ends_of_halves[tree + 1] - 1  # of the part of the cut that an edge carries
    columns = source, destination, np.array(starts), begin, end
    coloured = [[column[np.array(colours) == colour] for column in columns] for colour in (0, 1)]
    rounds = []
    for step in range(max(starts) + 2 * len(halves[0])):
        source, destination, start, begin, end = coloured[step % 2]
        segment = begin + (step - start) // 2  # an empty one before the first and after the last
        first, last = (cut[np.clip(border, begin, end)] for border in (segment, segment + 1))
        rounds.append(together(source, destination, first, last, False))
    return placed(rounds, rotation(ranks, root))


def reduce(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """The broadcast backwards."""
    return mirrored(broadcast(ranks, elements, root, segment_elements=segment_elements), reduce=True)


def all_reduce(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """Reduce up the trees, then broadcast down."""
    down = broadcast(ranks, elements, root, segment_elements=segment_elements)
    return mirrored(down, reduce=True) + down


def _edges(nodes: int) -> list[_Edge]:
    """Edges of both trees over ranks 1 to `nodes`, parents before children, each tree led by the edge from rank 0."""
    parents = {position: _parent(position, nodes) for position in range(1, nodes + 1)}
    # A parent's lowest bit is higher than its children's; position 0, outside the tree, feeds its root.
    order = sorted(parents, key=lambda position: (-(position & -position), position))
    order.sort(key=lambda position: parents[position] != 0)
    if nodes % 2:
        other = {position: position % nodes + 1 for position in parents}
    else:
        other = {position: nodes + 1 - position for position in parents}
    other[0] = 0
    first = [_Edge(0, parents[position], position) for position in order]
    return first + [_Edge(1, other[parent], other[child]) for _, parent, child in first]


def _parent(position: int, nodes: int) -> int:
    """Parent in the in-order tree over positions 1 to `nodes`; 0 for its root.

    The complete tree's parent of a position with lowest bit b has lowest bit 2b; where that lies beyond the last
    position, the nearest ancestor that exists is to the left.
    """
    bit = position & -position
    above = (position ^ bit) | (bit << 1)
    return above if above <= nodes else position ^ bit


def _colours(edges: list[_Edge]) -> list[int]:
    """Colour 0 or 1 of each edge, such that no rank sends, or receives, twice in one colour.

    Ranks as senders and ranks as receivers are the two sides of a bipartite graph in which no vertex has more than two
    edges: a set of paths and even cycles, whose edges are coloured in turn.
    """
    sends: dict[int, list[int]] = {}
    receives: dict[int, list[int]] = {}
    for number, edge in enumerate(edges):
        sends.setdefault(edge.parent, []).append(number)
        receives.setdefault(edge.child, []).append(number)
    colours = [-1] * len(edges)
    for first in range(len(edges)):
        to_do = [(first, 0)] if colours[first] < 0 else []
        while to_do:
            number, colour = to_do.pop()
            colours[number] = colour
            neighbours = sends[edges[number].parent] + receives[edges[number].child]
            to_do.extend((other, 1 - colour) for other in neighbours if colours[other] < 0)
    return colours


def _starts(edges: list[_Edge], colours: list[int]) -> list[int]:
    """Round in which the first segment takes each edge: the first one of its colour after its parent has it."""
    arrival = {(0, 0): -1, (1, 0): -1}  # by tree and rank
    for (tree, parent, child), colour in zip(edges, colours, strict=True):
        start = arrival[tree, parent] + 1
        arrival[tree, child] = start + (start + colour) % 2
    return [arrival[tree, child] for tree, _, child in edges]


DOUBLE_BINARY_TREE = Algorithm(
    "double-binary-tree",
    "two complementary binary trees, each pipelining half of the array; full bandwidth at logarithmic latency",
    "Sanders, Speck, Träff, Parallel Computing 35, 2009",
    {"broadcast": broadcast, "reduce": reduce, "all_reduce": all_reduce},
)
