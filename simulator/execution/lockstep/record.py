"""What a run in lockstep leaves behind: batches of spans, numbered in the order in which programs come to them.

A batch holds what many ranks do at once. Spans are numbered through all batches, a cause always before its effect.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from simulator.execution.lockstep.patterns import Floats, Integers, Pattern
from simulator.execution.lockstep.played import Additions, Messages, Played
from simulator.execution.repetition import Stretch
from simulator.trace.spans import Span

__all__ = ["Batch", "CollectiveCall", "LocalWork", "Record"]


@dataclass(frozen=True, eq=False, slots=True)
class LocalWork:
    """One operation of several ranks on their own devices; arrays of shape (ranks,).

    Attributes
    ----------
    first : int
        Number of its first span.
    categories : sequence of str
        One for each rank, or one for all.
    size : float
        Bytes.
    carried : mapping
        Bytes over the routes of each pattern, where it is a transfer.
    """

    first: int
    rank: Integers
    step: Integers
    lane: str
    categories: Sequence[str]
    name: str
    start: Floats
    end: Floats
    cause: Integers
    size: float
    carried: Mapping[Pattern, Floats] = field(default_factory=dict)

    @property
    def spans(self) -> int:
        """How many spans it is."""
        return len(self.rank)

    def ending(self, since: float) -> list[int]:
        """Places of the spans of the last rank of those that end at `since` [s] or later."""
        some = np.flatnonzero(self.end >= since)
        chosen: list[int] = some[self.rank[some] == self.rank[some].max(initial=0)].tolist()
        return chosen

    def path_back(self, place: int) -> Iterator[Stretch]:
        """One of its spans; none of them lets another start."""
        category = self.categories[place if len(self.categories) > 1 else 0]
        yield float(self.start[place]), float(self.end[place]), category, int(self.cause[place])

    def span(self, place: int) -> Span:
        """One of its spans."""
        category = self.categories[place if len(self.categories) > 1 else 0]
        times = float(self.start[place]), float(self.end[place])
        rank, step, cause = int(self.rank[place]), int(self.step[place]), int(self.cause[place])
        return Span(rank, self.lane, category, self.name, *times, self.size, step, -1, cause)


@dataclass(frozen=True, eq=False, slots=True)
class CollectiveCall:
    """A collective that was played at some time.

    Attributes
    ----------
    first : int
        Number of its first span.
    base : float
        When the first rank came to it [s]; what was played counts from there.
    entry : array of int, shape (ranks,)
        Number of the span that each rank did last before it.
    step : array of int, shape (ranks,)
    kind : str
    element_size : int
        Bytes.
    category : callable
        ``(source_rank, destination_rank)`` to the breakdown part of what passes between them.
    update_categories : sequence of str
        Of each rank's additions.
    beside : bool
        Whether a rank may work on its own device meanwhile.
    """

    first: int
    played: Played
    base: float
    entry: Integers
    step: Integers
    lane: str
    kind: str
    element_size: int
    category: Callable[[int, int], str]
    update_categories: Sequence[str]
    beside: bool

    @property
    def spans(self) -> int:
        """How many spans it is."""
        return self.played.spans

    @property
    def carried(self) -> Mapping[Pattern, Floats]:
        """Bytes over the routes of each pattern."""
        return self.played.carried

    def span(self, place: int) -> Span:
        """One of its spans."""
        part = self.played.parts[bisect_right(self.played.firsts, place) - 1]
        return self._span(part, place - part.first)

    def ending(self, since: float) -> list[int]:
        """Places of the spans of the last rank of those that end at `since` [s] or later."""
        found: list[tuple[int, int]] = []
        for part in self.played.parts:
            end = self.base + part.end
            if end.max() >= since:
                some = np.flatnonzero(
                    np.concatenate([end, end]) >= since if isinstance(part, Messages) else end >= since
                )
                found += zip(part.rank[some].tolist(), (part.first + some).tolist(), strict=True)
        last = max((rank for rank, _ in found), default=0)
        return [place for rank, place in found if rank == last]

    def _span(self, part: Messages | Additions, index: int) -> Span:
        if isinstance(part, Additions):
            rank = int(part.rank[index])
            times = self.base + float(part.start[index]), self.base + float(part.end[index])
            cause, step = self.number(int(part.cause[index])), int(self.step[rank])
            return Span(rank, self.lane, self.update_categories[rank], "add", *times, 0.0, step, -1, cause)
        receives, message = divmod(index, len(part.end))
        source, destination = int(part.pattern.source[message]), int(part.pattern.destination[message])
        rank, peer, what = (destination, source, "receive") if receives else (source, destination, "send")
        return Span(
            rank,
            self.lane,
            self.category(source, destination),
            f"{what} {self.kind}",
            self.base + float(part.start[message]),
            self.base + float(part.end[message]),
            float((part.played.last[message] - part.played.first[message]) * self.element_size),
            int(self.step[rank]),
            peer,
            self.number(int(part.cause[message])),
        )

    def path_back(self, place: int) -> Iterator[Stretch]:
        """One of its spans and those before it that let one another start, while they are the collective's."""
        parts, firsts, base = self.played.parts, self.played.firsts, self.base
        while place >= 0:
            part = parts[bisect_right(firsts, place) - 1]
            index = place - part.first
            if isinstance(part, Additions):
                category = self.update_categories[int(part.rank[index])]
            else:
                index %= len(part.end)
                category = self.category(int(part.pattern.source[index]), int(part.pattern.destination[index]))
            place = int(part.cause[index])
            yield base + float(part.start[index]), base + float(part.end[index]), category, self.number(place)

    def numbers(self, inside: NDArray[np.int32]) -> Integers:
        """Numbers in the run of spans of the collective, or of what ranks did before it."""
        return np.where(inside < 0, self.entry[-1 - np.minimum(inside, -1)], self.first + inside)

    def number(self, inside: int) -> int:
        """The same of one."""
        return self.first + inside if inside >= 0 else int(self.entry[-1 - inside])


Batch = LocalWork | CollectiveCall


@dataclass
class Record:
    """All batches of a run.

    Attributes
    ----------
    batches : list
        In the order of their spans' numbers.
    spans : int
        How many spans they hold.
    """

    batches: list[Batch] = field(default_factory=list)
    spans: int = 0
    _firsts: list[int] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Append a batch, whose first span must have the next number."""
        self.batches.append(batch)
        self._firsts.append(batch.first)
        self.spans += batch.spans

    def in_order_of_steps(self) -> Record:
        """The same with the batches of each step together; itself if they are, or if some batch is of several steps.

        A rank may be ahead of another by a few operations, so batches of two steps can come to stand in turn.
        """
        steps = [int(batch.step[0]) for batch in self.batches]
        if steps == sorted(steps) or any((batch.step != batch.step[0]).any() for batch in self.batches):
            return self
        order = sorted(range(len(steps)), key=steps.__getitem__)
        counts = [self.batches[place].spans for place in order]
        firsts = np.zeros(len(order), dtype=np.int64)
        firsts[order] = np.cumsum([0, *counts[:-1]])
        before = np.array([batch.first for batch in self.batches])

        def renumbered(numbers: Integers) -> Integers:
            place = np.searchsorted(before, numbers, side="right") - 1
            return np.where(numbers < 0, numbers, numbers - before[place] + firsts[place])

        made = Record()
        for place in order:
            batch, first = self.batches[place], int(firsts[place])
            if isinstance(batch, LocalWork):
                made.add(replace(batch, first=first, cause=renumbered(batch.cause)))
            else:
                made.add(replace(batch, first=first, entry=renumbered(batch.entry)))
        return made

    def batch_of(self, number: int) -> Batch:
        """The batch that holds the span of that number."""
        return self.batches[bisect_right(self._firsts, number) - 1]
