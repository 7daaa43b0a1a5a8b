"""Running an algorithm's generators for all ranks at once, on vectors of times.

Where ranks meet in collectives only, what each of them does between two collectives concerns nobody else, and the order
in which ranks are looked at does not matter. So every generator goes on until it has to wait for a collective, and
when all have come to it, it is played as a whole. The time of an operation is that of `simulator.execution.executor`,
which plays the same generators event by event; the two agree to rounding. Whatever this executor cannot tell for sure
it refuses with `Unsuited`: messages of one rank to another, locks, threads, shared arrays, and messages of different
operations that meet on a link.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import inf
from typing import Any

import numpy as np
import simpy

from simulator.algorithms.rank import Task
from simulator.algorithms.vocabulary import Array, Backward, Collective, Handle, Join, Start
from simulator.collectives.schedule import Schedule
from simulator.execution.lanes import COMPUTE, NETWORK, lane_of
from simulator.execution.lockstep.collective import play
from simulator.execution.lockstep.contended_collective import play_with_contention
from simulator.execution.lockstep.contention import Contention
from simulator.execution.lockstep.device_work import DeviceWork, kind_of
from simulator.execution.lockstep.fleets import Fleet, TellsRanksApart, fleets_of
from simulator.execution.lockstep.occupancy import Occupancy
from simulator.execution.lockstep.patterns import Floats, Integers, Patterns
from simulator.execution.lockstep.played import Played
from simulator.execution.lockstep.record import CollectiveCall, LocalWork, Record
from simulator.execution.lockstep.unsuited import Unsuited
from simulator.execution.state import RankSetup
from simulator.execution.travel import collective_parts, collective_result
from simulator.instants import SAME_INSTANT
from simulator.network.base import Network
from simulator.network.fluid import FluidNetwork
from simulator.platform.links import Route
from simulator.trace.spans import NO_CAUSE

__all__ = ["LockstepExecutor"]

#: Ranks that are as far apart as before, but for this part of the time of day, are as far apart as before.
_ROUNDING = 2.0**-42
#: Collectives of one schedule that are kept to be taken again; a step may have several with ranks differently apart.
_REMEMBERED = 8


@dataclass
class _Started:
    """What a `Handle` stands for: ends and last spans, shape (ranks of the fleet,); None while they are not known."""

    end: Floats | None = None
    last: Integers | None = None
    result: Any = None


@dataclass
class _Lane:
    """Operations that were started beside the generators: when the last ends, and its span; shape (ranks,)."""

    end: Floats
    last: Integers


@dataclass
class _Call:
    """A collective that ranks have come to; arrays of shape (ranks,)."""

    operation: Collective
    result: Array
    arrival: Floats
    last: Integers
    step: Integers
    ranks: int = 0
    members: list[tuple[Fleet, _Started | None, Array | None]] = field(default_factory=list)


class LockstepExecutor:
    """Runs one algorithm on one platform.

    Parameters
    ----------
    task, setups, route, category, schedule, packed, collective_overhead, progress
        As for `simulator.execution.executor.Executor`.
    shared : bool
        Whether messages slow one another down on the links they share.
    network : callable
        Makes a network for a collective whose messages have to be played one by one.
    fold : bool
        Whether one generator stands for all ranks of a kind; it has to be off where programs tell ranks apart.
    repeat : bool
        Whether a collective that ranks come to as far apart as before is taken from memory.

    Raises
    ------
    Unsuited
        If the run is none that can be played so.
    """

    def __init__(
        self,
        task: Task,
        setups: Sequence[RankSetup],
        route: Callable[[int, int], Route | tuple[Route, ...]],
        category: Callable[[int, int], str],
        schedule: Callable[[str, int, int, int], Schedule],
        *,
        shared: bool = True,
        packed: bool = True,
        network: Callable[[simpy.Environment], Network] = FluidNetwork,
        fold: bool = True,
        repeat: bool = True,
        progress: Callable[[int], None] | None = None,
        collective_overhead: Callable[[float], float] = lambda size: 0.0,
    ) -> None:
        self._task = task
        self._category = cache(category)
        self._schedule = cache(schedule)
        self._packed = packed
        self._repeat = repeat
        self._network = network
        self._progress = progress
        self._collective_overhead = collective_overhead
        self._patterns = Patterns(route, shared)
        self._contention = Contention(self._patterns.capacities)
        self.occupancy = Occupancy(self._patterns, self._contention)
        self._device = DeviceWork(task, setups, self._patterns, self.occupancy)
        self.fleets = fleets_of(task, setups, fold)
        ranks = self._ranks = len(setups)
        self._now = np.zeros(ranks)
        self._last = np.full(ranks, NO_CAUSE)
        self._lanes: dict[str, _Lane] = {}
        self._calls: dict[int, _Call] = {}
        self._played_calls = 0
        self._known: dict[tuple[int, int], deque[Played]] = {}  # by schedule, which its cache keeps, and element size
        self._ended = 0
        self.record = Record()
        self.collectives = 0  #: how many were called, and of them
        self.repeated = 0  #: taken from memory, and
        self.contended = 0  #: played message by message

    @property
    def steps_alike(self) -> bool:
        """Whether every rank has done the same in every step."""
        return all(fleet.rank.steps_alike for fleet in self.fleets)

    def run(self) -> Record:
        """Run every rank to its end.

        Raises
        ------
        Unsuited
            If something depends on the order of events.
        TellsRanksApart
            If one generator cannot stand for several ranks.
        """
        ready = list(self.fleets)
        while ready:
            work: dict[tuple[Any, ...], list[tuple[Fleet, Any, bool]]] = {}
            for fleet in ready:
                found = self._next_work(fleet)
                if found is not None:
                    key = fleet.step, found[1], *kind_of(found[0])
                    work.setdefault(key, []).append((fleet, *found))
            ready = [fleet for entries in work.values() for fleet in self._perform(entries)]
            while not ready and self._everybody_came():
                ready = self._play_next()
        if self._ended < self._ranks:
            raise Unsuited("ranks wait for one another for ever")
        return self.record

    def _next_work(self, fleet: Fleet) -> tuple[Any, bool] | None:
        """Let the fleet's generator go on to its next work, and whether that was started; None if it has to wait."""
        if fleet.joining and not self._join(fleet):
            return None
        while True:
            try:
                operation = fleet.program.send(fleet.value)
            except StopIteration:
                self._ended += len(fleet.ranks)
                return None
            if self._progress is not None and fleet.step != fleet.rank.step and fleet.ranks[0] == 0:
                self._progress(fleet.rank.step)
            fleet.step = fleet.rank.step
            started = isinstance(operation, Start)
            if isinstance(operation, Start):
                operation = operation.operation
            if isinstance(operation, Collective):
                handle = Handle(_Started()) if started else None
                self._come_to(fleet, operation, handle)
                if handle is None:
                    return None
                fleet.value = handle
            elif isinstance(operation, Join):
                fleet.joining = operation.handles
                if not operation.handles:
                    fleet.value = ()
                elif not self._join(fleet):
                    return None
            else:
                return operation, started

    def _join(self, fleet: Fleet) -> bool:
        """Let the fleet wait for what it joins; whether all of that has an end by now."""
        started = [handle.state for handle in fleet.joining]
        if any(each.end is None for each in started):
            return False
        now, last = self._now[fleet.ranks], self._last[fleet.ranks]
        for each in started:
            later = each.end > now * SAME_INSTANT
            now, last = np.where(later, each.end, now), np.where(later, each.last, last)
        self._now[fleet.ranks], self._last[fleet.ranks] = now, last
        fleet.value, fleet.joining = tuple(each.result for each in started), ()
        return True

    # Work on the ranks' own devices ----------------------------------------------------------------------------------

    def _perform(self, entries: Sequence[tuple[Fleet, Any, bool]]) -> list[Fleet]:
        """Perform an operation of equal kind for each of some fleets; all of them can go on then."""
        fleets = [fleet for fleet, _, _ in entries]
        operations = [operation for _, operation, _ in entries]
        started, lane = entries[0][2], lane_of(operations[0])
        ranks = np.concatenate([fleet.ranks for fleet in fleets]) if len(fleets) > 1 else fleets[0].ranks
        begin, cause = self._after_lane(lane, ranks, self._now[ranks], self._last[ranks])
        slowdown = None
        if isinstance(operations[0], Backward):
            slowdown = np.concatenate([operation.activations.slowdown for operation in operations])
        work = self._device.perform(operations, ranks, begin, slowdown)
        step = np.repeat([fleet.step for fleet in fleets], [len(fleet.ranks) for fleet in fleets])
        first = self.record.spans
        numbers = np.arange(first, first + len(ranks))
        self.record.add(
            LocalWork(
                first, ranks, step, lane, work.categories, work.name, begin, work.end, cause, work.size, work.carried
            )
        )
        if started:
            own = self._lane(lane)
            own.end[ranks], own.last[ranks] = work.end, numbers
        else:
            self._now[ranks], self._last[ranks] = work.end, numbers
        place = 0
        for fleet, operation in zip(fleets, operations, strict=True):
            here = slice(place, place + len(fleet.ranks))
            place = here.stop
            slower = None if work.slowdown is None else work.slowdown[here]
            result = self._device.result(operation, int(fleet.ranks[0]), slower)
            fleet.value = Handle(_Started(work.end[here], numbers[here], result)) if started else result
        return fleets

    def _lane(self, name: str) -> _Lane:
        if name not in self._lanes:
            self._lanes[name] = _Lane(np.full(self._ranks, -inf), np.full(self._ranks, NO_CAUSE))
        return self._lanes[name]

    def _after_lane(self, name: str, ranks: Any, now: Floats, last: Integers) -> tuple[Floats, Integers]:
        """When ranks that come now can begin on a lane, and the spans that let them."""
        lane = self._lanes.get(name)
        if lane is None:
            return now, last
        end = lane.end[ranks]
        return np.maximum(now, end), np.where(end > now * SAME_INSTANT, lane.last[ranks], last)

    # Collectives -----------------------------------------------------------------------------------------------------

    def _come_to(self, fleet: Fleet, operation: Collective, handle: Handle | None) -> None:
        """Note that a fleet has come to its next collective, or has started it."""
        if operation.group is not self._task.everyone and operation.group != self._task.everyone:
            raise Unsuited("some collectives are of some ranks only")
        if operation.kind == "reduce" and len(fleet.ranks) > 1 and operation.root in fleet.ranks:
            raise TellsRanksApart  # the root alone gets the sum
        fleet.collectives += 1
        result = collective_result(operation, 0, self._task)
        call = self._calls.get(fleet.collectives)
        if call is None:
            call = self._calls[fleet.collectives] = _Call(
                operation,
                result,
                np.zeros(self._ranks),
                np.zeros(self._ranks, dtype=np.int64),
                np.zeros(self._ranks, dtype=np.int64),
            )
        one = call.operation
        expected = one.kind, one.root, call.result.layout, call.result.element_size
        if expected != (operation.kind, operation.root, result.layout, result.element_size):
            raise Unsuited("ranks disagree on a collective")
        call.arrival[fleet.ranks] = self._now[fleet.ranks]
        call.last[fleet.ranks] = self._last[fleet.ranks]
        call.step[fleet.ranks] = fleet.step
        call.ranks += len(fleet.ranks)
        holds = operation.kind != "reduce" or operation.root in fleet.ranks
        call.members.append((fleet, None if handle is None else handle.state, result if holds else None))

    def _everybody_came(self) -> bool:
        """Whether the next collective can be played."""
        call = self._calls.get(self._played_calls + 1)
        return call is not None and call.ranks == self._ranks

    def _play_next(self) -> list[Fleet]:
        """Play the next collective; the fleets that may go on then."""
        self._played_calls += 1
        call = self._calls.pop(self._played_calls)
        operation, result = call.operation, call.result
        root = operation.group.index(operation.root)
        now, last = self._after_lane(NETWORK, slice(None), call.arrival, call.last)
        for elements in collective_parts(operation, result, self._packed):
            schedule = self._schedule(operation.kind, self._ranks, elements, root)
            if schedule.rounds:
                now, last = self._overhead(call, elements * result.element_size, now, last)
                now, last = self._play(call, schedule, now, last)
        ready = []
        for fleet, started, array in call.members:
            if started is None:
                self._now[fleet.ranks], self._last[fleet.ranks] = now[fleet.ranks], last[fleet.ranks]
                fleet.value = array
            else:
                own = self._lane(NETWORK)
                own.end[fleet.ranks], own.last[fleet.ranks] = now[fleet.ranks], last[fleet.ranks]
                started.end, started.last, started.result = now[fleet.ranks], last[fleet.ranks], array
            if started is None or fleet.joining:
                ready.append(fleet)
        return ready

    def _overhead(self, call: _Call, size: int, now: Floats, last: Integers) -> tuple[Floats, Integers]:
        """The fixed cost of a call on every rank, where a system has one."""
        seconds = self._collective_overhead(size) if size else 0.0
        if not seconds:
            return now, last
        everyone = np.arange(self._ranks)
        categories = [self._category(rank, (rank or self._ranks) - 1) for rank in range(self._ranks)]
        name, first = f"call {call.operation.kind}", self.record.spans
        end = now + seconds
        self.record.add(LocalWork(first, everyone, call.step, NETWORK, categories, name, now, end, last, float(size)))
        return end, everyone + first

    def _play(self, call: _Call, schedule: Schedule, now: Floats, last: Integers) -> tuple[Floats, Integers]:
        """The messages and additions of one schedule."""
        base, element_size = float(now.min()), call.result.element_size
        apart = now - base
        tolerance = _ROUNDING * float(now.max())
        self.collectives += 1
        known = self._known.setdefault((id(schedule), element_size), deque(maxlen=_REMEMBERED))
        played = next((one for one in known if (abs(one.arrival - apart) <= tolerance).all()), None)
        if played is None:
            played = self._played(schedule, apart, element_size, base)
            if self._repeat:
                known.appendleft(played)
        else:
            self.repeated += 1
        self.occupancy.collective(played, base)
        batch = CollectiveCall(
            self.record.spans,
            played,
            base,
            last,
            call.step,
            NETWORK,
            call.operation.kind,
            element_size,
            self._category,
            self._device.update_categories,
            beside=self._works_beside(call),
        )
        self.record.add(batch)
        return base + played.ready, batch.numbers(played.last)

    def _works_beside(self, call: _Call) -> bool:
        """Whether some rank may work while it takes part: it has started the collective, or work not done by then."""
        compute = self._lanes.get(COMPUTE)
        works = compute is not None and bool((compute.end > call.arrival).any())
        return works or any(started is not None for _, started, _ in call.members)

    def _played(self, schedule: Schedule, apart: Floats, element_size: int, base: float) -> Played:
        """Rounds as batches; message by message, where those of different rounds meet."""
        inputs = (schedule, apart, element_size, self._patterns)
        additions = self._device.additions
        try:
            return play(*inputs, self._contention, additions, base)
        except Unsuited:
            self.contended += 1
            return play_with_contention(*inputs, self._network, additions, base)
