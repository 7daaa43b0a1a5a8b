"""Parts that the algorithms are put together from: cutting arrays into chunks, and combining lists of rounds.

Builders work with `Rounds`, plain lists that may hold empty transfers and empty rounds; the registry drops those.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from simulator.collectives.schedule import Transfer

__all__ = ["Rounds", "bounds", "ceil_log2", "mirrored", "placed", "rotation", "segments", "side_by_side"]

Rounds = list[list[Transfer]]


def bounds(elements: int, parts: int) -> list[int]:
    """Where `parts` chunks of ⌈elements / parts⌉ begin, and the end; the last chunks are shorter or empty.

    Examples
    --------
    >>> bounds(10, 4)
    [0, 3, 6, 9, 10]
    >>> bounds(2, 3)
    [0, 1, 2, 2]
    """
    size = -(-elements // parts)
    return [min(part * size, elements) for part in range(parts + 1)]


def segments(first: int, last: int, length: int) -> list[tuple[int, int]]:
    """[first, last) cut into pieces of `length` elements, the last one possibly shorter.

    Examples
    --------
    >>> segments(0, 5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(start, min(start + length, last)) for start in range(first, last, length)]


def ceil_log2(number: int) -> int:
    """⌈log2 number⌉ for number >= 1, exactly."""
    return (number - 1).bit_length()


def placed(rounds: Rounds, members: Sequence[int], offset: int = 0) -> Rounds:
    """The same rounds, played by ``members[i]`` where rank i stood, on elements that begin at `offset`."""
    return [
        [
            Transfer(members[s], members[d], first + offset, last + offset, reduce)
            for s, d, first, last, reduce in transfers
        ]
        for transfers in rounds
    ]


def rotation(ranks: int, root: int) -> list[int]:
    """Members that put `root` where rank 0 stood and keep the cyclic order."""
    return [(rank + root) % ranks for rank in range(ranks)]


def mirrored(rounds: Rounds, reduce: bool) -> Rounds:
    """The rounds backwards with every edge reversed: a broadcast becomes a reduce, a gather a scatter."""
    return [
        [Transfer(destination, source, first, last, reduce) for source, destination, first, last, _ in transfers]
        for transfers in reversed(rounds)
    ]


def side_by_side(parts: Sequence[Rounds]) -> Rounds:
    """Rounds of groups that proceed at once: the i-th round holds the i-th round of each group."""
    return [[transfer for transfers in row for transfer in transfers] for row in zip_longest(*parts, fillvalue=())]
