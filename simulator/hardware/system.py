"""System profiles: a whole machine, from the vertices of a node to the fabric between nodes.

A profile names devices and links by their own profiles and adds what belongs to the machine: topology, software
overheads, size, price and power. `load_system` checks all of it and spells it out; `simulator.platform` builds from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from simulator.documents import Document, read_toml, validate
from simulator.errors import InputError, UnknownNameError, suggestion
from simulator.hardware.cables import Cable, CableProfile, CableType, resolve
from simulator.hardware.catalogue import ProfileKind, beside, is_bundled, names, profile_path
from simulator.hardware.device import Device, load_device
from simulator.hardware.fabric import FabricProfile, LinksProfile
from simulator.hardware.link import LinkProfile, load_link
from simulator.hardware.listing import CableNumbers, check_connected, expand_cables, expand_names
from simulator.hardware.node import NameList, Node, NodeProfile, expand_node
from simulator.hardware.sourced import (
    Profile,
    SourcedDuration,
    SourcedMoney,
    SourcedPower,
    SourcedPrice,
    SourcedSize,
    SourcedTime,
    Text,
)

__all__ = ["CollectiveOverheads", "Facts", "Overheads", "System", "SystemProfile", "load_system"]


class CollectiveOverheads(Document):
    """Software time of one collective call on every rank, before its first message [s].

    A library's kernels must be started on every device and joined again, whatever the size; some libraries are slower
    still on large arrays, because they register or stage the array anew at every call.

    Attributes
    ----------
    call : Sourced
        A call on an array of any size.
    large_from, large_call : Sourced, optional
        The size of array [bytes] from which a call takes longer, and how long it takes then; both or neither.
    """

    call: SourcedTime
    large_from: SourcedSize | None = None
    large_call: SourcedTime | None = None

    @model_validator(mode="after")
    def _large_is_whole(self) -> Self:
        if (self.large_from is None) != (self.large_call is None):
            raise ValueError("expected large_from and large_call together, got only one of them")
        if self.large_call is not None and self.large_call.value < self.call.value:
            raise ValueError("large_call: expected at least as long as call")
        return self

    def time(self, size: float) -> float:
        """Time [s] of a call on an array of `size` bytes."""
        if self.large_from is not None and self.large_call is not None and size >= self.large_from.value:
            return self.large_call.value
        return self.call.value


class Overheads(Document):
    """Software time before the first byte moves [s], where this machine's own figures are known.

    What is left out is taken from the links a message crosses: the largest `message_overhead` of their profiles, and
    for messages between nodes that figure times the `message_overhead_factor` of the host's device.

    Attributes
    ----------
    copy_call : Sourced, optional
        One copy call between host and accelerator memory; the key is `copy`.
    peer : Sourced, optional
        One transfer between two accelerators of a node.
    staging : Sourced, optional
        One of the two copies of a transfer that driver or MPI stages in host memory; without it, `copy`.
    message : Sourced, optional
        One message between nodes, MPI included, on the CPU that drives this machine's network.
    collective : CollectiveOverheads, optional
        What a collective takes beyond its messages and additions; nothing if left out.
    """

    copy_call: SourcedTime | None = Field(default=None, alias="copy")
    peer: SourcedTime | None = None
    staging: SourcedTime | None = None
    message: SourcedTime | None = None
    collective: CollectiveOverheads | None = None


class Facts(Document):
    """What a node costs and draws.

    Attributes
    ----------
    price : Sourced, optional
        Of renting a node, electricity included [USD/s].
    purchase : Sourced, optional
        Of buying a node [USD].
    node_power : Sourced, optional
        Of a node under load, accelerators included [W].
    mtbf : Sourced, optional
        Mean time to failure of a node, whatever of it fails that stops a run [s].
    """

    price: SourcedPrice | None = None
    purchase: SourcedMoney | None = None
    node_power: SourcedPower | None = None
    mtbf: SourcedDuration | None = None


class SystemProfile(Profile):
    """A file of `hardware_profiles/systems/`.

    Attributes
    ----------
    topology_sources : tuple of str
        Keys of the sources that document the topology and the node count.
    assumptions : tuple of str
        What the sources leave open, and how this profile decides it.
    max_nodes : int
        Nodes the machine has, or that its fabric is meant for.
    memory_mode, cluster_mode : str, optional
        Modes its accelerators are booted in, instead of the device's own default.
    partitions : int
        Groups an accelerator is divided into by default.
    """

    schema_version: Literal["clustersim/system/1"] = Field(alias="schema")
    topology_sources: Annotated[NameList, Field(min_length=1)]
    assumptions: tuple[Text, ...] = ()
    max_nodes: Annotated[int, Field(ge=1)]
    memory_mode: Text | None = None
    cluster_mode: Text | None = None
    partitions: Annotated[int, Field(ge=1)] = 1
    overheads: Overheads = Overheads()
    node: NodeProfile
    fabric: FabricProfile
    facts: Facts = Facts()

    @model_validator(mode="after")
    def _topology_is_documented(self) -> Self:
        for source in self.topology_sources:
            if source not in self.sources:
                hint = suggestion(source, self.sources)
                raise ValueError(f"topology_sources: {source!r} is not a key of [sources]{hint}")
        return self


@dataclass(frozen=True, eq=False)
class System:
    """A system profile, checked and spelt out.

    Attributes
    ----------
    name : str
    path : Path
        The file it came from.
    profile : SystemProfile
        As written.
    node : Node
        Vertices and cables of one node.
    devices : mapping
        Device of every device vertex of the node, by the vertex's local name.
    fabric_cables : mapping
        Numbers of the fabric's cables, by their key in the `[fabric]` table.
    fabric_switches, fabric_links : tuple
        Of a fabric that is written as a list of links; empty for the others.
    """

    name: str
    path: Path
    profile: SystemProfile
    node: Node
    devices: Mapping[str, Device]
    fabric_cables: Mapping[str, CableType]
    fabric_switches: tuple[str, ...] = ()
    fabric_links: tuple[Cable, ...] = ()

    @property
    def max_nodes(self) -> int:
        """Nodes the machine has."""
        return self.profile.max_nodes

    @property
    def accelerators_per_node(self) -> int:
        """Ranks a node holds, one an accelerator."""
        return len(self.node.accelerators)


def load_system(name: str | Path) -> System:
    """A system by the name of its profile, or by the path of a TOML file.

    Names of devices and links that end in ``.toml`` are files, relative to that of the system.

    Raises
    ------
    UnknownNameError
        If there is no such profile, or it names a device, link or vertex that does not exist.
    InputError
        If the file is wrong in any other way; one line that names the file, the key and what was expected.
    """
    path = profile_path("systems", name)
    where = str(path)
    data = read_toml(path)
    profile = validate(_with_fabric(data, where), SystemProfile, where)
    if profile.name != path.stem:
        raise InputError(f"{where}: name: expected {path.stem!r}, as the file is called, got {profile.name!r}")

    @cache
    def link(link_name: str) -> LinkProfile:
        return load_link(beside(path, link_name))

    def cable_type(cable: CableProfile, place: str) -> CableType:
        _check_name(cable.link, "links", f"{place}.link")
        return resolve(cable, link)

    node = expand_node(profile.node, cable_type, where)
    devices = _devices(node, path)
    cables = {key: cable_type(cable, f"{where}: fabric.{key}") for key, cable in profile.fabric.cables().items()}
    switches, links = _listed_fabric(profile, node, cable_type, where)
    system = System(profile.name, path, profile, node, devices, cables, switches, links)
    _check_size(system, where)
    _check_modes(system, where)
    _check_processes(system, where)
    return system


def _with_fabric(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`data` with its fabric validated against the table of its own kind, so that errors offer that kind's keys."""
    fabric = data.get("fabric")
    if not isinstance(fabric, dict):
        return dict(data)
    kinds = {
        get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(FabricProfile)[0])
    }
    kind = fabric.get("kind")
    if kind is None:
        raise InputError(f"{where}: fabric.kind: missing; it is required")
    if kind not in kinds:
        raise UnknownNameError("fabric kind", str(kind), kinds, f"{where}: fabric.kind")
    return {**data, "fabric": validate(fabric, kinds[kind], f"{where}: fabric")}


def _check_name(name: str, kind: ProfileKind, where: str) -> None:
    if not name.endswith(".toml") and not is_bundled(kind, name):
        raise UnknownNameError(f"{kind[:-1]} profile", name, names(kind), where)


def _devices(node: Node, path: Path) -> dict[str, Device]:
    loaded: dict[str, Device] = {}
    devices: dict[str, Device] = {}
    for vertex in node.vertices.values():
        if vertex.device is None:
            continue
        _check_name(vertex.device, "devices", f"{path}: node.vertices.{vertex.name}.device")
        if vertex.device not in loaded:
            loaded[vertex.device] = load_device(beside(path, vertex.device))
        devices[vertex.name] = loaded[vertex.device]
    return devices


def _listed_fabric(
    profile: SystemProfile, node: Node, numbers: CableNumbers, where: str
) -> tuple[tuple[str, ...], tuple[Cable, ...]]:
    """Switches and cables of a fabric that is written as a list, which must reach every adapter of every node."""
    fabric = profile.fabric
    if not isinstance(fabric, LinksProfile) or not node.nics:
        return (), ()
    switches = tuple(name for text in fabric.switches for name in expand_names(text, f"{where}: fabric.switches"))
    adapters = tuple(f"n{index}.{name}" for index in range(profile.max_nodes) for name in node.nics)
    vertices = dict.fromkeys((*switches, *adapters))
    cables = expand_cables(fabric.links, vertices, numbers, f"{where}: fabric.links")
    check_connected(vertices, cables, adapters[0], f"{where}: fabric.links")
    return switches, cables


def _check_size(system: System, where: str) -> None:
    """A machine of several nodes needs adapters, and a fabric that can attach all of them."""
    fabric, adapters = system.profile.fabric, len(system.node.nics)
    if fabric.kind == "none":
        if system.max_nodes > 1:
            raise InputError(f"{where}: max_nodes: expected 1 without a fabric, got {system.max_nodes}")
        return
    if not adapters:
        raise InputError(f"{where}: node.vertices: expected a vertex with kind = 'nic', because there is a fabric")
    if system.max_nodes * adapters > fabric.capacity():
        raise InputError(
            f"{where}: max_nodes: the fabric attaches {fabric.capacity():g} adapters, "
            f"{fabric.capacity() // adapters:g} nodes with {adapters} each, got {system.max_nodes}"
        )


def _check_modes(system: System, where: str) -> None:
    """A mode that no accelerator has would be read and change nothing."""
    accelerators = [system.devices[name] for name in system.node.accelerators]
    for key, mode, modes in (
        ("memory_mode", system.profile.memory_mode, {name for device in accelerators for name in device.memory_modes}),
        (
            "cluster_mode",
            system.profile.cluster_mode,
            {name for device in accelerators for name in device.cluster_modes},
        ),
    ):
        if mode is not None and mode not in modes:
            raise UnknownNameError(key, mode, modes, where)


def _check_processes(system: System, where: str) -> None:
    """Only of a CPU do profiles say what one core alone does."""
    if system.node.processes is None:
        return
    device = system.devices[system.node.host]
    if device.family != "cpu":
        raise InputError(f"{where}: node.processes: {device.name} is no cpu but a {device.family}; remove the table")
    if device.core_bandwidth is None:
        raise InputError(f"{where}: node.processes: {device.name} states no core_bandwidth, which one process gets")
    cores, units = system.node.processes.cores, device.units.value
    if cores is not None and not 1 <= cores <= units:
        limits = f"1 to {units:g}, the cores of {device.name}"
        raise InputError(f"{where}: node.processes.cores: expected {limits}, got {cores:g}")
