"""The result of a run in lockstep: its sums, and its spans when somebody asks for them.

Sums are made from batches, and the settled step counts as often as it is repeated, so that they cost no more for a
thousand steps on a thousand ranks than for a few.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.errors import RunError
from simulator.execution.lockstep.collective import Additions
from simulator.execution.lockstep.patterns import Floats, Pattern
from simulator.execution.lockstep.record import Batch, CollectiveCall, LocalWork, Record
from simulator.execution.lockstep.settled import Settled
from simulator.execution.steady_state import extend
from simulator.instants import SAME_INSTANT
from simulator.platform.links import Route
from simulator.trace.critical_path import ROUNDING
from simulator.trace.spans import NO_CAUSE, Category, RankInfo, Span, Trace
from simulator.trace.summary import WORK, Summary

__all__ = ["MOST_SPANS", "Outcome"]

#: Beyond this a trace as Python objects would not fit into the memory of most machines: some 250 bytes a span.
MOST_SPANS = 20_000_000


@dataclass
class Outcome:
    """What a run in lockstep has left behind.

    Attributes
    ----------
    record : Record
        Of the steps that were simulated.
    ranks : tuple of RankInfo
    settled : Settled or None
        The step that is repeated.
    copies : int
        How often it is repeated.
    """

    record: Record
    ranks: tuple[RankInfo, ...]
    settled: Settled | None = None
    copies: int = 0

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
        return max((self._moved(batch, _ends(batch)) for batch in self.record.batches), default=0.0)

    @property
    def spans(self) -> int:
        """How many spans the whole run has."""
        return self.record.spans + self.copies * (self.settled.spans if self.settled else 0)

    def make_spans(self) -> list[Span]:
        """Every span of the whole run, in the order in which they end.

        Raises
        ------
        RunError
            If they are too many to be held.
        """
        if self.spans > MOST_SPANS:
            raise RunError(
                f"a trace of this run has {self.spans:,} spans, more than the {MOST_SPANS:,} that are kept at once: "
                "simulate fewer steps (--set workload.steps=2) to look at them"
            )
        numbered = [batch.span(place) for batch in self.record.batches for place in range(batch.spans)]
        # No span before its cause, though rounding may have it end a hair earlier.
        ends: list[float] = []
        for span in numbered:
            ends.append(span.end if span.cause == NO_CAUSE else max(span.end, ends[span.cause]))
        order = sorted(range(len(numbered)), key=ends.__getitem__)
        place_of = {number: place for place, number in enumerate(order)}
        place_of[NO_CAUSE] = NO_CAUSE
        trace = Trace(self.ranks)
        trace.spans = [numbered[number]._replace(cause=place_of[numbered[number].cause]) for number in order]
        if self.settled is not None and self.copies:
            trace = extend(trace, self.settled.step, self.settled.period, self.copies)
        return trace.spans

    def _moved(self, batch: Batch, time: float) -> float:
        """A time of a batch, later by as much as the copies before it take."""
        if self.settled is None or int(batch.step[0]) <= self.settled.step:
            return time
        return time + self.copies * self.settled.period

    def _times(self, batch: Batch) -> int:
        """How often a batch takes place."""
        return 1 + (self.copies if self.settled is not None and int(batch.step[0]) == self.settled.step else 0)

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
                took_part = batch.played.last[:workers] >= 0
                np.maximum.at(
                    ends, batch.step[:workers][took_part], batch.base + batch.played.ready[:workers][took_part]
                )
        if self.settled is None or not self.copies:
            return ends, gradients
        step, period = self.settled.step, self.settled.period
        repeated = ends[step] + period * np.arange(1, self.copies + 1)
        return np.concatenate([ends[: step + 1], repeated, ends[step + 1 :] + self.copies * period]), gradients

    # Energy ----------------------------------------------------------------------------------------------------------

    def _busy(self) -> dict[int, float]:
        """Seconds in which each rank computes, updates or adds."""
        total = np.zeros(len(self.ranks))
        some = np.zeros(len(self.ranks), dtype=bool)
        overlapping: defaultdict[int, list[Batch]] = defaultdict(list)
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
                overlapping[int(batch.step[0])].append(batch)
            else:
                total += batch.played.busy * self._times(batch)
                some |= batch.played.adds
        total -= self._twice()
        return {int(rank): float(total[rank]) for rank in np.flatnonzero(some)}

    def _twice(self) -> Floats:
        """Seconds that ranks add while they compute, which must not count twice."""
        twice = np.zeros(len(self.ranks))
        works = [batch for batch in self.record.batches if isinstance(batch, LocalWork) and batch.categories[0] in WORK]
        dense = [_dense(batch, len(self.ranks)) for batch in works]
        for batch in self.record.batches:
            if not (isinstance(batch, CollectiveCall) and batch.beside):
                continue
            since, until = batch.base, batch.base + float(batch.played.ready.max())
            beside = [(s, e) for s, e in dense if s.min() < until and e[e > -np.inf].max() > since]
            if not beside:
                continue
            for part in batch.played.parts:
                if isinstance(part, Additions):
                    start, end = batch.base + part.start, batch.base + part.end
                    for works_from, works_until in beside:
                        both = np.minimum(end, works_until[part.rank]) - np.maximum(start, works_from[part.rank])
                        np.add.at(twice, part.rank, np.maximum(both, 0.0) * self._times(batch))
        return twice

    # Breakdown -------------------------------------------------------------------------------------------------------

    def _breakdown(self) -> dict[str, float]:
        """Seconds of the critical path in each category, as `simulator.trace.critical_path` finds it."""
        seconds = {category.value: 0.0 for category in Category}
        if not self.record.batches:
            return seconds
        number, now = self._last(), self.duration
        rounding = ROUNDING * now
        # Where the path enters a copy of the settled step through the same span as an earlier one, it runs in circles
        # from there: (copies left, seconds so far) by that span.
        entered: dict[int, tuple[int, dict[str, float]]] = {}
        period, spans = (0.0, 0) if self.settled is None else (self.settled.period, self.settled.spans)
        while number != NO_CAUSE:
            copy, place = self._copy_of(number)
            if copy > 0 and place in entered:
                circle = entered[place][0] - copy
                turns = (copy - 1) // circle
                for category, sofar in entered[place][1].items():
                    seconds[category] += turns * (seconds[category] - sofar)
                copy -= turns * circle
                now -= turns * circle * period
                entered.clear()
            elif copy > 0 and self._enters_step(place):
                entered[place] = copy, dict(seconds)
            batch = self.record.batch_of(place)
            for start, end, category, before in batch.path_back(place - batch.first):
                end = min(end + copy * period, now)
                start = start + copy * period
                if end < now - rounding:
                    seconds[Category.IDLE] += now - end
                else:
                    end = now
                now = min(start, end) if start > rounding else 0.0
                seconds[category] += end - now
                number = before
            if number != NO_CAUSE:
                # A cause in the step before the settled one is, in a copy, the settled step's of the copy before.
                number += copy * spans
        if now > rounding:
            seconds[Category.IDLE] += now
        return seconds

    def _enters_step(self, place: int) -> bool:
        """Whether a span is in the last batch of the settled step, through one of which each step is entered."""
        return place >= self._last_of_settled

    @cached_property
    def _last_of_settled(self) -> int:
        """Number of the first span of the settled step's last batch."""
        return max(batch.first for batch in self.record.batches if batch.first < self._settled_spans.stop)

    def _last(self) -> int:
        """Number, in the whole run, of the span that ends last; of several, the last one of the last rank."""
        latest = self.duration / SAME_INSTANT
        found: list[tuple[int, int]] = []
        for batch in self.record.batches:
            shift = self._moved(batch, 0.0)
            if _ends(batch) + shift < latest:
                continue
            if isinstance(batch, LocalWork):
                some = np.flatnonzero(batch.end + shift >= latest)
                found += zip(batch.rank[some].tolist(), (batch.first + some).tolist(), strict=True)
            else:
                some = np.flatnonzero((batch.base + batch.played.ready + shift >= latest) & (batch.played.last >= 0))
                found += zip(some.tolist(), (batch.first + batch.played.last[some]).tolist(), strict=True)
        number = max(found)[1]
        if self.settled is not None and number >= self._settled_spans.stop:
            number += self.copies * self.settled.spans
        return number

    @cached_property
    def _settled_spans(self) -> range:
        """Numbers of the spans of the settled step."""
        assert self.settled is not None
        first = next(batch.first for batch in self.record.batches if int(batch.step[0]) == self.settled.step)
        return range(first, first + self.settled.spans)

    def _copy_of(self, number: int) -> tuple[int, int]:
        """For a number in the whole run: the copy of the settled step that it is in, or how many come before, and its
        number in the record. The step itself, and what comes before, is copy 0."""
        if self.settled is None or number < self._settled_spans.stop:
            return 0, number
        spans = self._settled_spans
        copy = min((number - spans.start) // len(spans), self.copies)
        return copy, number - copy * len(spans)

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


def _dense(batch: LocalWork, ranks: int) -> tuple[Floats, Floats]:
    """Start and end for every rank; infinite the wrong way round where it does not take part."""
    start, end = np.full(ranks, np.inf), np.full(ranks, -np.inf)
    start[batch.rank], end[batch.rank] = batch.start, batch.end
    return start, end
