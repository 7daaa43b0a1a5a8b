"""Parts that the algorithms are put together from: cutting arrays into chunks, and combining lists of rounds.

Builders work with `Rounds`, plain lists that may hold empty transfers and empty rounds; `finished` drops those. What is
worked out for the ranks of one round serves all rounds that share its arrays of sources and destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import zip_longest
from typing import Any

import numpy as np

from simulator.collectives.transfer import Integers, Round, Transfer

__all__ = [
    "Rounds",
    "bounds",
    "ceil_log2",
    "finished",
    "in_each",
    "mirrored",
    "placed",
    "rotation",
    "segments",
    "side_by_side",
    "together",
]

Rounds = list[Round]


def bounds(elements: int, parts: int) -> Integers:
    """Where `parts` chunks of ⌈elements / parts⌉ begin, and the end; the last chunks are shorter or empty.

    Examples
    --------
    >>> bounds(10, 4)
    array([ 0,  3,  6,  9, 10])
    >>> bounds(2, 3)
    array([0, 1, 2, 2])
    """
    size = -(-elements // parts)
    return np.minimum(np.arange(parts + 1) * size, elements)


def segments(first: int, last: int, length: int) -> Integers:
    """Where the pieces of [first, last) begin that have `length` elements, the last one possibly fewer, and the end.

    Examples
    --------
    >>> segments(0, 5, 2)
    array([0, 2, 4, 5])
    >>> segments(5, 5, 2)
    array([5])
    """
    return np.append(np.arange(first, last, max(1, min(length, last - first))), last)


def ceil_log2(number: int) -> int:
    """⌈log2 number⌉ for number >= 1, exactly."""
    return (number - 1).bit_length()


def together(
    source: Integers, destination: Integers, first: int | Integers, last: int | Integers, reduce: bool
) -> Round:
    """A round in which all add, or none; a single number stands for the elements of all of its transfers.

    Examples
    --------
    >>> list(together(np.array([0, 2]), np.array([1, 3]), 0, 10, False))[1]
    Transfer(source=2, destination=3, first=0, last=10, reduce=False)
    """
    size = len(source)
    first, last = (
        column if isinstance(column, np.ndarray) else np.full(size, column, dtype=np.int64) for column in (first, last)
    )
    return Round(source, destination, first, last, np.full(size, reduce))


def placed(rounds: Rounds, members: Integers, offset: int = 0) -> Rounds:
    """The same rounds, played by ``members[i]`` where rank i stood, on elements that begin at `offset`."""
    return in_each(rounds, members[np.newaxis], offset)


def in_each(rounds: Rounds, groups: Integers, offset: int = 0) -> Rounds:
    """Groups of the same size that play the same rounds at once.

    Parameters
    ----------
    rounds : list of Round
        For as many ranks as a group has.
    groups : array of int, shape (groups, ranks)
        ``groups[g, i]`` plays the part of rank i.
    offset : int
        Where the elements begin.
    """
    members = _once(lambda column: groups[:, column].reshape(-1))
    repeated = _once(lambda column: np.tile(column, len(groups)) if len(groups) > 1 else column)
    moved = _once(lambda column: repeated(column + offset if offset else column))
    return [
        Round(members(r.source), members(r.destination), moved(r.first), moved(r.last), repeated(r.reduce))
        for r in rounds
    ]


def _once(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`work`, done once for each array, as many rounds share one."""
    done: dict[int, tuple[Any, Any]] = {}

    def result(array: Any) -> Any:
        if id(array) not in done:
            done[id(array)] = array, work(array)  # the array is kept, lest another one get its identity
        return done[id(array)][1]

    return result


def rotation(ranks: int, root: int) -> Integers:
    """Members that put `root` where rank 0 stood and keep the cyclic order."""
    return (np.arange(ranks) + root) % ranks


def mirrored(rounds: Rounds, reduce: bool) -> Rounds:
    """The rounds backwards with every edge reversed: a broadcast becomes a reduce, a gather a scatter."""
    flags = np.full(max(map(len, rounds), default=0), reduce)
    return [Round(r.destination, r.source, r.first, r.last, flags[: len(r)]) for r in reversed(rounds)]


def side_by_side(parts: Sequence[Rounds]) -> Rounds:
    """Rounds of groups that proceed at once: the i-th round holds the i-th round of each group."""
    rows = ([r.columns for r in row if r is not None] for row in zip_longest(*parts))
    return [Round(*map(np.concatenate, zip(*row, strict=True))) for row in rows]


def finished(rounds: Iterable[Sequence[Transfer]]) -> tuple[Round, ...]:
    """Without empty transfers and rounds, and with one pair of arrays for the same sources and destinations.

    Rounds in which the same ranks deal with one another, in the same order, get the very same arrays `source` and
    `destination`, other rounds different ones: whoever plays them can keep what it works out by the identity of either.
    Rounds may be plain sequences of `Transfer` here.
    """
    full = (r.only(r.first < r.last) for r in map(Round.of, rounds))
    kept = [r for r in full if len(r)]
    same_arrays: dict[tuple[int, int], tuple[Integers, Integers]] = {}
    same_ranks: dict[bytes, tuple[Integers, Integers]] = {}
    for r in kept:
        arrays = id(r.source), id(r.destination)
        if arrays not in same_arrays:
            ranks = blake2b(r.source.tobytes() + r.destination.tobytes()).digest()
            same_arrays[arrays] = same_ranks.setdefault(ranks, (r.source.view(), r.destination.view()))
    return tuple(Round(*same_arrays[id(r.source), id(r.destination)], r.first, r.last, r.reduce) for r in kept)
