"""What happens in a collective: batches of messages and additions, and where its ranks and links are meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from simulator.collectives.transfer import Flags, Round
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern
from simulator.execution.lockstep.unsuited import Unsuited
from simulator.instants import SAME_INSTANT

__all__ = ["Additions", "Messages", "Numbers", "Played", "Progress"]

#: Of spans within a collective, of which there may be many.
Numbers = NDArray[np.int32]
#: Numbers, or what gives them when somebody asks: whoever wants times only never does.
Later = Numbers | Callable[[], Numbers]


@dataclass(eq=False, slots=True)
class _Caused:
    """Spans of which each was let start by another one."""

    _cause: Later

    @property
    def cause(self) -> Numbers:
        """Number of the span that let each one start; ``-1 - rank`` for what the rank did before the collective."""
        if callable(self._cause):
            self._cause = self._cause()
        return self._cause


@dataclass(eq=False, slots=True)
class Messages(_Caused):
    """The messages of one round, arrays of shape (messages,).

    Attributes
    ----------
    played : Round
        How many elements each carries.
    first : int
        Number, in the collective, of the first of the spans: those of all senders, then those of all receivers.
    """

    pattern: Pattern
    played: Round
    start: Floats
    end: Floats
    first: int

    @property
    def rank(self) -> Integers:
        """Whose lane each span is on, shape (2 · messages,)."""
        return np.concatenate([self.pattern.source, self.pattern.destination])


@dataclass(eq=False, slots=True)
class Additions(_Caused):
    """What ranks add to their own numbers after a round, arrays of shape (ranks that add,)."""

    rank: Integers
    start: Floats
    end: Floats
    first: int


@dataclass(eq=False)
class Played:
    """What happens in a collective, relative to the first arrival [s].

    Attributes
    ----------
    arrival : array, shape (ranks,)
        When each rank comes to it.
    parts : list
        Messages and additions in the order in which ranks play them.
    spans : int
        How many spans that makes.
    ready : array, shape (ranks,)
        When each rank is done.
    last : array of int, shape (ranks,)
        Number of the span that each rank did last, as in `Messages.cause`.
    carried : dict
        Bytes of all rounds by pattern, shape (messages,).
    resources, since, until : array, shape (resources in use,)
        When each resource is first and last in use.
    """

    arrival: Floats
    parts: list[Messages | Additions]
    spans: int
    ready: Floats
    last: Numbers
    carried: dict[Pattern, Floats]
    resources: Integers
    since: Floats
    until: Floats

    @cached_property
    def firsts(self) -> list[int]:
        """Number of the first span of each part."""
        return [part.first for part in self.parts]

    @cached_property
    def busy(self) -> Floats:
        """Seconds that each rank adds, shape (ranks,)."""
        total = np.zeros(len(self.ready))
        for part in self.parts:
            if isinstance(part, Additions):  # each rank once
                total[part.rank] += part.end - part.start
        return total

    @cached_property
    def adds(self) -> Flags:
        """Whether a rank adds anything, shape (ranks,)."""
        some = np.zeros(len(self.ready), dtype=bool)
        for part in self.parts:
            if isinstance(part, Additions):
                some[part.rank] = True
        return some


@dataclass
class Progress:
    """Where the ranks and the resources are between two rounds."""

    ready: Floats
    last: Numbers
    since: Floats
    until: Floats
    base: float
    parts: list[Messages | Additions] = field(default_factory=list)
    carried: dict[Pattern, Floats] = field(default_factory=dict)
    spans: int = 0

    def played(self, arrival: Floats) -> Played:
        """The collective, which is over, of ranks that came to it at `arrival` [s]."""
        used = np.flatnonzero(self.until > -inf)
        return Played(
            arrival,
            self.parts,
            self.spans,
            self.ready,
            self.last,
            self.carried,
            used,
            self.since[used],
            self.until[used],
        )

    def carry(self, pattern: Pattern, size: Floats) -> None:
        """Count the bytes of a pattern's messages."""
        known = self.carried.get(pattern)
        self.carried[pattern] = size if known is None else known + size

    def same_as(self, time: Floats) -> Floats:
        """The latest moments that are the same as these times: see `simulator.instants`."""
        same = time * SAME_INSTANT
        return same + self.base * (SAME_INSTANT - 1.0) if self.base else same

    def begin_on_links(self, pattern: Pattern, begin: Floats) -> None:
        """Note when messages begin to use links.

        Raises
        ------
        Unsuited
            If others are still on them.
        """
        at = begin[pattern.message]
        if (self.until[pattern.resource] > self.same_as(at)).any():
            raise Unsuited("messages of different rounds of a collective meet on a link")
        np.minimum.at(self.since, pattern.resource, at)

    def end_on_links(self, pattern: Pattern, end: Floats) -> None:
        """Note when they cease to."""
        np.maximum.at(self.until, pattern.resource, end[pattern.message])
