"""Routes between devices: which way a message goes, and what software and cables make of it.

Software before the first byte of a message (Route.overhead), by where its ends are:

=========================== =======================================================================
same device                 none, and no links: they share a memory
two groups of one chip      one flag between cores; the link is the chip's memory (see `partition`)
two processes of one CPU    one message through shared memory (see `processes`)
host and accelerator        one copy call
two accelerators of a node  one peer transfer; two staging copies where the system stages such
                            transfers, as most do across sockets
different nodes             one network message; plus one staging copy for each end that is an
                            accelerator with a host of its own, unless adapters reach its memory
=========================== =======================================================================

A staged message passes the host memory nearest to the accelerator. Its copies are taken to be pipelined with the
transfer, as MPI and NCCL do it in chunks, so it runs at the rate of its slowest part, not at the sum of the times.

Nodes are alike, so what a way inside one is like is found once for each pair of its vertices. A way between nodes is
put together of what thousands of others have parts of, too: out of the source, the stretches of the fabric, into the
destination. Of each part the links and the limits are known, so that nothing is done step by step.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import chain
from math import inf
from typing import NamedTuple

from simulator.hardware.system import System
from simulator.platform.cabling import LaidStretch, LinkBuilder, Step
from simulator.platform.fabrics.base import Fabric
from simulator.platform.links import Link, Route
from simulator.platform.node_paths import NodePaths
from simulator.platform.overheads import Software
from simulator.platform.placement import DeviceKind, LinkClass, PlacedDevice, link_class, vertex_name

__all__ = ["Routing"]


class _Inside(NamedTuple):
    """A way inside any node: steps in local names, software time [s], rate limit [B/s]."""

    path: tuple[Step, ...]
    overhead: float
    rate_cap: float


class _ToAdapter(NamedTuple):
    """The way between a vertex of any node and the adapter that serves it.

    Attributes
    ----------
    path : tuple of Step
        In local names.
    adapter : int
        Its position among the adapters of the node.
    copies : int
        How many staging copies it takes.
    limits : tuple of float
        See `LinkBuilder.limits`.
    """

    path: tuple[Step, ...]
    adapter: int
    copies: int
    limits: tuple[float, float]


class _End(NamedTuple):
    """The same of one device of one node: the fabric's number of the adapter, staging copies, links and limits."""

    adapter: int
    copies: int
    laid: LaidStretch


class Routing:
    """Finds the route between any two devices that do not share a vertex.

    Parameters
    ----------
    system : System
    paths : NodePaths
        Of its nodes.
    fabric : Fabric
        Between its adapters.
    software : Software
        What is done before a message starts.
    builder : LinkBuilder
        Makes the links, as measurements have corrected them.
    pinned : bool
        Whether host memory that accelerators copy from and to is page-locked.
    """

    def __init__(
        self,
        system: System,
        paths: NodePaths,
        fabric: Fabric,
        software: Software,
        builder: LinkBuilder,
        pinned: bool,
    ) -> None:
        self._node, self._nics = system.node, system.node.nics
        self._paths, self._fabric = paths, fabric
        self._software, self._builder, self._pinned = software, builder, pinned
        self._message = cache(software.message)
        self._inside = cache(self._find_inside)
        self._to_adapter = cache(self._find_to_adapter)
        self._end = cache(self._find_end)

    def route(self, source: PlacedDevice, destination: PlacedDevice) -> Route:
        """The route of messages from one device to another; new every time."""
        if source.node != destination.node:
            return self._across(self._end(source, False), self._end(destination, True))
        kind = link_class(source, destination)
        way = self._inside(kind, source.local_name, destination.local_name)
        return Route(self._placed(way.path, source.node), way.overhead, way.rate_cap)

    def between_adapters(self, source: int, destination: int) -> Route:
        """The route of a flow from one adapter to another, by the fabric's numbers, without any software."""
        laid = [self._builder.lay(stretch) for stretch in self._fabric.stretches(source, destination)]
        return Route(_links(laid), 0.0, min((each.flow_cap for each in laid), default=inf))

    def _across(self, out: _End, into: _End) -> Route:
        """The route to another node: out of the one, over the fabric, into the other."""
        between = map(self._builder.lay, self._fabric.stretches(out.adapter, into.adapter))
        laid, copies = (out.laid, *between, into.laid), out.copies + into.copies
        cap = min([each.flow_cap for each in laid])
        if copies and not self._pinned:
            cap = min(cap, *(each.pageable_bandwidth for each in laid))
        return Route(_links(laid), self._message(copies), cap)

    def _placed(self, path: Iterable[Step], node: int) -> tuple[Link, ...]:
        """The links, in this node, of a way inside any."""
        link = self._builder.link
        return tuple([link(vertex_name(node, a), vertex_name(node, b), cable) for a, b, cable in path])

    def _find_inside(self, kind: LinkClass, source: str, target: str) -> _Inside:
        copies, cap = 0, inf
        if kind == "gpu-gpu":
            path, staged = self._paths.between_accelerators(source, target)
            if staged:
                copies, overhead = 2, self._software.staged(2)
            else:
                overhead, cap = self._software.peer(path, self._paths.passes_socket(path))
        else:
            path, overhead = self._paths.path(source, target), 0.0
            if kind == "cpu-gpu":
                copies, overhead = 1, self._software.copy(path)
        flow_cap, pageable = self._builder.limits(path)
        cap = min(cap, flow_cap)
        return _Inside(path, overhead, min(cap, pageable) if copies and not self._pinned else cap)

    def _find_end(self, device: PlacedDevice, inwards: bool) -> _End:
        way = self._to_adapter(device.local_name, device.kind, device.local_index, inwards)
        laid = LaidStretch(self._placed(way.path, device.node), *way.limits)
        return _End(device.node * len(self._nics) + way.adapter, way.copies, laid)

    def _find_to_adapter(self, local: str, kind: DeviceKind, turn: int, inwards: bool) -> _ToAdapter:
        node, paths = self._node, self._paths
        staged = not node.gpudirect and kind == "accelerator" and not node.self_hosted
        middle = paths.staging(local) if staged else local
        adapter = paths.adapter(middle, turn)
        stops = (adapter, middle, local) if inwards else (local, middle, adapter)
        path = paths.path(stops[0], stops[1]) + paths.path(stops[1], stops[2])
        return _ToAdapter(path, self._nics.index(adapter), int(staged), self._builder.limits(path))


def _links(laid: Iterable[LaidStretch]) -> tuple[Link, ...]:
    return tuple(chain.from_iterable([each.links for each in laid]))
