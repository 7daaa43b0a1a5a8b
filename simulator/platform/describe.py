"""A platform as data for printing: the tree of devices in a node, its cables by kind, the fabric, and their source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.hardware.cables import Cable, CableType
from simulator.hardware.node import Node

if TYPE_CHECKING:
    from simulator.platform.platform import Platform

__all__ = ["Branch", "CableRow", "Description", "describe"]


@dataclass(frozen=True)
class Branch:
    """A vertex of the node, how it hangs on the vertex above it, and what hangs below.

    Attributes
    ----------
    label : str
        For example ``"gpu1: Tesla M40"``.
    cable : CableType or None
        To the vertex above; None at the root, the host.
    """

    name: str
    label: str
    cable: CableType | None
    below: tuple[Branch, ...]


@dataclass(frozen=True)
class CableRow:
    """How many cables of one kind there are, and what each does.

    Attributes
    ----------
    where : {"node", "fabric"}
    cables : int
        On the whole platform.
    cable : CableType
    """

    where: str
    cables: int
    cable: CableType


@dataclass(frozen=True)
class Description:
    """What `clustersim profiles` prints about a system.

    Attributes
    ----------
    trees : tuple of Branch
        One node, every other being the same: the tree that hangs on its host, then what only accelerators lead to.
    meshed : tuple of Cable
        Cables of the node that the trees leave out, such as an NVLink mesh beside a PCIe tree.
    cables : tuple of CableRow
        All cables of the platform by kind, the node's first.
    fabric : tuple of (str, str)
        Kind and shape of the fabric.
    assumptions : tuple of str
    sources : tuple of str
        Where the topology is documented.
    """

    name: str
    title: str
    nodes: int
    max_nodes: int
    accelerators: int
    trees: tuple[Branch, ...]
    meshed: tuple[Cable, ...]
    cables: tuple[CableRow, ...]
    fabric: tuple[tuple[str, str], ...]
    assumptions: tuple[str, ...]
    sources: tuple[str, ...]


def describe(platform: Platform) -> Description:
    """The platform as data for printing."""
    system, profile = platform.system, platform.system.profile
    trees, used = _trees(system.node, {name: device.title for name, device in system.devices.items()})
    inside = Counter(cable.type for cable in system.node.cables)
    between = Counter(cable.type for cable in platform.fabric.cables())
    return Description(
        name=system.name,
        title=profile.title,
        nodes=platform.nodes,
        max_nodes=system.max_nodes,
        accelerators=len(platform.accelerators),
        trees=trees,
        meshed=tuple(cable for cable in system.node.cables if frozenset((cable.source, cable.target)) not in used),
        cables=(
            *(CableRow("node", count * platform.nodes, cable) for cable, count in inside.items()),
            *(CableRow("fabric", count, cable) for cable, count in between.items()),
        ),
        fabric=_shape(platform),
        assumptions=profile.assumptions,
        sources=tuple(profile.sources[key] for key in profile.topology_sources),
    )


def _shape(platform: Platform) -> tuple[tuple[str, str], ...]:
    """Kind, numbers and lists of numbers of the `[fabric]` table, and the switches in use."""
    fabric = platform.system.profile.fabric
    plain = {name: getattr(fabric, name) for name in type(fabric).model_fields}
    rows = [
        (name.replace("_", " "), " x ".join(map(str, value)) if isinstance(value, tuple) else f"{value}")
        for name, value in plain.items()
        if isinstance(value, int | float | str) or (isinstance(value, tuple) and isinstance(value[0], int))
    ]
    switches = len(platform.fabric.layers())
    return (*rows, ("switches in use", str(switches))) if switches else tuple(rows)


def _trees(node: Node, titles: Mapping[str, str]) -> tuple[tuple[Branch, ...], set[frozenset[str]]]:
    """The node as trees, and the pairs of vertices whose cable they use.

    The first tree is searched breadth first from the host. Accelerators are its leaves, since they hang on what joins
    them to the host and not on a neighbour in a mesh; what only accelerators lead to, an NVSwitch plane, is a tree of
    its own.
    """
    neighbours: dict[str, dict[str, CableType]] = {name: {} for name in node.vertices}
    for cable in node.cables:
        neighbours[cable.source][cable.target] = neighbours[cable.target][cable.source] = cable.type
    children: dict[str, list[str]] = {name: [] for name in node.vertices}
    reached = [node.host]
    for here in reached:  # grows while it is walked
        if here == node.host or here not in node.accelerators:
            children[here] = [name for name in neighbours[here] if name not in reached]
            reached.extend(children[here])

    def branch(name: str, cable: CableType | None) -> Branch:
        vertex = node.vertices[name]
        kind = titles.get(name, vertex.kind.replace("-", " "))
        label = f"{name}: {kind}" + (f" ({vertex.chips} chips)" if vertex.chips > 1 else "")
        return Branch(name, label, cable, tuple(branch(child, neighbours[name][child]) for child in children[name]))

    roots = [node.host, *(name for name in node.vertices if name not in reached)]
    used = {frozenset((name, child)) for name, below in children.items() for child in below}
    return tuple(branch(name, None) for name in roots), used
