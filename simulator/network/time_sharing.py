"""Processes that take turns on the cores of their CPU, in time slices: what an operating system makes of too few cores.

The fluid model shares cores out evenly at every instant (processor sharing). A system gives a process a core for a
slice of some milliseconds, while others wait; where steps take no more than a few slices that is not the same. So:

- A process that has something to do gets a core that is idle, its last one if it can.
- If none is, it waits in the queue of the core with the fewest, of its last one if it can. A core goes to another
  process when the one on it has nothing more to do, or has had it for a time slice. What a process does next, in the
  same instant, it does with what is left of its slice.
- A core without anybody takes one from another core's queue when it has been idle for the balance delay. Until then
  some wait beside an idle core, as they do under Linux, whose cores look at one another's queues now and then (Lozi et
  al., The Linux scheduler: a decade of wasted cores, *EuroSys* 2016). Without such a delay all cores have one queue.
- Of those that wait, the one that has had the least goes first (virtual times, as in start-time fair queueing; Goyal,
  Vin & Cheng, *SIGCOMM* 1996; Linux's schedulers keep the same account). Who has slept is not owed the time that he
  slept: at most a slice.
- A process that gets a core on which another has been since it was interrupted spends the switch time on finding its
  arrays again in the core's cache.

With slices, switches and delays of no length this is processor sharing again, and with a core for everybody nobody
waits.

A message keeps both processes at work, one after the other: the sender spends a share of the message's overhead on a
core and wakes the receiver, which spends as much; then the receiver copies. A process computes and communicates in
different threads, which have accounts of their own: who passes a message has had little, so it soon gets a core.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from operator import attrgetter

import simpy
from simpy.events import EventPriority

from simulator.network.accounts import NetworkCounters, ResourceUse, resource_uses
from simulator.network.base import Network, check_size
from simulator.network.fluid import Wakeup
from simulator.platform.links import CORES, THREADS, Link, Route

__all__ = ["BUSY_SHARE", "TimeSharedCores"]

#: Share of a message's overhead that a process spends on a core, while it sleeps through the other's. On two cores of a
#: Xeon both sides of a message of 8 B to 40 kB were busy for 0.07 of 0.15 ms, and for 0.13 of 0.27 ms with a header
#: sent before it (`time.process_time` over 60 messages, 2026-11).
BUSY_SHARE = 0.5

_had_so_far = attrgetter("virtual")
_AFTER_ALL_ELSE = EventPriority(2)  # of an instant: whoever goes on has said so by then
_ROUNDING = 1e-12, 1e-15  # what is no time [s]: so much, and so much of the time of day


class TimeSharedCores:
    """A network model beside another one, which carries all bytes: what processes do takes time slices of their cores.

    Parameters
    ----------
    env : simpy.Environment
    carrier : Network
        For messages that no processes are at work for, and for the memory that copies share.
    """

    def __init__(self, env: simpy.Environment, carrier: Network) -> None:
        self.counters: NetworkCounters = carrier.counters
        self._env = env
        self._carrier = carrier
        self._chips: dict[str, _Chip] = {}
        self._places: dict[Route, tuple[_Chip, float]] = {}  # the cores of a route, and how many its threads get
        self._copies: dict[Route, Route] = {}  # without the cores and threads
        self._worked: dict[Route, float] = {}  # bytes, as the fluid model counts the work of cores

    def transfer(self, route: Route, size: float) -> simpy.Event:
        """Start a message, or work of a process, now; see `Network.transfer`."""
        if not route.processes:
            return self._carrier.transfer(route, size)
        check_size(size)
        done = simpy.Event(self._env)
        self._worked[route] = self._worked.get(route, 0.0) + size
        if len(route.processes) == 1:
            self.counters.transfers += 1
            self._work(route, route.processes[0], "", size / route.bandwidth, done.succeed)
        else:
            _Message(self, route, size, done)
        return done

    def traffic(self) -> dict[str, float]:
        """Bytes sent so far by link medium."""
        return self._carrier.traffic()

    def uses(self) -> list[ResourceUse]:
        """Use of every resource so far, most loaded first."""
        busy = {name: chip.busy_so_far() for name, chip in self._chips.items()}
        cores = [use for use in resource_uses(self._worked.items(), busy) if use.medium == CORES]
        return sorted([*self._carrier.uses(), *cores], key=lambda use: (-use.load, use.resource))

    def _work(self, route: Route, process: str, thread: str, seconds: float, then: Callable[[], object]) -> None:
        """Have a thread of a process spend so many seconds on a core."""
        place = self._places.get(route)
        if place is None:
            place = self._places[route] = self._find(route)
        chip, threads = place
        chip.submit(_Job(process, thread, seconds, threads, then))

    def _find(self, route: Route) -> tuple[_Chip, float]:
        cores = next(link for link in route.links if link.medium == CORES)
        if cores.resource not in self._chips:
            self._chips[cores.resource] = _Chip(self._env, cores, route.rate_cap)
        threads = next((link.bandwidth for link in route.links if link.medium == THREADS), inf)
        return self._chips[cores.resource], threads / route.rate_cap

    def copy(self, route: Route, size: float) -> simpy.Event:
        """A message's bytes on their way through the memory, without the software before them."""
        plain = self._copies.get(route)
        if plain is None:
            links = tuple(link for link in route.links if link.medium not in (CORES, THREADS))
            plain = self._copies[route] = Route(links, rate_cap=route.rate_cap)
        return self._carrier.transfer(plain, size)

    def busy(self, route: Route, process: str, seconds: float, then: Callable[[], object]) -> None:
        """Have a process spend so many seconds on passing a message."""
        self._work(route, process, "message", seconds, then)


class _Message:
    """One message between two processes: software on both sides, one after the other, then a copy by the receiver."""

    __slots__ = ("_cores", "_done", "_left", "_route", "_size")

    def __init__(self, cores: TimeSharedCores, route: Route, size: float, done: simpy.Event) -> None:
        self._cores = cores
        self._route = route
        self._size = size
        self._done = done
        self._left = 2
        env = done.env
        Wakeup(env, self._begin, env.now + (1.0 - 2 * BUSY_SHARE) * route.overhead + route.latency)

    def _begin(self, _: simpy.Event) -> None:
        self._software(0, lambda: self._software(1, self._copy))

    def _software(self, side: int, then: Callable[[], object]) -> None:
        self._cores.busy(self._route, self._route.processes[side], BUSY_SHARE * self._route.overhead, then)

    def _copy(self) -> None:
        copied = self._cores.copy(self._route, self._size)
        assert copied.callbacks is not None
        copied.callbacks.append(lambda _: self._arrived())
        seconds = self._size / self._route.rate_cap
        self._cores.busy(self._route, self._route.processes[1], seconds, self._arrived)

    def _arrived(self) -> None:
        """The memory has carried it, or the receiver has had it in hand for as long as it takes."""
        self._left -= 1
        if self._left == 0:
            self._done.succeed()


class _Job:
    """What a thread has to do on a core."""

    __slots__ = ("had", "interrupted", "left", "process", "then", "thread", "threads", "virtual")

    def __init__(self, process: str, thread: str, left: float, threads: float, then: Callable[[], object]) -> None:
        self.process = process
        self.thread = thread
        self.left = left  # [s] of a core
        self.threads = threads  # how many cores the threads of its process get at once
        self.then = then
        self.virtual = 0.0  # what the thread has had so far [s], by the account of its queue
        self.had = 0.0  # of its time slice
        self.interrupted = False


class _Core:
    __slots__ = ("had", "idle_since", "job", "last")

    def __init__(self, now: float) -> None:
        self.job: _Job | None = None
        self.last = ""  # the process that was on it last
        self.had = 0.0  # of the slice of a process that has ended its work this instant, and may go on
        self.idle_since = now


class _Queue:
    """Those who wait for the same cores, one or all of them, and what they have had."""

    __slots__ = ("_virtual", "cores", "waiting")

    def __init__(self, cores: list[_Core]) -> None:
        self.cores = cores
        self.waiting: list[_Job] = []
        self._virtual = 0.0

    @property
    def idle(self) -> list[_Core]:
        """Cores that nobody is on."""
        return [core for core in self.cores if core.job is None]

    @property
    def present(self) -> int:
        """How many are on its cores or wait for them."""
        return len(self.cores) - len(self.idle) + len(self.waiting)

    def virtual(self) -> float:
        """What the one who has had the least has had; never less than it was."""
        present = [*(core.job for core in self.cores if core.job is not None), *self.waiting]
        if present:
            self._virtual = max(self._virtual, min(map(_had_so_far, present)))
        return self._virtual

    def first(self) -> _Job:
        """Who waits and has had the least; of several, who came first."""
        return min(self.waiting, key=_had_so_far)


class _Chip:
    """The cores of one CPU and who is on them."""

    def __init__(self, env: simpy.Environment, cores: Link, rate: float) -> None:
        processors = cores.processors
        assert processors is not None, "a route that processes are at work for crosses cores that say how many"
        self._env = env
        self._slice = processors.time_slice
        self._switch = processors.switch_time
        self._delay = processors.balance_delay
        self._cores = [_Core(env.now) for _ in range(processors.count)]
        self._queues = [_Queue([core]) for core in self._cores] if self._delay else [_Queue(self._cores)]
        self._together = cores.bandwidth / rate  # how many cores' work all of them do at once
        self._fresh: list[_Job] = []  # of this instant
        self._left: dict[tuple[str, str], tuple[_Queue, float]] = {}  # by process and thread: where, with what had
        self._since = env.now
        self._speeds: dict[_Job, float] = {}
        self._settling = False
        self._timer: Wakeup | None = None
        self._busy = 0.0

    def submit(self, job: _Job) -> None:
        """A thread has something to do from now on."""
        self._advance()
        self._fresh.append(job)
        self._settle_later()

    def busy_so_far(self) -> float:
        """Seconds with at least one process at work."""
        return self._busy + (self._env.now - self._since if self._speeds else 0.0)

    def _advance(self) -> None:
        """Let those on the cores have had their time up to now."""
        passed = self._env.now - self._since
        self._since = self._env.now
        if passed > 0.0 and self._speeds:
            self._busy += passed
            for job, speed in self._speeds.items():
                job.left -= passed * speed
                job.virtual += passed
                job.had += passed

    @property
    def _nothing(self) -> float:
        """What rounding may have left of some time [s]."""
        least, share = _ROUNDING
        return least + share * self._env.now

    def _settle_later(self) -> None:
        if not self._settling:
            self._settling = True
            Wakeup(self._env, self._settle, self._env.now, _AFTER_ALL_ELSE)

    def _fire(self, timer: simpy.Event) -> None:
        """Somebody has finished, or has had a slice, or a core has been idle for the delay."""
        if timer is not self._timer:
            return
        self._timer = None
        self._advance()
        for queue in self._queues:
            for core in queue.cores:
                job = core.job
                if job is not None and job.left <= self._nothing:
                    self._leave(queue, core, job)
                    core.had = job.had
                    job.then()
        self._settle_later()

    def _leave(self, queue: _Queue, core: _Core, job: _Job) -> None:
        queue.virtual()  # while it is still among those present
        del self._speeds[job]
        core.job, core.last, core.idle_since = None, job.process, self._env.now
        self._left[job.process, job.thread] = queue, job.virtual

    def _settle(self, _: simpy.Event) -> None:
        """At the end of an instant: who goes on, who gets a core, and until when that holds."""
        self._settling = False
        self._go_on()
        fresh, self._fresh = self._fresh, []
        for job in fresh:
            self._enqueue(job, self._choose(job))
        for queue in self._queues:
            self._interrupt(queue)
            for core in queue.cores:
                core.had = 0.0
            while queue.waiting and (idle := queue.idle):
                job = queue.first()
                self._place(job, queue, next((core for core in idle if core.last == job.process), idle[0]))
        self._run(self._balance())

    def _go_on(self) -> None:
        """Those who have finished something and have more to do keep their cores for the rest of their slices."""
        for queue in self._queues:
            for core in queue.cores:
                if core.job is None and core.had > 0.0:
                    for job in [job for job in self._fresh if job.process == core.last]:
                        self._fresh.remove(job)
                        self._enqueue(job, queue)
                    same = [job for job in queue.waiting if job.process == core.last]
                    if same and core.had < self._slice - self._nothing:
                        job = min(same, key=_had_so_far)
                        job.had = core.had
                        self._place(job, queue, core)

    def _choose(self, job: _Job) -> _Queue:
        """Where to wait: with the fewest there, if it can be where the thread was last."""
        last, _ = self._left.get((job.process, job.thread), (None, 0.0))
        return min(self._queues, key=lambda queue: (queue.present / len(queue.cores), queue is not last))

    def _enqueue(self, job: _Job, queue: _Queue) -> None:
        """Have it wait with what the thread has had beside the others, of the time it slept a slice at most."""
        before, had = self._left.get((job.process, job.thread), (queue, 0.0))
        now = queue.virtual()
        if before is not queue:
            had += now - before.virtual()
        job.virtual = max(had, now - self._slice)
        queue.waiting.append(job)

    def _interrupt(self, queue: _Queue) -> None:
        """Those who have had a slice make way for whoever has had less."""
        for core in queue.cores:
            job = core.job
            if job is not None and queue.waiting and job.had >= self._slice - self._nothing:
                job.had = 0.0
                first = queue.first()
                if first.virtual <= job.virtual + self._nothing:
                    self._leave(queue, core, job)
                    job.interrupted = True
                    queue.waiting.append(job)
                    self._place(first, queue, core)

    def _place(self, job: _Job, queue: _Queue, core: _Core) -> None:
        queue.waiting.remove(job)
        if core.last != job.process and job.interrupted:
            job.left += self._switch
        job.interrupted = False
        core.job, core.last = job, job.process
        self._speeds[job] = 1.0

    def _balance(self) -> float:
        """Let cores that have been idle for the delay take someone; when the next of them will [s]."""
        soonest = inf
        for queue in self._queues:
            for core in queue.idle:
                longest = max(self._queues, key=lambda other: len(other.waiting))
                if not longest.waiting:
                    return soonest
                left = core.idle_since + self._delay - self._env.now
                if left > self._nothing:
                    soonest = min(soonest, left)
                    continue
                job = longest.first()
                longest.waiting.remove(job)
                job.virtual += queue.virtual() - longest.virtual()
                queue.waiting.append(job)
                self._place(job, queue, core)
        return soonest

    def _run(self, until: float) -> None:
        """Speeds from now on, and when the first of them ends, or that is over for another reason."""
        running = [core.job for core in self._cores if core.job is not None]
        self._timer = None
        if not running:
            return
        speed = min(1.0, self._together / len(running))
        of_process: dict[str, int] = {}
        for job in running:
            of_process[job.process] = of_process.get(job.process, 0) + 1
        for job in running:
            limit = min(1.0, job.threads / of_process[job.process])
            self._speeds[job] = own = min(speed, limit)
            until = min(until, job.left / own)
        for queue in self._queues:
            if queue.waiting:
                had = max(core.job.had for core in queue.cores if core.job is not None)
                until = min(until, self._slice - had)
        self._timer = Wakeup(self._env, self._fire, self._env.now + max(until, 0.0))
