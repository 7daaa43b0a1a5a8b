"""What if a part of a machine were faster: a loaded system with factors on its rates and times.

A parameter is one rate or one time of one part, by a name such as ``device.m40.compute`` or ``link.pcie3-x16.latency``;
its factor multiplies the figure, so 2 on a bandwidth and 0.5 on a latency are both twice as good.

=================================== ==================================================================================
``device.<device>.compute``         arithmetic peak of every precision, and the clock that serial parts run at
``device.<device>.launch``          time to start a kernel, or a parallel region and its join
``device.<device>.memory.<memory>`` bandwidth of that memory; ``.latency`` after it, its latency
``device.<device>.core_bandwidth``  what one core alone reaches
``link.<link>.bandwidth``           all rates of a link profile, of single streams and of pageable copies included
``link.<link>.latency``             latency of its wires and switches
``nic.bandwidth``, ``nic.latency``  all link profiles of the fabric between nodes together
``fabric.oversubscription``         of a fat tree: how many times less its uplinks carry than its adapters
``peer.socket_bandwidth``           what one transfer between accelerators gets through a CPU
``overhead.<kind>``                 software time of a message, copy, peer, staging or local transfer
``overhead.framework``              what a calibration adds to each gradient, update and batch
``collective.call``                 software time of one collective call
``process.copy_bandwidth``          the rate at which processes of one CPU copy what they send or sum
``process.time_slice``              how long they keep a core, what they lose, and how long an idle core stays so
=================================== ==================================================================================

Regime: a part that is faster, but the same otherwise. Capacities, numbers of units, caches, prices and power stay; so
does what was fitted to the device's kernels, as if the whole chip ran at another clock (`ScaledDevice`). With a memory
as cache of another, a hit takes the fast memory and a miss as much again of the slow one, so each speeds up its own
part. Ways through a node are decided anew, as the machine with such a part would take the quickest. The `overhead`
parameters and ``collective.call`` are figures of a platform and its calibration; see `simulator.what_if`.

Every time that the simulator knows is proportional to 1 / a rate or to a time in this table, none to anything else:
with all of them twice as good, everything takes exactly half as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal, TypeVar

from simulator.errors import InputError
from simulator.hardware.cables import Cable, CableType
from simulator.hardware.device import Device
from simulator.hardware.fabric import FatTreeProfile
from simulator.hardware.memory import Memory, MemoryCache
from simulator.hardware.node import Node, Processes
from simulator.hardware.sourced import Kind, Sourced
from simulator.hardware.system import System

__all__ = ["OVERHEADS", "Parameter", "ScaledDevice", "fabric_links", "scaled_device", "scaled_system", "what_ifs"]

#: Kinds of transfers whose software time is a parameter, with what each is the time of.
OVERHEADS: Mapping[str, str] = {
    "message": "a message between nodes",
    "copy": "a copy between host and accelerator",
    "peer": "a transfer between accelerators",
    "staging": "a staging copy",
    "local": "a transfer inside one chip",
    "announcement": "the header of an array from process to process",
    "framework": "a gradient, update or batch, as calibrated",
}
_MEDIA: Mapping[str, str] = {
    "pcie": "PCIe",
    "nvlink": "NVLink",
    "cpu-interconnect": "CPU interconnect",
    "memory": "process to process",
}
_Number = TypeVar("_Number", bound=Sourced[Any] | None)


@dataclass(frozen=True)
class Parameter:
    """One figure of the hardware.

    Attributes
    ----------
    name : str
        Such as ``"device.m40.compute"``.
    title : str
        For people, such as ``"NIC (infiniband-edr): bandwidth"``.
    kind : {"rate", "time"}
        Whether more of it is better, or less.
    members : tuple of str
        The parameters that it overlaps with; empty for one of the complete set that has each time once.
    """

    name: str
    title: str
    kind: Literal["rate", "time"]
    members: tuple[str, ...] = ()

    def better(self, times: float) -> float:
        """The factor that makes the part so many times as good."""
        return times if self.kind == "rate" else 1.0 / times


class ScaledDevice(Device):
    """A device as it would be with factors on it.

    Attributes
    ----------
    original : Device
        What kernel models were fitted to, which still say how efficient each shape is.
    compute, launch, bandwidth : float
        Factors on the arithmetic rate, on the time to start a kernel, and on the bandwidth of the memory that kernels
        work in.
    """

    original: Device
    compute: float = 1.0
    launch: float = 1.0
    bandwidth: float = 1.0


def what_ifs(system: System) -> dict[str, Parameter]:
    """Every parameter of a system, by name; whether a scenario uses it is not asked here."""
    found: list[Parameter] = []
    for device in {device.name: device for device in system.devices.values()}.values():
        found += _of_device(device)
    links = {cable.profile: cable for cable in _cable_types(system)}
    for profile, cable in links.items():
        title = f"{_link_title(system, cable)} ({profile})"
        found.append(Parameter(f"link.{profile}.bandwidth", f"{title}: bandwidth", "rate"))
        found.append(Parameter(f"link.{profile}.latency", f"{title}: latency", "time"))
    fabric = fabric_links(system)
    if fabric:
        title = f"network between nodes ({', '.join(fabric)})"
        rates, times = (tuple(f"link.{link}.{what}" for link in fabric) for what in ("bandwidth", "latency"))
        found.append(Parameter("nic.bandwidth", f"{title}: bandwidth", "rate", rates))
        found.append(Parameter("nic.latency", f"{title}: latency", "time", times))
    if isinstance(system.profile.fabric, FatTreeProfile):
        uplink = system.fabric_cables.get("uplink") or system.fabric_cables["injection"]
        part = (f"link.{uplink.profile}.bandwidth",)
        found.append(Parameter("fabric.oversubscription", "fat tree: oversubscription", "time", part))
    if system.node.peer.socket_bandwidth is not None:
        found.append(Parameter("peer.socket_bandwidth", "transfers through a CPU: bandwidth", "rate"))
    found += [Parameter(f"overhead.{name}", f"software time of {what}", "time") for name, what in OVERHEADS.items()]
    found.append(Parameter("collective.call", "software time of a collective call", "time"))
    if system.node.processes is not None and system.node.processes.copy_bandwidth < inf:
        found.append(Parameter("process.copy_bandwidth", "copy before a message or sum: bandwidth", "rate"))
    if system.node.processes is not None and system.node.processes.time_slice:
        found.append(Parameter("process.time_slice", "time slice, switch and balance delay of processes", "time"))
    return {parameter.name: parameter for parameter in found}


def _of_device(device: Device) -> list[Parameter]:
    found = [Parameter(f"device.{device.name}.compute", f"{device.name}: compute", "rate")]
    if _launch(device):
        what = "kernel launch" if device.launch_overhead else "parallel region"
        found.append(Parameter(f"device.{device.name}.launch", f"{device.name}: {what} time", "time"))
    for name, memory in device.memories.items():
        key, title = f"device.{device.name}.memory.{name}", f"{device.name}: {name.upper()}"
        found.append(Parameter(key, f"{title} bandwidth", "rate"))
        if memory.latency is not None:
            found.append(Parameter(f"{key}.latency", f"{title} latency", "time"))
    if device.core_bandwidth is not None:
        title = f"{device.name}: bandwidth of one core"
        found.append(Parameter(f"device.{device.name}.core_bandwidth", title, "rate"))
    return found


def fabric_links(system: System) -> tuple[str, ...]:
    """Link profiles of the fabric between nodes, each once."""
    types = [*system.fabric_cables.values(), *(cable.type for cable in system.fabric_links)]
    return tuple(dict.fromkeys(cable.profile for cable in types))


def _cable_types(system: System) -> list[CableType]:
    processes = system.node.processes
    return [
        *(cable.type for cable in system.node.cables),
        *([processes.link] if processes is not None else []),
        *system.fabric_cables.values(),
        *(cable.type for cable in system.fabric_links),
    ]


def _link_title(system: System, cable: CableType) -> str:
    if cable.profile not in fabric_links(system):
        return _MEDIA.get(cable.medium, cable.medium)
    injection = system.fabric_cables.get("injection")
    return "NIC" if injection is None or injection.profile == cable.profile else "fabric"


def _launch(device: Device) -> float:
    overhead = device.launch_overhead or device.parallel_region_overhead
    return overhead.value if overhead else 0.0


def scaled_system(system: System, factors: Mapping[str, float]) -> System:
    """The system with factors on its parameters; the very same one where they are all 1.

    Those of ``overhead.`` and ``collective.call`` are not heeded here, see above.

    Parameters
    ----------
    system : System
    factors : mapping
        By names among `what_ifs`.

    Raises
    ------
    InputError
        If a fast memory would no longer be faster than the main one.
    """
    factors = {name: factor for name, factor in factors.items() if factor != 1.0}
    if not factors:
        return system
    devices = {device.name: scaled_device(device, factors) for device in system.devices.values()}
    node = _scaled_node(system, factors)
    tables = {"node": system.profile.node.model_copy(update={"peer": node.peer})}
    uplink = 1.0 / factors.get("fabric.oversubscription", 1.0)
    cables = dict(system.fabric_cables)
    if uplink != 1.0:
        thick = cables.get("uplink") or cables["injection"]
        cables["uplink"] = _faster(thick, uplink, 1.0)
    return replace(
        system,
        profile=system.profile.model_copy(update=tables),
        node=node,
        devices={vertex: devices[device.name] for vertex, device in system.devices.items()},
        fabric_cables={key: _scaled_cable(cable, system, factors) for key, cable in cables.items()},
        fabric_links=tuple(
            replace(cable, type=_scaled_cable(cable.type, system, factors)) for cable in system.fabric_links
        ),
    )


def _scaled_processes(processes: Processes, system: System, factors: Mapping[str, float]) -> Processes:
    factor = factors.get("process.copy_bandwidth", 1.0)
    return replace(
        processes,
        link=_scaled_cable(processes.link, system, factors),
        copy_bandwidth=processes.copy_bandwidth * factor,
        cached_copy_bandwidth=processes.cached_copy_bandwidth * factor,
        time_slice=processes.time_slice * factors.get("process.time_slice", 1.0),
        switch_time=processes.switch_time * factors.get("process.time_slice", 1.0),
        balance_delay=processes.balance_delay * factors.get("process.time_slice", 1.0),
    )


def _scaled_node(system: System, factors: Mapping[str, float]) -> Node:
    node = system.node

    def scaled(cable: Cable) -> Cable:
        return replace(cable, type=_scaled_cable(cable.type, system, factors))

    limit = _scaled(node.peer.socket_bandwidth, factors.get("peer.socket_bandwidth", 1.0))
    processes = node.processes
    return replace(
        node,
        cables=tuple(scaled(cable) for cable in node.cables),
        peer=node.peer.model_copy(update={"socket_bandwidth": limit}),
        processes=processes and _scaled_processes(processes, system, factors),
    )


def _scaled_cable(cable: CableType, system: System, factors: Mapping[str, float]) -> CableType:
    shared = cable.profile in fabric_links(system)

    def factor(quantity: str) -> float:
        own = factors.get(f"link.{cable.profile}.{quantity}", 1.0)
        return own * (factors.get(f"nic.{quantity}", 1.0) if shared else 1.0)

    return _faster(cable, factor("bandwidth"), factor("latency"))


def _faster(cable: CableType, bandwidth: float, latency: float) -> CableType:
    if bandwidth == latency == 1.0:
        return cable
    return replace(
        cable,
        bandwidth=cable.bandwidth * bandwidth,
        latency=cable.latency * latency,
        pageable_bandwidth=cable.pageable_bandwidth * bandwidth,
        flow_cap=cable.flow_cap * bandwidth,
    )


def scaled_device(device: Device, factors: Mapping[str, float]) -> Device:
    """A device with the factors that are on it; the very same one where there are none.

    Raises
    ------
    InputError
        If its fast memory would no longer be faster than the main one.
    """
    prefix = f"device.{device.name}."
    own = {name.removeprefix(prefix): factor for name, factor in factors.items() if name.startswith(prefix)}
    if not own:
        return device
    compute, launch = own.get("compute", 1.0), own.get("launch", 1.0)
    by_memory = {name: own.get(f"memory.{name}", 1.0) for name in device.memories}
    memories = {
        name: _scaled_memory(memory, by_memory[name], own.get(f"memory.{name}.latency", 1.0))
        for name, memory in device.memories.items()
    }
    _check_order(device, memories)
    fields = dict(device) | {
        "peak": {precision: _scaled(rate, compute) for precision, rate in device.peak.items()},
        "clock": _scaled(device.clock, compute),
        "memories": memories,
        "memory_cache": _scaled_cache(device, by_memory),
        "launch_overhead": _scaled(device.launch_overhead, launch),
        "parallel_region_overhead": _scaled(device.parallel_region_overhead, launch),
        "core_bandwidth": _scaled(device.core_bandwidth, own.get("core_bandwidth", 1.0)),
    }
    return ScaledDevice.model_construct(
        **fields,
        original=device,
        compute=compute,
        # Of a device without such a figure, what a call takes at least is instructions, too.
        launch=launch if _launch(device) else 1.0 / compute,
        bandwidth=by_memory[device.fast_memory or device.main_memory],
    )


def _check_order(device: Device, memories: Mapping[str, Memory]) -> None:
    if device.fast_memory is None:
        return
    fast, main = memories[device.fast_memory], memories[device.main_memory]
    if fast.achieved_bandwidth.value <= main.achieved_bandwidth.value:
        raise InputError(
            f"device.{device.name}.memory: {device.fast_memory} would be no faster than {device.main_memory}, "
            f"{fast.achieved_bandwidth.value / 1e9:.4g} GB/s and {main.achieved_bandwidth.value / 1e9:.4g} GB/s; "
            f"expected {device.fast_memory} to stay the faster one"
        )


def _scaled_memory(memory: Memory, bandwidth: float, latency: float) -> Memory:
    return memory.model_copy(
        update={
            "bandwidth": _scaled(memory.bandwidth, bandwidth),
            "achieved_bandwidth": _scaled(memory.achieved_bandwidth, bandwidth),
            "latency": _scaled(memory.latency, latency),
        }
    )


def _scaled_cache(device: Device, factors: Mapping[str, float]) -> MemoryCache | None:
    """The two measured points of a fast memory used as a cache, as they would be.

    The share (1 - hits) of the bytes takes the main memory's time on top of the fast one's, so that with t and s the
    times [s/B] of the two, a point is t + (1 - hits) s. Two points give both.
    """
    cache, fast = device.memory_cache, device.fast_memory
    if cache is None or fast is None:
        return None
    capacity = device.memories[fast].capacity.value
    inside, beyond = (
        1.0 - min(1.0, capacity / footprint.value) for footprint in (cache.inside_footprint, cache.beyond_footprint)
    )
    times = 1.0 / cache.inside_bandwidth.value, 1.0 / cache.beyond_bandwidth.value
    extra = (times[1] - times[0]) / (beyond - inside)
    hit = times[0] - inside * extra
    faster_hit, faster_extra = hit / factors[fast], extra / factors[device.main_memory]

    def point(number: Sourced[float], before: float, misses: float) -> Sourced[float]:
        return _scaled(number, before / (faster_hit + misses * faster_extra))

    return cache.model_copy(
        update={
            "inside_bandwidth": point(cache.inside_bandwidth, times[0], inside),
            "beyond_bandwidth": point(cache.beyond_bandwidth, times[1], beyond),
        }
    )


def _scaled(number: _Number, factor: float) -> _Number:
    """A figure times a factor, which says so; a figure that nobody states stays away."""
    if number is None or factor == 1.0:
        return number
    note = f"what if: {factor:.6g} times {number.value:.6g}"
    return number.model_copy(update={"value": number.value * factor, "kind": Kind.ASSUMED, "note": note})
