"""A many-core chip divided into groups of cores, each a place for a rank, and the memory they share.

A group has whole cores, dealt out like cards: of 68 cores, 16 groups get 5 or 4 each, and a step that waits for all
groups waits for those with 4. What one group passes to another goes through the chip's memory, where it is read once
and written once: copies together get half of the bandwidth that the working set sees, shared max-min fairly like a
link, and one copy alone no more than the receiving group's cores can move. A copy begins when the receiver has seen the
sender's flag (one core-to-core latency) and its first line arrives after one memory latency. Contention on the
mesh, and the distance between the groups of a chip, are not modelled.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from simulator.errors import InfeasibleError, InputError
from simulator.hardware.device import Device
from simulator.platform.corrections import UNCORRECTED, PlatformCorrections
from simulator.platform.links import Link, Route
from simulator.platform.placement import PlacedDevice

__all__ = ["ChipMemory", "fastest_bandwidth", "group_cores", "groups_of"]


def group_cores(cores: int, groups: int) -> tuple[int, ...]:
    """Cores of each group; they add up to the chip and differ by one at most.

    Examples
    --------
    >>> group_cores(68, 8)
    (9, 9, 9, 9, 8, 8, 8, 8)
    """
    share, left = divmod(cores, groups)
    return tuple(share + (index < left) for index in range(groups))


def groups_of(chip: PlacedDevice, groups: int) -> tuple[PlacedDevice, ...]:
    """The groups of a chip, such as ``"n0.knl.group3"``; the chip itself if there is one.

    Raises
    ------
    InputError
        If the device is no many-core chip.
    InfeasibleError
        If it has fewer cores than groups.
    """
    if groups == 1:
        return (chip,)
    device = chip.device
    if device.family != "manycore":
        raise InputError(f"partitions: {device.name} is not a many-core chip; expected 1, got {groups}")
    cores = int(device.units.value)
    if groups > cores:
        raise InfeasibleError(f"partitions: expected 1 to {cores}, the cores of a {device.name}, got {groups}")
    return tuple(
        PlacedDevice(f"{chip.name}.group{index}", device, chip.node, chip.kind, chip.local_index, chip.name, count)
        for index, count in enumerate(group_cores(cores, groups))
    )


def fastest_bandwidth(device: Device) -> float:
    """What a device's fastest memory achieves [B/s]."""
    return device.memories[device.fast_memory or device.main_memory].achieved_bandwidth.value


class ChipMemory:
    """Routes between the groups of a chip, all over one link a chip: its memory.

    Parameters
    ----------
    bandwidth : callable
        Bandwidth [B/s] that the working set of a device sees. Asked when a chip's first route is.
    corrections : PlatformCorrections
        What measurements have corrected.
    """

    def __init__(self, bandwidth: Callable[[Device], float], corrections: PlatformCorrections = UNCORRECTED) -> None:
        self._bandwidth = bandwidth
        self._corrections = corrections
        self._links: dict[str, Link] = {}

    def route(self, source: PlacedDevice, destination: PlacedDevice) -> Route:
        """The route of a copy between two groups of one chip, or between a group and the chip itself."""
        chip, device = destination.vertex, destination.device
        if chip not in self._links:
            memory = device.memories[device.fast_memory or device.main_memory]
            latency = (memory.latency.value if memory.latency else 0.0) + self._corrections.memory.latency
            bandwidth = self._bandwidth(device) / 2 * self._corrections.memory.bandwidth
            name = f"{chip} copies"
            self._links[chip] = Link(name, chip, chip, bandwidth, latency, "memory", name)
        rate = _copy_rate(destination) * self._corrections.memory.bandwidth
        return Route((self._links[chip],), self.overhead(device), rate)

    def overhead(self, device: Device) -> float:
        """Time [s] until a receiver has seen its sender's flag."""
        return self._corrections.overhead("local", device.core_latency.value if device.core_latency else 0.0)


def _copy_rate(receiver: PlacedDevice) -> float:
    """What the receiver's cores move at most [B/s], reading and writing."""
    each = receiver.device.core_bandwidth
    return receiver.cores * each.value / 2 if receiver.cores and each else inf
