"""Ranks that are processes of one CPU and share its cores, more of them than cores if need be.

The operating system shares cores out fairly: n processes that compute on c cores each run at min(1, c/n) of a core's
speed (processor sharing; Kleinrock, *Queueing Systems* II, 1976, section 4.4). Where cores slow one another down, as
two hyper-threads do, c is what all of them do at once, which is less than their number. That is what max-min fairness
makes of a link, so the cores of a CPU are one: it carries c times what one core copies, κ, and s seconds of a core's
work are a transfer of s·κ bytes at no more than κ. A message is a copy that the
receiving process makes from the memory of the sending one, as MPI libraries do within a machine (one side copies, the
other waits): it keeps a core of the receiver busy, so it competes with whoever computes, and it passes the memory,
which all copies under way share. What a process sends while it goes on changing it, it copies first, at
`copy_bandwidth`, and so do collective calls. Threads of one process, such as a master's, get `thread_cores` cores
together at most, a link of their own.

That is the limit of short time slices. Where a system's profile says how long they are, processes take turns on the
cores instead (see `simulator.network.time_sharing`).

A process that waits for a message sleeps and uses no core; the time until it wakes belongs to the message's overhead, a
constant. Messages to other nodes take no core's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulator.hardware.node import Processes
from simulator.platform.corrections import PlatformCorrections
from simulator.platform.links import CORES, THREADS, Link, Processors, Route
from simulator.platform.placement import PlacedDevice

__all__ = ["MASTER", "ProcessRoutes", "master_process", "process_bandwidth", "processes_of"]

#: What the process of the master is called on its node.
MASTER = "master"


def processes_of(chip: PlacedDevice, count: int) -> tuple[PlacedDevice, ...]:
    """Places of so many workers on a CPU, such as ``"n0.cpu.process3"``."""
    return tuple(
        PlacedDevice(f"{chip.name}.process{index}", chip.device, chip.node, chip.kind, chip.local_index, chip.name, 1)
        for index in range(count)
    )


def master_process(chip: PlacedDevice) -> PlacedDevice:
    """The place of a master, one process whatever the number of its threads."""
    return PlacedDevice(f"{chip.name}.{MASTER}", chip.device, chip.node, "host", 0, chip.name, 1)


def process_bandwidth(chip: PlacedDevice, busy: int, shared: float) -> float:
    """Memory bandwidth [B/s] of one process while `busy` of them stream at once and share `shared`.

    One core gets no more than a core can; more processes than cores take turns and compete no harder.
    """
    device = chip.device
    alone = device.core_bandwidth.value if device.core_bandwidth else inf
    return min(alone, shared / min(busy, device.units.value))


@dataclass(frozen=True)
class _Chip:
    """Links of one CPU."""

    cores: Link
    memory: Link


class ProcessRoutes:
    """What processes of one CPU compete for, as routes: between two of them, and to a core.

    Parameters
    ----------
    processes : Processes
        The table of the system's profile, in numbers.
    corrections : PlatformCorrections
        What measurements have corrected.
    """

    def __init__(self, processes: Processes, corrections: PlatformCorrections) -> None:
        self._thread_cores, self._cores = processes.thread_cores, processes.cores
        #: Time [s] in which a process copies so many bytes, with a core of its own.
        self.copy_time = processes.copy_time
        cores = corrections.cores
        self._time_slice = processes.time_slice if cores.time_slice is None else cores.time_slice
        self._switch_time = processes.switch_time if cores.switch_time is None else cores.switch_time
        self._balance_delay = processes.balance_delay if cores.balance_delay is None else cores.balance_delay
        self.announcement = corrections.overhead("announcement", processes.announcement)
        self._cable = cable = corrections.cable(processes.link)
        self.overhead = corrections.overhead("local", cable.message_overhead or 0.0)
        self._rate = min(cable.bandwidth, cable.flow_cap)
        self._chips: dict[str, _Chip] = {}
        self._scale = cores.together
        self._threads: dict[str, Link] = {}

    @property
    def takes_turns(self) -> bool:
        """Whether processes take turns on cores, in time slices; if not, all run at once at an equal share."""
        return self._time_slice > 0.0

    def message(self, source: PlacedDevice, destination: PlacedDevice) -> Route:
        """The route of a message from process to process: their memory, a core, and the receiver's threads."""
        chip = self._chip(destination)
        links = (chip.memory, chip.cores, self._thread(destination))
        processes = (source.name, destination.name) if self._time_slice else ()
        return Route(links, self.overhead, self._rate, self.announcement, processes)

    def core(self, process: PlacedDevice) -> Route:
        """Where work of a process goes: ``bandwidth`` of this route is one second of a core each second."""
        processes = (process.name,) if self._time_slice else ()
        return Route((self._chip(process).cores, self._thread(process)), 0.0, self._rate, processes=processes)

    def _chip(self, process: PlacedDevice) -> _Chip:
        name = process.vertex
        if name not in self._chips:
            cable = self._cable
            cores, memory = f"{name} cores", f"{name} copies"
            units = int(process.device.units.value)
            together = self._rate * (self._cores or units) * self._scale
            turns = Processors(units, self._time_slice, self._switch_time, self._balance_delay)
            processors = turns if self._time_slice else None
            self._chips[name] = _Chip(
                Link(cores, name, name, together, 0.0, CORES, cores, processors),
                Link(memory, name, name, cable.bandwidth, cable.latency, cable.medium, memory),
            )
        return self._chips[name]

    def _thread(self, process: PlacedDevice) -> Link:
        if process.name not in self._threads:
            name = f"{process.name} threads"
            rate = self._rate * self._thread_cores
            self._threads[process.name] = Link(name, process.vertex, process.vertex, rate, 0.0, THREADS, name)
        return self._threads[process.name]
