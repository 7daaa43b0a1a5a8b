"""One node of a system, written as vertices and an explicit list of cables, so that any topology can be written down.

Vertices are devices (by the name of their profile) or plain ones: PCIe switches, second sockets, network adapters,
NVSwitch planes. All NVSwitch chips of a baseboard are one vertex, with `chips` to say so, because hardware spreads
every pair's traffic evenly over them by address: the plane is exact where a single chip on the route would not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from simulator.documents import Document
from simulator.errors import InputError
from simulator.hardware.cables import Cable, CableType, NamedCable
from simulator.hardware.listing import CableNumbers, ListedCable, check_connected, expand_cables, expand_names
from simulator.hardware.sourced import SourcedBandwidth, SourcedDuration, SourcedNumber, SourcedSize, SourcedTime

__all__ = [
    "Node",
    "NodeProfile",
    "PeerProfile",
    "Processes",
    "ProcessesProfile",
    "Vertex",
    "VertexKind",
    "expand_node",
]

VertexKind = Literal["device", "socket", "pcie-switch", "nvswitch", "nic", "switch", "memory"]
PlainKind = Literal["socket", "pcie-switch", "nvswitch", "nic", "switch", "memory"]


def _name_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


NameList = Annotated[tuple[str, ...], BeforeValidator(_name_list)]


class VertexProfile(Document):
    """A vertex of the node: either `device`, the name of a device profile, or the `kind` of a plain vertex."""

    device: str | None = None
    kind: PlainKind | None = None
    chips: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _one_of_both(self) -> VertexProfile:
        if (self.device is None) == (self.kind is None):
            raise ValueError("expected either `device` (a device profile) or `kind` (a plain vertex), got both or none")
        return self


class PeerProfile(Document):
    """How accelerators of a node reach each other when they have no cable of their own.

    Attributes
    ----------
    staging : {"never", "across-sockets", "always"}
        Which transfers go through host memory (two copies) instead of directly from accelerator to accelerator.
        Drivers refuse direct ones across sockets on most hosts; libraries with one process a GPU may not use any.
    socket_bandwidth : Sourced, optional
        What one direct transfer through a CPU's root complex gets at most [B/s].
    relay : bool
        Whether a neighbour on the NVLink mesh may pass a message on (one at most), as NCCL does (its path type NVB).
    """

    staging: Literal["never", "across-sockets", "always"] = "across-sockets"
    socket_bandwidth: SourcedBandwidth | None = None
    relay: bool = False


class ProcessesProfile(Document):
    """The `[node.processes]` table: ranks are processes that share the cores of the node's CPU.

    Attributes
    ----------
    link : CableProfile
        What a message from process to process gets: its `flow_cap` (or `bandwidth`) is the rate at which one core
        copies one message, its `bandwidth` what all copies under way get together.
    thread_cores : Sourced, optional
        How many cores the threads of one process keep busy at most; 1 if left out, as under an interpreter's lock.
    cores : Sourced, optional
        How many times the work of one core alone all of them do at once, where that is less than there are: two
        hyper-threads of one core, or a clock that falls.
    time_slice : Sourced, optional
        How long [s] the system lets a process keep a core while others wait for one. If left out, processes that share
        cores all run at once, each at an equal share of them.
    switch_time : Sourced, optional
        What a process that was interrupted loses [s] when it gets a core again; nothing if left out.
    balance_delay : Sourced, optional
        How long [s] a core is idle before it takes a process that waits for another core; if left out, no process ever
        waits while a core is idle.
    copy_bandwidth : Sourced, optional
        The rate [bytes/s] at which a process copies an array before it is sent or summed, where others may change it
        meanwhile; no time if left out.
    cached_copy_bandwidth, cached_copy_size : Sourced, optional
        The rate for the first so many bytes [B] of a copy, those that a core's own cache holds; as for all others if
        left out.
    announcement : Sourced, optional
        What the first message of an array takes more [s], sent by one process to another by itself and not as a part
        of a collective: a header that says what is coming. Nothing if left out.
    """

    link: NamedCable
    thread_cores: SourcedNumber | None = None
    cores: SourcedNumber | None = None
    time_slice: SourcedDuration | None = None
    switch_time: SourcedTime | None = None
    balance_delay: SourcedTime | None = None
    copy_bandwidth: SourcedBandwidth | None = None
    cached_copy_bandwidth: SourcedBandwidth | None = None
    cached_copy_size: SourcedSize | None = None
    announcement: SourcedTime | None = None


class NodeProfile(Document):
    """The `[node]` table of a system profile.

    Attributes
    ----------
    host : str
        The vertex whose CPU runs the ranks and whose memory holds what "the host" holds. It may be an accelerator
        itself: a self-hosted KNL.
    accelerators : tuple of str
        The devices that ranks compute on, in rank order; ranges allowed.
    gpudirect : bool
        Whether network adapters read and write accelerator memory; if not, messages are staged in host memory.
    processes : ProcessesProfile, optional
        Of a CPU that hosts itself: ranks are single-threaded processes, as many as are asked for, that share its cores.
    """

    host: str
    accelerators: NameList
    vertices: dict[str, VertexProfile]
    links: tuple[ListedCable, ...] = ()
    gpudirect: bool = False
    peer: PeerProfile = PeerProfile()
    processes: ProcessesProfile | None = None


@dataclass(frozen=True)
class Processes:
    """A `ProcessesProfile` in plain numbers; `cores` is None where all cores do as much as there are of them."""

    link: CableType
    thread_cores: float
    cores: float | None = None
    time_slice: float = 0.0
    switch_time: float = 0.0
    balance_delay: float = 0.0
    copy_bandwidth: float = inf
    cached_copy_bandwidth: float = inf
    cached_copy_size: float = 0.0
    announcement: float = 0.0

    def copy_time(self, size: float) -> float:
        """Time [s] in which a process copies an array of `size` bytes, with a core of its own."""
        cached = min(size, self.cached_copy_size)
        return cached / self.cached_copy_bandwidth + (size - cached) / self.copy_bandwidth


@dataclass(frozen=True)
class Vertex:
    """A vertex of the node; `device` names its device profile if it is one."""

    name: str
    kind: VertexKind
    device: str | None = None
    chips: int = 1


@dataclass(frozen=True, eq=False)
class Node:
    """A node with every range spelt out and every cable's numbers known; names are local, such as ``"gpu0"``."""

    host: str
    accelerators: tuple[str, ...]
    vertices: Mapping[str, Vertex]
    cables: tuple[Cable, ...]
    gpudirect: bool
    peer: PeerProfile
    processes: Processes | None = None

    @property
    def nics(self) -> tuple[str, ...]:
        """The network adapters, in the order of the profile."""
        return tuple(name for name, vertex in self.vertices.items() if vertex.kind == "nic")

    @property
    def self_hosted(self) -> bool:
        """Whether the host is one of the accelerators."""
        return self.host in self.accelerators

    def is_host_memory(self, name: str) -> bool:
        """Whether messages may be staged at this vertex: the host itself or another socket of it."""
        return name == self.host or self.vertices[name].kind == "socket"


def expand_node(profile: NodeProfile, numbers: CableNumbers, where: str) -> Node:
    """The node a profile describes; `where` is the file, which opens every error message.

    Raises
    ------
    InputError
        If a name is unknown or given twice, the list of links is wrong, or the node falls apart into pieces.
    """
    vertices: dict[str, Vertex] = {}
    for text, plain in profile.vertices.items():
        for name in expand_names(text, f"{where}: node.vertices"):
            if name in vertices:
                raise InputError(f"{where}: node.vertices: {name!r} is given twice")
            vertices[name] = Vertex(name, plain.kind or "device", plain.device, plain.chips)
    accelerators = tuple(
        name for text in profile.accelerators for name in _devices(text, vertices, f"{where}: node.accelerators")
    )
    if not accelerators or len(set(accelerators)) < len(accelerators):
        problem = "a name is given twice" if accelerators else "expected at least one device"
        raise InputError(f"{where}: node.accelerators: {problem}")
    hosts = _devices(profile.host, vertices, f"{where}: node.host")
    if len(hosts) != 1:
        raise InputError(f"{where}: node.host: expected the name of one device, got {profile.host!r}")
    cables = expand_cables(profile.links, vertices, numbers, f"{where}: node.links")
    check_connected(vertices, cables, hosts[0], f"{where}: node.links")
    processes = _processes(profile.processes, hosts[0], accelerators, numbers, f"{where}: node.processes")
    return Node(hosts[0], accelerators, vertices, cables, profile.gpudirect, profile.peer, processes)


def _processes(
    profile: ProcessesProfile | None, host: str, accelerators: tuple[str, ...], numbers: CableNumbers, where: str
) -> Processes | None:
    if profile is None:
        return None
    if accelerators != (host,):
        raise InputError(
            f"{where}: expected node.accelerators to be the host alone, {host!r}: processes run on its cores"
        )
    stated = {
        key: getattr(profile, key).value
        for key in ProcessesProfile.model_fields
        if key != "link" and getattr(profile, key) is not None
    }
    return Processes(numbers(profile.link, where), **{"thread_cores": 1.0, **stated})


def _devices(text: str, vertices: Mapping[str, Vertex], where: str) -> tuple[str, ...]:
    names = expand_names(text, where, vertices)
    for name in names:
        if vertices[name].kind != "device":
            raise InputError(f"{where}: expected a vertex with a device, but {name!r} is a {vertices[name].kind}")
    return names
