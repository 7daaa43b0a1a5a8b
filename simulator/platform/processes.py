"""Ranks that are processes of one CPU and share its cores, more of them than cores if need be.

The operating system shares cores out fairly: n processes that compute on c cores each run at min(1, c/n) of a core's
speed (processor sharing; Kleinrock, *Queueing Systems* II, 1976, section 4.4). Where cores slow one another down, as
two hyper-threads do, c is what all of them do at once, which is less than their number; and it is less again by the
factor `crowded` while more processes compute than there are cores, which then switch from one to another and find what
the other has left in their caches. That is what max-min fairness
makes of a link, so the cores of a CPU are one: it carries c times what one core copies, κ, and s seconds of a core's
work are a transfer of s·κ bytes at no more than κ. A message is a copy that the
receiving process makes from the memory of the sending one, as MPI libraries do within a machine (one side copies, the
other waits): it keeps a core of the receiver busy, so it competes with whoever computes, and it passes the memory,
which all copies under way share. What a process sends while it goes on changing it, it copies first, at
`copy_bandwidth`, and so do collective calls. Threads of one process, such as a master's, get `thread_cores` cores
together at most, a link of their own.

A process that waits for a message sleeps and uses no core; the time until it wakes belongs to the message's overhead, a
constant. While all cores compute, it has to wait for its turn as well, which the system gives it after some
milliseconds: `CoresCorrection.turn`, fitted to whole steps. Not modelled: which process is given which core.
Messages to other nodes take no core's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulator.hardware.node import Processes
from simulator.platform.corrections import PlatformCorrections
from simulator.platform.links import CORES, THREADS, Link, Route
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
        self._copy_bandwidth = processes.copy_bandwidth
        self._turn = corrections.cores.turn
        self._cable = cable = corrections.cable(processes.link)
        self.overhead = corrections.overhead("local", cable.message_overhead or 0.0)
        self._rate = min(cable.bandwidth, cable.flow_cap)
        self._chips: dict[str, _Chip] = {}
        self._scale, self._crowded = corrections.cores.together, processes.crowded * corrections.cores.crowded
        self._threads: dict[str, Link] = {}

    def message(self, source: PlacedDevice, destination: PlacedDevice) -> Route:
        """The route of a message from process to process: their memory, a core, and the receiver's threads."""
        chip = self._chip(destination)
        links = (chip.memory, chip.cores, self._thread(destination))
        return Route(links, self.overhead, self._rate, self._turn)

    def core(self, process: PlacedDevice) -> Route:
        """Where work of a process goes: ``bandwidth`` of this route is one second of a core each second."""
        return Route((self._chip(process).cores, self._thread(process)), 0.0, self._rate)

    def copy_time(self, size: float) -> float:
        """Time [s] in which a process copies so many bytes, with a core of its own."""
        return size / self._copy_bandwidth

    def _chip(self, process: PlacedDevice) -> _Chip:
        name = process.vertex
        if name not in self._chips:
            cable = self._cable
            cores, memory = f"{name} cores", f"{name} copies"
            units = int(process.device.units.value)
            together = self._rate * (self._cores or units) * self._scale
            self._chips[name] = _Chip(
                Link(cores, name, name, together, 0.0, CORES, cores, units, together * self._crowded),
                Link(memory, name, name, cable.bandwidth, cable.latency, cable.medium, memory),
            )
        return self._chips[name]

    def _thread(self, process: PlacedDevice) -> Link:
        if process.name not in self._threads:
            name = f"{process.name} threads"
            rate = self._rate * self._thread_cores
            self._threads[process.name] = Link(name, process.vertex, process.vertex, rate, 0.0, THREADS, name)
        return self._threads[process.name]
