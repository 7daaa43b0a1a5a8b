"""Which nodes of a machine each of several jobs gets, as a batch system would choose them.

Nodes are numbered in the order of the fabric, so neighbours in number hang on the same leaf, router or ring:

============ ==================================================================================================
packed       one job after the other: a job's messages stay as near as they can
interleaved  dealt out in turn until each has what it asked for: every switch serves several jobs
random       drawn from the nodes of the machine: what a busy system has left over
colocated    the same nodes for all; each takes the accelerators that those before it leave
============ ==================================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from simulator.errors import InfeasibleError
from simulator.randomness import stream

__all__ = ["SCHEMES", "Place", "Scheme", "choose_nodes", "format_nodes"]

Scheme = Literal["packed", "interleaved", "random", "colocated"]
SCHEMES: tuple[str, ...] = get_args(Scheme)


@dataclass(frozen=True)
class Place:
    """Where on a machine a job is.

    Attributes
    ----------
    nodes : tuple of int
        Numbers of its nodes.
    taken : frozenset of str
        Devices on them that other jobs have, by name.
    guest : bool
        Whether the machine, with its [calibration] and [what_if], is that of another job's scenario; not all that this
        says need then concern the guest.
    """

    nodes: tuple[int, ...]
    taken: frozenset[str] = frozenset()
    guest: bool = False


def choose_nodes(
    counts: Sequence[int], scheme: Scheme, available: int, *, machine_nodes: int | None = None, seed: int = 0
) -> list[tuple[int, ...]]:
    """The nodes of each job.

    Parameters
    ----------
    counts : sequence of int
        How many nodes each needs.
    scheme : {"packed", "interleaved", "random", "colocated"}
    available : int
        Nodes that the machine has.
    machine_nodes : int, optional
        The first so many of them are chosen from at random; as many as there are jobs for if None, which shuffles them.
    seed : int

    Raises
    ------
    InfeasibleError
        If the jobs need more nodes than there are.

    Examples
    --------
    >>> choose_nodes([2, 3], "packed", 8)
    [(0, 1), (2, 3, 4)]
    >>> choose_nodes([2, 3], "interleaved", 8)
    [(0, 2), (1, 3, 4)]
    """
    if scheme == "colocated":
        needed, words = max(counts), f"the largest of {len(counts)} jobs needs"
    else:
        needed, words = sum(counts), f"{' + '.join(map(str, counts))} make"
    if needed > available:
        raise InfeasibleError(f"{words} {needed} nodes, but the system has {available}")
    if machine_nodes is not None and not needed <= machine_nodes <= available:
        raise InfeasibleError(f"machine_nodes: expected {needed} to {available}, got {machine_nodes}")
    if scheme == "colocated":
        return [tuple(range(count)) for count in counts]
    if scheme == "interleaved":
        return _dealt(counts)
    order = list(range(machine_nodes or needed))
    if scheme == "random":
        order = [int(node) for node in stream(seed, "placement").permutation(order)]
    ends = [sum(counts[: index + 1]) for index in range(len(counts))]
    return [tuple(sorted(order[end - count : end])) for count, end in zip(counts, ends, strict=True)]


def _dealt(counts: Sequence[int]) -> list[tuple[int, ...]]:
    hands: list[list[int]] = [[] for _ in counts]
    node = 0
    while node < sum(counts):
        for hand, count in zip(hands, counts, strict=True):
            if len(hand) < count:
                hand.append(node)
                node += 1
    return [tuple(hand) for hand in hands]


def format_nodes(nodes: Sequence[int], most: int = 8) -> str:
    """Numbers of nodes, runs and equal strides drawn together, `most` of those.

    Examples
    --------
    >>> format_nodes([0, 1, 2, 3, 7])
    '0-3, 7'
    >>> format_nodes([1, 3, 5, 7])
    '1-7 step 2'
    >>> format_nodes([0, 2, 3, 8, 17], most=3)
    '5 of 0-17'
    """
    parts: list[str] = []
    rest = sorted(nodes)
    while rest:
        stride = rest[1] - rest[0] if len(rest) > 1 else 1
        length = 1
        while length < len(rest) and rest[length] - rest[length - 1] == stride:
            length += 1
        if length == 2 and stride > 1:
            length = 1
        run, rest = rest[:length], rest[length:]
        parts.append(f"{run[0]}-{run[-1]}" + (f" step {stride}" if stride > 1 else "") if length > 1 else f"{run[0]}")
    return f"{len(nodes)} of {min(nodes)}-{max(nodes)}" if len(parts) > most else ", ".join(parts)
