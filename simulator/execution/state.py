"""What a run is made of: the ranks with their devices, and the things all of them use."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import simpy

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.registry import Program
from simulator.cost.calibrated import AS_MODELLED, CostCorrection
from simulator.execution.arithmetic import Arithmetic
from simulator.execution.clock import Delay
from simulator.execution.costs import ComputeCosts
from simulator.execution.cursor import Cursor
from simulator.network.base import Network
from simulator.platform.links import Route
from simulator.trace.spans import Category, Trace, span_of

__all__ = ["Activity", "RankSetup", "RankState", "Run", "Started"]

#: A SimPy process, or a part of one.
Activity = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True)
class RankSetup:
    """One rank and all it needs to know of its device.

    Attributes
    ----------
    batch_route : Route or None
        Path of a batch from the host's memory to the device; None where the host's memory is the device's.
    batch_size, batch_bytes : int, float
        Samples a step, and bytes of such a batch.
    jitter, update_jitter : callable
        Draw the factor on the next gradient's time, and on the next update's.
    update_category : Category
        Where the time of updates and additions belongs: device or host.
    overlap_slowdown : float
        By how much longer arithmetic takes while a message comes or goes: copies take memory bandwidth from it.
    correction : CostCorrection
        What calibration says of loading and of updates of shared arrays; that of other times is part of `costs`.
    shards : int
        Devices that the rank's arrays are spread over in equal parts, all of which work at once.
    memory_route : Route or None
        The device's memory as a link, which updates of arrays that several ranks share compete for; None where no rank
        shares arrays, or where they compete for cores instead.
    core_route : Route or None
        Where the rank is a process that shares cores: its bandwidth is one second of a core each second. None where
        the rank has its device to itself.
    copy_time : callable
        ``bytes -> seconds`` that the rank takes to copy what it sends while others may go on changing it.
    """

    program: Program
    role: str
    costs: ComputeCosts
    batch_route: Route | None
    batch_size: int
    batch_bytes: float
    jitter: Callable[[], float]
    update_category: Category
    memory_route: Route | None = None
    core_route: Route | None = None
    copy_time: Callable[[float], float] = lambda size: 0.0
    update_jitter: Callable[[], float] = lambda: 1.0
    overlap_slowdown: float = 0.0
    correction: CostCorrection = AS_MODELLED
    shards: int = 1


class Started(NamedTuple):
    """An operation, or a second thread, that runs beside its rank's generator; what a `Handle` stands for.

    Attributes
    ----------
    process : simpy.Process
        Succeeds with the operation's result.
    cursor : Cursor
        Its own.
    """

    process: simpy.Process
    cursor: Cursor


@dataclass
class RankState:
    """A thread of a rank while it runs: who it is, what its lanes are busy with, how many collectives it has begun.

    `thread` tells the lanes of a rank's second thread from those of its first in the trace.
    """

    rank: Rank
    setup: RankSetup
    thread: str = ""
    lanes: dict[str, Started] = field(default_factory=dict)
    collectives: int = 0
    transfers: int = 0  #: messages that come or go at the moment
    transfers_changed: simpy.Event | None = None  #: succeeds when they begin or cease; made by whoever waits for it

    def transfer(self, env: simpy.Environment, change: int) -> None:
        """A message begins (+1) or ends (-1)."""
        before, self.transfers = self.transfers, self.transfers + change
        if self.transfers_changed is not None and (before == 0) != (self.transfers == 0):
            self.transfers_changed.succeed()
            self.transfers_changed = None


@dataclass
class Run:
    """What all operations of a run use."""

    env: simpy.Environment
    task: Task
    network: Network
    trace: Trace
    arithmetic: Arithmetic
    stop: simpy.Event = field(init=False)  #: succeeds when learning has reached its target

    def __post_init__(self) -> None:
        self.stop = simpy.Event(self.env)

    def work(self, setup: RankSetup, seconds: float) -> simpy.Event:
        """Succeeds when the rank's device has done what takes it so long, longer where it has to share its core."""
        if setup.core_route is None:
            return Delay(self.env, seconds)
        return self.network.transfer(setup.core_route, seconds * setup.core_route.bandwidth)

    def record(self, cursor: Cursor, category: str, name: str, start: float, size: float = 0.0) -> None:
        """Add a span that ends now and make it the cursor's last."""
        rank, lane, now, step, cause = cursor.rank, cursor.lane, self.env.now, cursor.step, cursor.last
        cursor.last = self.trace.add(span_of((rank, lane, category, name, start, now, size, step, -1, cause)))

    def updated(self) -> None:
        """Tell the arithmetic that an array has changed, and end the run if that was the last it wanted."""
        if not self.stop.triggered and self.arithmetic.updated(self.env.now):
            self.stop.succeed()
