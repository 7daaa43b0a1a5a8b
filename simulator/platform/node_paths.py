"""Paths inside a node: the one on which a large message alone arrives first.

For every width the cables offer, the path of least latency among cables at least that wide is found (Dijkstra); the
one with the least latency + size / width wins. On a PCIe tree there is only one path; beside an NVSwitch the plane
wins over PCIe. What may lie inside a path:

- PCIe switches, NVSwitches, sockets and the host CPU forward; accelerators, adapters and memories do not;
- two accelerators with a cable of their own use it, whatever else there is;
- with `relay`, accelerators without one may use a neighbour of both instead, if that is faster (NCCL's path type NVB).

Nodes are small (tens of vertices), and all nodes of a system are alike, so paths are found once, in local names.
"""

from __future__ import annotations

import heapq
import itertools
from functools import cached_property

from simulator.hardware.cables import CableType
from simulator.hardware.node import Node
from simulator.platform.cabling import Step, steps_of

__all__ = ["REFERENCE_SIZE", "NodePaths", "path_time"]

#: Paths are compared for a message of this size [bytes]; large enough that bandwidth decides unless it is equal.
REFERENCE_SIZE = 4e6

Path = tuple[Step, ...]


def path_time(path: Path, size: float = REFERENCE_SIZE) -> float:
    """Time [s] of a message of `size` bytes alone on the path, without software."""
    if not path:
        return 0.0
    return sum(step.cable.latency for step in path) + size / min(step.cable.bandwidth for step in path)


class NodePaths:
    """Paths between the vertices of one node, in local names, found when first asked for and then remembered."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._paths: dict[tuple[str, str], Path] = {}
        self._staging: dict[str, str] = {}

    @cached_property
    def _neighbours(self) -> dict[str, dict[str, CableType]]:
        neighbours: dict[str, dict[str, CableType]] = {name: {} for name in self.node.vertices}
        for cable in self.node.cables:
            for step in steps_of(cable):
                neighbours[step.source][step.target] = step.cable
        return neighbours

    @cached_property
    def _widths(self) -> list[float]:
        return sorted({cable.type.bandwidth for cable in self.node.cables}, reverse=True)

    def path(self, source: str, target: str) -> Path:
        """The path between two vertices; empty if they are the same.

        Raises
        ------
        ValueError
            If the only connection leads through a vertex that does not forward.
        """
        if source == target:
            return ()
        path = self._paths.get((source, target))
        if path is None:
            path = self._paths[source, target] = self._find(source, target)
        return path

    def between_accelerators(self, source: str, target: str) -> tuple[Path, bool]:
        """The path between two accelerators, and whether their transfers are staged in host memory on it."""
        direct = self.path(source, target)
        policy = self.node.peer.staging
        own_cable = len(direct) == 1
        if own_cable or policy == "never" or (policy == "across-sockets" and not self.crosses_sockets(direct)):
            return direct, False
        memory = self.staging(source)
        return self.path(source, memory) + self.path(memory, target), True

    def passes_socket(self, path: Path) -> bool:
        """Whether the path has a CPU in its interior."""
        return any(self.node.is_host_memory(step.target) for step in path[:-1])

    def crosses_sockets(self, path: Path) -> bool:
        """Whether a step of the path leads from one CPU to another."""
        return any(self.node.is_host_memory(step.source) and self.node.is_host_memory(step.target) for step in path)

    def staging(self, vertex: str) -> str:
        """The host memory nearest to a vertex, where its messages to other nodes are staged; the host if equal."""
        if vertex not in self._staging:
            memories = [self.node.host] + [name for name, plain in self.node.vertices.items() if plain.kind == "socket"]
            self._staging[vertex] = min(memories, key=lambda name: path_time(self.path(vertex, name)))
        return self._staging[vertex]

    def adapter(self, vertex: str, turn: int) -> str:
        """The adapter nearest to a vertex; of several equally near ones, the `turn`-th in a circle."""
        times = {name: path_time(self.path(vertex, name)) for name in self.node.nics}
        shortest = min(times.values())
        nearest = [name for name, time in times.items() if time <= shortest * (1 + 1e-9)]
        return nearest[turn % len(nearest)]

    def _find(self, source: str, target: str) -> Path:
        direct = self._neighbours[source].get(target)
        if direct is not None:
            return (Step(source, target, direct),)
        candidates = [path for width in self._widths if (path := self._quickest(source, target, width))]
        if self.node.peer.relay and {source, target} <= set(self.node.accelerators):
            candidates += self._relayed(source, target)
        if not candidates:
            raise ValueError(f"no path from {source!r} to {target!r} that only forwarding vertices make")
        return min(candidates, key=lambda path: (path_time(path), len(path), [step.target for step in path]))

    def _forwards(self, name: str) -> bool:
        vertex = self.node.vertices[name]
        return vertex.kind in ("pcie-switch", "nvswitch", "switch", "socket") or (
            name == self.node.host and name not in self.node.accelerators
        )

    def _quickest(self, source: str, target: str, width: float) -> Path | None:
        """Path of least latency over cables at least `width` wide; ties go to fewer steps, then to names."""
        frontier: list[tuple[float, int, tuple[str, ...]]] = [(0.0, 0, (source,))]
        done: set[str] = set()
        while frontier:
            latency, length, names = heapq.heappop(frontier)
            last = names[-1]
            if last == target:
                return tuple(Step(a, b, self._neighbours[a][b]) for a, b in itertools.pairwise(names))
            if last in done or (last != source and not self._forwards(last)):
                continue
            done.add(last)
            for neighbour, cable in self._neighbours[last].items():
                if cable.bandwidth >= width and neighbour not in done:
                    heapq.heappush(frontier, (latency + cable.latency, length + 1, (*names, neighbour)))
        return None

    def _relayed(self, source: str, target: str) -> list[Path]:
        first, second = self._neighbours[source], self._neighbours[target]
        relays = [name for name in self.node.accelerators if name in first and name in second]
        return [(Step(source, name, first[name]), Step(name, target, second[name])) for name in relays]
