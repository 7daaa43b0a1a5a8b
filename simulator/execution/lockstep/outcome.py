"""The result of a run in lockstep: its sums, and its spans when somebody asks for them.

Sums are made from batches, and the settled step counts as often as it is repeated, so that they cost no more for a
thousand steps on a thousand ranks than for a few.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

import numpy as np

from simulator.execution.lockstep.patterns import Floats, Pattern
from simulator.execution.lockstep.played import Additions
from simulator.execution.lockstep.record import Batch, CollectiveCall, LocalWork, Record
from simulator.execution.lockstep.spans import make_spans
from simulator.execution.repetition import Repetition, Stretch, path_sums
from simulator.instants import SAME_INSTANT
from simulator.platform.links import Route
from simulator.trace.critical_path import decisive
from simulator.trace.spans import Category, RankInfo, Span
from simulator.trace.summary import WORK, Summary

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """What a run in lockstep has left behind.

    Attributes
    ----------
    record : Record
        Of the steps that were simulated.
    ranks : tuple of RankInfo
    repetition : Repetition
        Of a settled step.
    """

    record: Record
    ranks: tuple[RankInfo, ...]
    repetition: Repetition = field(default_factory=Repetition)

    def summary(self, workers: int) -> Summary:
        """The sums that results are made of; see `simulator.trace.summary`."""
        ends, gradients = self._step_ends(workers)
        return Summary(
            duration=self.duration,
            gradients=gradients,
            step_ends=ends,
            breakdown=self._breakdown(),
            busy=self._busy(),
        )

    @cached_property
    def duration(self) -> float:
        """End of the last span [s]."""
        return max(map(self._end, self.record.batches), default=0.0)

    def make_spans(self) -> list[Span]:
        """Every span of the whole run, in the order in which they end; see `simulator.execution.lockstep.spans`."""
        return make_spans(self.record, self.repetition)

    def _step_ends(self, workers: int) -> tuple[Floats, int]:
        """When each step has ended on all workers [s], and how many gradients were computed."""
        simulated = 1 + max((int(batch.step.max()) for batch in self.record.batches), default=-1)
        ends, gradients = np.zeros(simulated), 0
        for batch in self.record.batches:
            if isinstance(batch, LocalWork):
                of_workers = batch.rank < workers
                np.maximum.at(ends, batch.step[of_workers], batch.end[of_workers])
                if batch.name == "gradient":
                    gradients += len(batch.rank) * self._times(batch)
            else:
                some = np.flatnonzero(batch.played.last[:workers] >= 0)  # those that took part
                np.maximum.at(ends, batch.step[some], batch.base + batch.played.ready[some])
        return self.repetition.step_ends(ends), gradients

    def _times(self, batch: Batch) -> int:
        """How often a batch takes place."""
        return self.repetition.times(int(batch.step[0]))

    def _end(self, batch: Batch) -> float:
        """When a batch has ended in the whole run [s], if it takes place several times, the first."""
        return _ends(batch) + self.repetition.shift(int(batch.step[0]))

    # Energy ----------------------------------------------------------------------------------------------------------

    def _busy(self) -> dict[int, float]:
        """Seconds in which each rank computes, updates or adds."""
        total = np.zeros(len(self.ranks))
        some = np.zeros(len(self.ranks), dtype=bool)
        for batch in self.record.batches:
            if isinstance(batch, LocalWork):
                working = np.array([category in WORK for category in batch.categories])
                rank, seconds = batch.rank, batch.end - batch.start
                if len(working) > 1:
                    rank, seconds = rank[working], seconds[working]
                elif not working[0]:
                    continue
                np.add.at(total, rank, seconds * self._times(batch))
                some[rank] = True
            else:
                total += batch.played.busy * self._times(batch)
                some |= batch.played.adds
        total -= self._twice()
        return {int(rank): float(total[rank]) for rank in np.flatnonzero(some)}

    def _twice(self) -> Floats:
        """Seconds that ranks add while they compute, which must not count twice."""
        twice = np.zeros(len(self.ranks))
        works = [batch for batch in self.record.batches if isinstance(batch, LocalWork) and batch.categories[0] in WORK]
        works.sort(key=lambda batch: float(batch.start.min()))
        starts = [float(batch.start.min()) for batch in works]
        ends = list(accumulate((float(batch.end.max()) for batch in works), max))  # of each and all before it
        for batch in self.record.batches:
            if isinstance(batch, CollectiveCall) and batch.beside:
                meanwhile = works[bisect_right(ends, batch.base) : bisect_left(starts, _ends(batch))]
                twice += _overlap(batch, meanwhile) * self._times(batch)
        return twice

    # Breakdown -------------------------------------------------------------------------------------------------------

    def _breakdown(self) -> dict[str, float]:
        """Seconds of the critical path in each category."""
        if not self.record.batches:
            return {category.value: 0.0 for category in Category}
        return path_sums(self._last(), self.duration, self.repetition, self._back)

    def _back(self, number: int) -> Iterator[Stretch]:
        batch = self.record.batch_of(number)
        return batch.path_back(number - batch.first)

    def _last(self) -> int:
        """Number, in the whole run, of the span that its end is put down to."""
        latest = self.duration / SAME_INSTANT
        found: list[tuple[int, Span]] = []
        for batch in self.record.batches:
            if self._end(batch) >= latest:
                shift = self.repetition.shift(int(batch.step[0]))
                found += [(batch.first + place, batch.span(place)) for place in batch.ending(latest - shift)]
        return self.repetition.in_long_run(decisive(found))

    # Traffic ---------------------------------------------------------------------------------------------------------

    def carried(self) -> dict[Route, float]:
        """Bytes over each route."""
        parts: defaultdict[Pattern, list[Floats]] = defaultdict(list)
        for batch in self.record.batches:
            for pattern, size in batch.carried.items():
                parts[pattern].append(size * self._times(batch))
        total: defaultdict[Route, float] = defaultdict(float)
        for pattern, sizes in parts.items():
            for route, size in zip(pattern.routes, np.sum(sizes, axis=0).tolist(), strict=True):
                total[route] += size
        return dict(total)


def _ends(batch: Batch) -> float:
    if isinstance(batch, LocalWork):
        return float(batch.end.max())
    return batch.base + float(batch.played.ready.max())


def _overlap(call: CollectiveCall, works: Sequence[LocalWork]) -> Floats:
    """Seconds that each rank spends on additions of a collective and on one of some works at once."""
    both = np.zeros(len(call.played.ready))
    for work in works:
        # Infinite the wrong way round for ranks that have no part in it.
        since, until = np.full(len(both), np.inf), np.full(len(both), -np.inf)
        since[work.rank], until[work.rank] = work.start - call.base, work.end - call.base
        for part in call.played.parts:
            if isinstance(part, Additions):  # each rank once
                together = np.minimum(part.end, until[part.rank]) - np.maximum(part.start, since[part.rank])
                both[part.rank] += np.maximum(together, 0.0)
    return both
