"""Where everything goes in a picture of a platform: plain geometry, free of any plotting library.

A picture is in units of one box; y grows upwards. One node is drawn as its PCIe tree from the host down, with NVLink
meshes as arcs and NVSwitch planes below the accelerators. The fabric has whole nodes as its lowest row and switches
above them by layer; a torus is a grid, and so is a group of a dragonfly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import cos, pi, sin, sqrt

from simulator.hardware.cables import Cable, CableType
from simulator.hardware.node import Node
from simulator.platform.fabrics.dragonfly import Dragonfly
from simulator.platform.fabrics.torus import Torus
from simulator.platform.platform import Platform

__all__ = ["Box", "Line", "Picture", "fabric_picture", "node_picture"]

#: Groups of a dragonfly that are drawn router by router; with more, each group is one box.
DETAILED_GROUPS = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A vertex in the picture, by its middle."""

    x: float
    y: float
    label: str
    kind: str
    width: float = 0.86
    height: float = 0.5


@dataclass(frozen=True)
class Line:
    """A cable in the picture, from box to box; `bend` is how far it sags, in units: downwards, or to the left if the
    boxes stand above each other."""

    source: str
    target: str
    cable: CableType
    bend: float = 0.0


@dataclass(frozen=True)
class Picture:
    """Boxes by name and the lines between them."""

    title: str
    boxes: Mapping[str, Box]
    lines: Sequence[Line]


def node_picture(platform: Platform) -> Picture:
    """One node of the platform; all are the same."""
    node, system = platform.system.node, platform.system
    children, depths = _tree(node)
    deepest = max(depths.values())
    columns = _columns(node, children)
    boxes = {}
    for name, depth in depths.items():
        row = deepest if name in node.accelerators and name != node.host else depth
        boxes[name] = _box(name, columns[name], -1.4 * row, platform)
    planes = [name for name in node.vertices if name not in boxes]
    for name in planes:
        below = [boxes[end].x for end in _neighbours(name, node.cables) if end in boxes]
        middle = sum(below) / len(below) if below else 0.0
        boxes[name] = _box(name, middle, -1.4 * deepest - 1.6, platform)
    lines = []
    for cable in node.cables:
        first, last = boxes[cable.source], boxes[cable.target]
        level = first.y == last.y and first.kind == last.kind == "accelerator"
        lines.append(Line(cable.source, cable.target, cable.type, 0.3 + 0.28 * abs(first.x - last.x) if level else 0.0))
    return Picture(f"{system.name}: one node", boxes, lines)


def fabric_picture(platform: Platform) -> Picture:
    """The fabric with whole nodes at its edge."""
    fabric = platform.fabric
    title = f"{platform.system.name}: {platform.nodes} nodes, {platform.system.profile.fabric.kind}"
    lines = [Line(_owner(cable.source), _owner(cable.target), cable.type) for cable in fabric.cables()]
    if isinstance(fabric, Dragonfly):
        if fabric.groups_in_use > DETAILED_GROUPS or len(fabric.layers()) > DETAILED_GROUPS * fabric.profile.routers:
            return _groups(title, fabric)
        routers = _router_grid(fabric)
        title += "; rows and columns all-to-all"
        return Picture(title, {**routers, **_at_routers(lines, routers)}, lines)
    if isinstance(fabric, Torus):
        routers = _torus_grid(fabric)
        sagging = [Line(line.source, line.target, line.cable, _wrap(line, routers)) for line in lines]
        return Picture(title, {**routers, **_at_routers(lines, routers, aside=0.2)}, sagging)
    return Picture(title, _layered(platform, lines), _bundled(lines))


def _box(name: str, x: float, y: float, platform: Platform) -> Box:
    node = platform.system.node
    vertex = node.vertices[name]
    if vertex.device is not None:
        kind = "accelerator" if name in node.accelerators else "host"
        return Box(x, y, f"{name}\n{vertex.device}", kind, width=0.9 if kind == "accelerator" else 1.6, height=0.6)
    label = f"{name}\n{vertex.chips} chips" if vertex.chips > 1 else name
    wide = {"nvswitch": 2.4, "socket": 1.6}.get(vertex.kind, 0.86)
    return Box(x, y, label, "host" if vertex.kind == "socket" else vertex.kind, wide, 0.6 if wide > 1 else 0.42)


def _neighbours(name: str, cables: Iterable[Cable]) -> list[str]:
    return [
        cable.target if cable.source == name else cable.source
        for cable in cables
        if name in (cable.source, cable.target)
    ]


def _tree(node: Node) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Breadth first from the host, accelerators as leaves; another socket stands beside the host, not below it."""
    children: dict[str, list[str]] = {node.host: []}
    depths = {node.host: 0}
    queue = [node.host]
    for here in queue:  # grows while it is walked
        if here in node.accelerators and here != node.host:
            continue
        found = [name for name in dict.fromkeys(_neighbours(here, node.cables)) if name not in depths]
        found.sort(key=lambda name: node.vertices[name].kind == "socket")
        for name in found:
            depths[name] = depths[here] + (node.vertices[name].kind != "socket")
            children[here].append(name)
            children[name] = []
            queue.append(name)
    return children, depths


def _columns(node: Node, children: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Leaves side by side, all else over the middle of what hangs below it, where another socket does not count."""
    columns: dict[str, float] = {}
    leaves = count()

    def visit(name: str) -> None:
        for child in children[name]:
            visit(child)
        below = [columns[child] for child in children[name] if node.vertices[child].kind != "socket"]
        columns[name] = (below[0] + below[-1]) / 2 if below else float(next(leaves))

    visit(node.host)
    return columns


def _owner(vertex: str) -> str:
    """Adapters are drawn as the node they are in."""
    head, dot, tail = vertex.partition(".")
    return head if dot and head[:1] == "n" and head[1:].isdigit() and not tail.isdigit() else vertex


def _layered(platform: Platform, lines: Sequence[Line]) -> dict[str, Box]:
    """Nodes in a row; each layer of switches above, over the middle of what hangs below where there is room for it."""
    layers = platform.fabric.layers()
    rows: dict[int, list[str]] = {0: [f"n{index}" for index in platform.places]}
    for name, layer in layers.items():
        rows.setdefault(layer, []).append(name)
    width = float(max(map(len, rows.values())))
    rise = max(1.6, 0.08 * width)
    boxes: dict[str, Box] = {}
    for layer, row in sorted(rows.items()):
        size = min(0.86 * width / len(row), 1.8 if layer else 0.86)
        for name, x in zip(row, _spread(row, lines, boxes, size + 0.14, width), strict=True):
            boxes[name] = Box(x, layer * rise, name, "switch" if layer else "node", size)
    return boxes


def _spread(
    row: Sequence[str], lines: Sequence[Line], below: Mapping[str, Box], pitch: float, width: float
) -> list[float]:
    """Where the boxes of a row go: over the middle of what hangs below, at least `pitch` apart; else evenly."""
    evenly = [(index + 0.5) * width / len(row) for index in range(len(row))]
    hanging: dict[str, set[float]] = {name: set() for name in row}
    for line in lines:
        for upper, lower in ((line.source, line.target), (line.target, line.source)):
            if upper in hanging and lower in below:
                hanging[upper].add(below[lower].x)
    if not all(hanging.values()):
        return evenly
    places: list[float] = []
    for name in row:
        middle = sum(hanging[name]) / len(hanging[name])
        places.append(max(middle, places[-1] + pitch) if places else middle)
    crowded = len({round(sum(xs) / len(xs), 6) for xs in hanging.values()}) < len(row)
    return evenly if crowded or places[-1] > width else places


def _bundled(lines: Sequence[Line]) -> list[Line]:
    """One line for all the cables between the same two boxes."""
    return list({frozenset((line.source, line.target)): line for line in lines}.values())


def _router_grid(fabric: Dragonfly) -> dict[str, Box]:
    rows, columns = fabric.profile.rows, fabric.profile.columns
    boxes = {}
    for name in fabric.layers():
        group, router = (int(part[1:]) for part in name.split("."))
        row, column = divmod(router, columns)
        y = -1.5 * row - group * (1.5 * rows + 1.5)
        label = name if fabric.groups_in_use > 1 else f"r{router}"
        boxes[name] = Box(float(column), y, label, "switch", 0.7, 0.42)
    return boxes


def _torus_grid(fabric: Torus) -> dict[str, Box]:
    """The last dimension across, the one before down, each further one as another grid to the right."""
    boxes = {}
    for name in fabric.layers():
        place = [int(part) for part in name[1:].split(".")]
        across, down = place[-1], place[-2] if len(place) > 1 else 0
        shift = 0
        for size, coordinate in zip(fabric.shape[:-2], place[:-2], strict=False):
            shift = shift * size + coordinate
        x = 1.3 * across + shift * (1.3 * fabric.shape[-1] + 1.2)
        boxes[name] = Box(x, -1.6 * down - 0.35 * shift, name[1:], "switch", 0.8, 0.42)
    return boxes


def _wrap(line: Line, boxes: Mapping[str, Box]) -> float:
    """How far a cable of a torus sags: those that close a ring or lead to another grid pass by the routers between."""
    if line.source not in boxes or line.target not in boxes:
        return 0.0
    first, last = boxes[line.source], boxes[line.target]
    distance = sqrt((first.x - last.x) ** 2 + (first.y - last.y) ** 2)
    return 0.0 if distance < 1.9 else 0.12 * distance


def _at_routers(lines: Sequence[Line], routers: Mapping[str, Box], aside: float = 0.0) -> dict[str, Box]:
    """Nodes below the router they hang on, side by side; `aside` leaves the line below the router's middle free."""
    homes: dict[str, str] = {}
    for line in lines:
        if line.source not in routers and line.target in routers:
            homes.setdefault(line.source, line.target)
    lodgers = Counter(homes.values())
    placed: Counter[str] = Counter()
    boxes = {}
    for name, router in homes.items():
        home, beside = routers[router], lodgers[router]
        share = (0.9 - 1.4 * aside) / beside
        left = home.x - 0.45 + 2 * aside
        boxes[name] = Box(left + (placed[router] + 0.5) * share, home.y - 0.6, name, "node", 0.9 * share, 0.3)
        placed[router] += 1
    return boxes


def _groups(title: str, fabric: Dragonfly) -> Picture:
    """A ring of groups, when there are too many to draw their routers."""
    names = sorted({name.partition(".")[0] for name in fabric.layers()}, key=lambda name: int(name[1:]))
    radius = max(2.0, 0.22 * len(names))
    boxes = {
        name: Box(
            radius * sin(2 * pi * index / len(names)), radius * cos(2 * pi * index / len(names)), name, "switch", 0.7
        )
        for index, name in enumerate(names)
    }
    pairs: dict[frozenset[str], Line] = {}
    for cable in fabric.cables():
        ends = frozenset(name.partition(".")[0] for name in (cable.source, cable.target))
        if len(ends) == 2 and ends <= boxes.keys() and ends not in pairs:
            first, last = sorted(ends)
            pairs[ends] = Line(first, last, cable.type)
    return Picture(f"{title}, {fabric.profile.routers} routers a group", boxes, list(pairs.values()))
