"""Devices in their place on a platform, and what kind of traffic runs between two of them."""

from __future__ import annotations

from typing import Literal

from simulator.hardware.device import Device
from simulator.platform.records import record

__all__ = ["DeviceKind", "LinkClass", "PlacedDevice", "link_class", "vertex_name"]

DeviceKind = Literal["accelerator", "host"]
LinkClass = Literal["cpu-gpu", "gpu-gpu", "node-node", "local"]


@record
class PlacedDevice:
    """One device of one node.

    Attributes
    ----------
    name : str
        Unique in the platform, such as ``"n0.gpu1"``.
    device : Device
        Its profile.
    node : int
    kind : {"accelerator", "host"}
        A self-hosted device, which is both, counts as an accelerator.
    local_index : int
        Position among the node's accelerators; 0 for a host.
    chip : str
        The chip that it is a group of cores of, such as ``"n0.knl"``; empty for a whole device.
    cores : int, optional
        How many cores of that chip it has; None for a whole device.
    """

    name: str
    device: Device
    node: int
    kind: DeviceKind
    local_index: int
    chip: str = ""
    cores: int | None = None

    @property
    def vertex(self) -> str:
        """The vertex of the platform that it is, or is a part of."""
        return self.chip or self.name

    @property
    def local_name(self) -> str:
        """The same among the vertices of its node, such as ``"gpu1"``."""
        return self.vertex.partition(".")[2]


def link_class(source: PlacedDevice, destination: PlacedDevice) -> LinkClass:
    """What kind of traffic runs from one device to another, for accounts."""
    if source.node != destination.node:
        return "node-node"
    if source.vertex == destination.vertex:
        return "local"
    if source.kind != destination.kind:
        return "cpu-gpu"
    return "local" if source.kind == "host" else "gpu-gpu"


def vertex_name(node: int, local: str) -> str:
    """Name of a node's vertex in the platform.

    Examples
    --------
    >>> vertex_name(3, "gpu0")
    'n3.gpu0'
    """
    return f"n{node}.{local}"
