"""Messages of a collective: one as a readable tuple, all those of a round as arrays.

A ring of 1,024 ranks sends two million messages. So a round holds a column of each property of its messages instead of
one object a message, and rounds share columns: those in which the same ranks deal with one another, in the same order,
hold the same arrays of sources and destinations, and the columns of elements may be windows on one longer array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flags", "Integers", "Round", "Transfer"]

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Transfer(NamedTuple):
    """Elements [first, last) go from one rank to another, which adds them to its own or replaces its own by them."""

    source: int
    destination: int
    first: int
    last: int
    reduce: bool

    @property
    def elements(self) -> int:
        """How many elements travel."""
        return self.last - self.first


@dataclass(frozen=True, slots=True, eq=False)
class Round(Sequence[Transfer]):
    """Transfers that proceed together: a sequence of `Transfer`, kept as one array for each of their properties.

    Attributes
    ----------
    source, destination, first, last : arrays of int64, shape (transfers,)
        As in `Transfer`. Read-only, as other rounds may share them.
    reduce : array of bool, shape (transfers,)
        The same.

    Examples
    --------
    >>> both = Round.of([Transfer(0, 1, 0, 10, True), Transfer(2, 3, 0, 8, True)])
    >>> both.elements
    array([10,  8])
    >>> both[1]
    Transfer(source=2, destination=3, first=0, last=8, reduce=True)
    """

    source: Integers
    destination: Integers
    first: Integers
    last: Integers
    reduce: Flags

    def __post_init__(self) -> None:
        for column in self.columns:
            column.setflags(write=False)

    @classmethod
    def of(cls, transfers: Iterable[Transfer]) -> Round:
        """The same transfers as a round."""
        if isinstance(transfers, cls):
            return transfers
        table = np.array([tuple(transfer) for transfer in transfers], dtype=np.int64).reshape(-1, 5)
        source, destination, first, last, reduce = table.T.copy()
        return cls(source, destination, first, last, reduce.astype(bool))

    @property
    def elements(self) -> Integers:
        """How many elements travel in each transfer, shape (transfers,)."""
        return self.last - self.first

    @property
    def columns(self) -> tuple[Integers, Integers, Integers, Integers, Flags]:
        """All five arrays, in the order of the properties of a `Transfer`."""
        return self.source, self.destination, self.first, self.last, self.reduce

    def only(self, chosen: Flags) -> Round:
        """The transfers for which `chosen`, shape (transfers,), is true; the round itself if they are all."""
        if np.count_nonzero(chosen) == len(chosen):
            return self
        return Round(
            self.source[chosen], self.destination[chosen], self.first[chosen], self.last[chosen], self.reduce[chosen]
        )

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[Transfer]:
        return map(Transfer._make, zip(*(column.tolist() for column in self.columns), strict=True))

    @overload
    def __getitem__(self, index: int) -> Transfer: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Transfer, ...]: ...
    def __getitem__(self, index: int | slice) -> Transfer | tuple[Transfer, ...]:
        """One transfer, or a tuple of several."""
        if isinstance(index, slice):
            return tuple(map(Transfer._make, zip(*(column[index].tolist() for column in self.columns), strict=True)))
        return Transfer._make(column[index].item() for column in self.columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Round) and all(map(np.array_equal, self.columns, other.columns))

    def __hash__(self) -> int:
        return hash(tuple(column.tobytes() for column in self.columns))

    def __repr__(self) -> str:
        return f"Round.of({list(self)!r})"
