"""The simulated machine: the nodes a job has, the fabric between them, and the route of every message.

Nodes are the first ones of the machine, packed in the order of its fabric, unless it is said which: platforms of
several jobs on one machine have different nodes and meet in its fabric, where equal names are the same link.

Routes are found when asked for and remembered; links and the graph are built when asked for, so setting up 10,000
accelerators takes milliseconds. What a message costs
before its first byte is told in `routing`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from simulator.errors import InfeasibleError, UnknownNameError
from simulator.hardware.cables import Cable
from simulator.hardware.device import Device
from simulator.hardware.system import System
from simulator.platform.cabling import LinkBuilder, steps_of
from simulator.platform.corrections import UNCORRECTED, PlatformCorrections
from simulator.platform.fabrics.build import build_fabric
from simulator.platform.links import Link, Route
from simulator.platform.node_paths import NodePaths
from simulator.platform.overheads import Software
from simulator.platform.partition import ChipMemory, fastest_bandwidth, groups_of
from simulator.platform.placement import LinkClass, PlacedDevice, link_class, vertex_name
from simulator.platform.processes import ProcessRoutes, master_process, processes_of
from simulator.platform.routing import Routing

if TYPE_CHECKING:
    import networkx

    from simulator.platform.describe import Description

__all__ = ["Platform", "build_platform"]


def build_platform(
    system: System,
    nodes: int,
    *,
    routing: str = "minimal",
    pinned: bool = True,
    seed: int = 0,
    partitions: int | None = None,
    memory_bandwidth: Callable[[Device], float] = fastest_bandwidth,
    corrections: PlatformCorrections = UNCORRECTED,
    processes: int | None = None,
    places: Sequence[int] | None = None,
) -> Platform:
    """A platform of `nodes` nodes of a system.

    Parameters
    ----------
    routing : {"minimal", "valiant"}
        Of a dragonfly; other fabrics know only "minimal".
    pinned : bool
        Whether host memory that accelerators copy from and to is page-locked.
    seed : int
        Of the draws that Valiant routing makes.
    partitions : int, optional
        Groups of cores that each accelerator is divided into; what the system profile says if None.
    memory_bandwidth : callable
        What the working set of a device sees [B/s], which copies between groups of one chip share. Asked when the first
        such route is.
    corrections : PlatformCorrections
        What measurements have corrected of links and overheads; nothing if left out.
    processes : int, optional
        Workers on each node of a system whose ranks are processes that share cores; one a core if None. Other systems
        have no use for it.
    places : sequence of int, optional
        Which nodes of the machine those are, by their numbers from 0, each once; the first ones if None.

    Raises
    ------
    InfeasibleError
        If the system does not have that many nodes, or its accelerators that many cores, or less than one is asked for.
    InputError
        If the fabric has no such routing, or the accelerators cannot be divided.
    """
    if not 1 <= nodes <= system.max_nodes:
        limit = f"1 to {system.max_nodes} nodes" if system.max_nodes > 1 else "1 node"
        raise InfeasibleError(f"{system.name}: nodes: expected {limit}, got {nodes}")
    groups = system.profile.partitions if partitions is None else partitions
    if groups < 1:
        raise InfeasibleError(f"partitions: expected at least 1, got {groups}")
    places = tuple(range(nodes) if places is None else places)
    if len(set(places)) != nodes or not 0 <= min(places) <= max(places) < system.max_nodes:
        raise InfeasibleError(f"{system.name}: places: expected {nodes} different nodes below {system.max_nodes}")
    return Platform(system, places, routing, pinned, seed, groups, memory_bandwidth, corrections, processes)


class Platform:
    """A system at a node count; see `build_platform`.

    Attributes
    ----------
    system : System
    nodes : int
    places : tuple of int
        The number in the machine of each node.
    accelerators : tuple of PlacedDevice
        What ranks compute on, node by node: devices, groups of their cores, or processes that share their cores.
    hosts : tuple of PlacedDevice
        One a node; on a self-hosted node the very same object as its accelerator, where that is not divided, or a
        process of its own where ranks are processes.
    partitions : int
        Groups of cores an accelerator.
    """

    def __init__(
        self,
        system: System,
        places: tuple[int, ...],
        routing: str,
        pinned: bool,
        seed: int,
        partitions: int,
        memory_bandwidth: Callable[[Device], float],
        corrections: PlatformCorrections = UNCORRECTED,
        processes: int | None = None,
    ) -> None:
        self.system = system
        self.nodes = len(places)
        self.places = places
        self.pinned = pinned
        self.partitions = partitions
        self._memory_bandwidth = memory_bandwidth
        self._node_paths = NodePaths(system.node)
        # A fabric numbers the adapters of all nodes up to the last one that is placed.
        nics = system.node.nics
        adapters = [vertex_name(index, nic) for index in range(max(places) + 1) for nic in nics]
        self.fabric = build_fabric(system, adapters, routing, seed)
        self._correct(corrections)
        chips = [
            PlacedDevice(vertex_name(index, local), system.devices[local], index, "accelerator", position)
            for index in places
            for position, local in enumerate(system.node.accelerators)
        ]
        self.accelerators: tuple[PlacedDevice, ...] = tuple(
            place for chip in chips for place in self._places(chip, processes)
        )
        self._devices = {device.name: device for device in (*chips, *self.accelerators)}
        self.hosts: tuple[PlacedDevice, ...] = tuple(self._host(index) for index in places)
        self._devices.update({device.name: device for device in self.hosts})
        self._devices.update({device.name: device for device in self._other_sockets()})

    def _correct(self, corrections: PlatformCorrections) -> None:
        """Make what corrections change: links, and the routes over them."""
        self.corrections = corrections
        self._chip_memory = ChipMemory(self._memory_bandwidth, corrections)
        shared = self.system.node.processes
        self._process_routes = None if shared is None else ProcessRoutes(shared, corrections)
        self._software = Software(self.system, corrections)
        self._builder = LinkBuilder(corrections)
        self._routing = Routing(self.system, self._node_paths, self.fabric, self._software, self._builder, self.pinned)
        self._routes: dict[tuple[str, str], Route] = {}

    def corrected(self, corrections: PlatformCorrections) -> Platform:
        """The same devices, fabric and ways under other corrections, without building them anew."""
        platform = copy.copy(self)
        for made in ("links", "graph"):
            platform.__dict__.pop(made, None)
        platform._correct(corrections)
        return platform

    def device(self, name: str) -> PlacedDevice:
        """A device by its name, such as ``"n0.gpu1"``.

        Raises
        ------
        UnknownNameError
            If the platform has no such device.
        """
        device = self._devices.get(name)
        if device is None:
            raise UnknownNameError("device", name, list(self._devices)[:64], self.system.name)
        return device

    def route(self, source: str, destination: str) -> Route:
        """The route of messages from one device to another; the same object every time.

        Raises
        ------
        UnknownNameError
            If either is not a device of the platform.
        """
        route = self._routes.get((source, destination))
        if route is None:
            route = self._routes[source, destination] = self._find(self.device(source), self.device(destination))
        return route

    def between_adapters(self, source: int, destination: int) -> Route:
        """The route of a flow from one adapter of the machine to another, without any software; new every time.

        Adapters are numbered as the fabric does: node times adapters a node, plus adapter in the node.
        """
        return self._routing.between_adapters(source, destination)

    @property
    def takes_turns(self) -> bool:
        """Whether ranks are processes that take turns on cores, in time slices."""
        return self._process_routes is not None and self._process_routes.takes_turns

    def core(self, name: str) -> Route | None:
        """Where the work of a process goes that shares cores (see `processes`); None for a device of its own."""
        return None if self._process_routes is None else self._process_routes.core(self.device(name))

    def collective_overhead(self, size: float) -> float:
        """Software time [s] of a collective call on an array of `size` bytes, before its first message.

        None inside one chip: its groups are threads, and nobody calls a message-passing library.
        """
        return self._software.collective(size) + self.copy_time(size) if self.calls_collectives else 0.0

    def copy_time(self, size: float) -> float:
        """Time [s] in which a process copies what it sends or sums, where others may change it meanwhile.

        None where adapters and engines take numbers from where they are.
        """
        return 0.0 if self._process_routes is None else self._process_routes.copy_time(size)

    @property
    def calls_collectives(self) -> bool:
        """Whether collectives go through a message-passing library, which takes its time to call."""
        return not self.partitions == len(self.accelerators) > 1

    def overheads(self) -> dict[str, float]:
        """Software overheads [s] in force, by the name under which `PlatformCorrections` replaces them."""
        announcement = 0.0 if self._process_routes is None else self._process_routes.announcement
        return {**self._software.figures(), "local": self._local_overhead(), "announcement": announcement}

    def _local_overhead(self) -> float:
        if self._process_routes is not None:
            return self._process_routes.overhead
        return next((self._chip_memory.overhead(place.device) for place in self.accelerators if place.chip), 0.0)

    def transfers_between_accelerators(self) -> set[str]:
        """How accelerators of one node pass messages to one another: ``"peer"``, ``"staging"``, both or not at all."""
        names = self.system.node.accelerators
        pairs = ((source, target) for source in names for target in names if source != target)
        staged = {self._node_paths.between_accelerators(*pair)[1] for pair in pairs}
        return {"staging" if each else "peer" for each in staged}

    def near_memory(self, name: str) -> PlacedDevice:
        """The host memory nearest to an accelerator: its host, or the other socket of it that it hangs on.

        Batches are best prepared there (NUMA binding); what all ranks of a node share lives in `hosts`.
        """
        accelerator = self.device(name)
        if self.system.node.self_hosted:
            return accelerator
        return self._devices[vertex_name(accelerator.node, self._node_paths.staging(accelerator.local_name))]

    def link_class(self, source: str, destination: str) -> LinkClass:
        """What kind of traffic runs from one device to another, for accounts."""
        return link_class(self.device(source), self.device(destination))

    def cables(self) -> Iterator[Cable]:
        """Every cable of the placed nodes, and of the fabric as far as their messages can use it."""
        for index in self.places:
            for cable in self.system.node.cables:
                yield Cable(vertex_name(index, cable.source), vertex_name(index, cable.target), cable.type)
        others = set(self.fabric.adapters) - {vertex_name(i, nic) for i in self.places for nic in self.system.node.nics}
        yield from (cable for cable in self.fabric.cables() if not {cable.source, cable.target} & others)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Both directions of every cable."""
        return tuple(self._builder.link(*step) for cable in self.cables() for step in steps_of(cable))

    @cached_property
    def graph(self) -> networkx.DiGraph[str]:
        """All vertices and, on every edge, its `Link` under the key ``"link"``.

        A vertex has a `kind`, and a `device` (PlacedDevice) if it is one; vertices of nodes have their number as
        `node`, switches of the fabric their distance from the adapters as `layer`.
        """
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph(name=self.system.name)
        for index in self.places:
            for vertex in self.system.node.vertices.values():
                name = vertex_name(index, vertex.name)
                graph.add_node(name, kind=vertex.kind, node=index, device=self._devices.get(name))
        for name, layer in self.fabric.layers().items():
            graph.add_node(name, kind="switch", layer=layer)
        graph.add_edges_from((link.source, link.target, {"link": link}) for link in self.links)
        return graph

    def describe(self) -> Description:
        """The platform as data for printing."""
        from simulator.platform.describe import describe

        return describe(self)

    def _places(self, chip: PlacedDevice, processes: int | None) -> tuple[PlacedDevice, ...]:
        """What ranks compute on of a device."""
        groups = groups_of(chip, self.partitions)
        if self._process_routes is None:
            return groups
        return processes_of(chip, int(chip.device.units.value) if processes is None else processes)

    def _host(self, node: int) -> PlacedDevice:
        local = self.system.node.host
        name = vertex_name(node, local)
        if self._process_routes is not None:
            return master_process(self._devices[name])
        return self._devices.get(name) or PlacedDevice(name, self.system.devices[local], node, "host", 0)

    def _other_sockets(self) -> Iterator[PlacedDevice]:
        """Second sockets are part of the host: memory to copy from and to, but not a place of their own for a rank."""
        node = self.system.node
        for index in self.places:
            for vertex in node.vertices.values():
                if vertex.kind == "socket":
                    device = self.system.devices[node.host]
                    yield PlacedDevice(vertex_name(index, vertex.name), device, index, "host", 0)

    def _find(self, source: PlacedDevice, destination: PlacedDevice) -> Route:
        if source is destination:
            return Route(())
        if source.vertex == destination.vertex and self._process_routes is not None:
            return self._process_routes.message(source, destination)
        if source.vertex == destination.vertex:
            return self._chip_memory.route(source, destination)
        return self._routing.route(source, destination)
