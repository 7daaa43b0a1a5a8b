"""The workloads W1 to W6 with their sizes, and what each must reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.workloads import Workload
from benchmarks.workloads.all_reduce import AllReduce
from benchmarks.workloads.cluster import Cluster
from benchmarks.workloads.flows import Flows
from benchmarks.workloads.server import Server
from benchmarks.workloads.study import Study
from simulator.errors import UnknownNameError

__all__ = ["WORKLOADS", "Case", "cases", "quick_cases", "selected"]

#: What each is, in a line.
WORKLOADS = {
    "W1": "one all-reduce on a star of 10 GB/s, 1 µs a message",
    "W2": "P workers exchange 27 MB with one server, 100 rounds, nobody waits; staggered: by 1 ms a worker",
    "W3": "300 steps of 5.1 s compute and a binomial-tree all-reduce of 27 MB",
    "W4": "concurrent flows: between random pairs of 100 hosts, to one receiver, between disjoint pairs",
    "W5": "10,000 GPUs on a fat tree, hierarchical all-reduces of 1 GB, from the scenario's file to the result",
    "W6": "a study of the paper's GPU box, 1,000 steps a point, with a store, on two processes",
}

_MEGABYTE = 1_000_000
_GIBIBYTE = 2**30


@dataclass(frozen=True)
class Case:
    """A workload of a size, and its bounds.

    Attributes
    ----------
    group : str
        ``"W1"`` to ``"W6"``.
    name : str
        The size, as tables show it; with the group, unique.
    workload : Workload
    least_ratio : float
        SimGrid's wall time over ours, at least; 0 where none is asked for.
    most_wall_s : float
        Wall seconds, at most; 0 where it does not matter.
    most_bytes : float
        Peak memory, at most; 0 where it does not matter.
    """

    group: str
    name: str
    workload: Workload
    least_ratio: float = 0.0
    most_wall_s: float = 0.0
    most_bytes: float = 0.0

    @property
    def key(self) -> str:
        """For history files."""
        return f"{self.group} {self.name}"


def cases() -> Iterator[Case]:
    """In full."""
    for algorithm in ("ring", "binomial-tree"):
        for size in (27, 249):
            for ranks in (4, 16, 64, 256, 1024):
                needed = 100.0 if algorithm == "ring" and ranks == 1024 else 0.0
                workload = AllReduce(algorithm, ranks, size * _MEGABYTE)
                yield Case("W1", f"{algorithm}, {size} MB, P = {ranks}", workload, needed)
    for way, stagger in (("together", 0.0), ("staggered", 1e-3)):
        for workers in (4, 16, 64):
            yield Case("W2", f"{way}, P = {workers}", Server(workers, 27 * _MEGABYTE, 100, stagger), 1.0)
    for workers in (16, 64):  # these are chaotic later
        yield Case("W2", f"staggered, P = {workers}, 10 rounds", Server(workers, 27 * _MEGABYTE, 10, 1e-3))
    for ranks in (64, 1024):
        workload = AllReduce("binomial-tree", ranks, 27 * _MEGABYTE, 300, 5.1)
        yield Case("W3", f"P = {ranks}", workload, 20.0 if ranks == 1024 else 0.0)
    for pattern in ("random", "incast", "disjoint"):
        needed = 0.0 if pattern == "disjoint" else 10.0
        yield Case("W4", f"{pattern}, 1,000 flows", Flows(pattern, 1000), needed)
    yield Case("W5", "all-reduce alone, on a star", AllReduce("hierarchical", 10_000, 10**9, ranks_per_host=8))
    for steps in (1, 100):
        name = f"{steps} step{'s' if steps > 1 else ''}"
        yield Case("W5", name, Cluster(1250, steps), most_wall_s=5.0, most_bytes=2 * _GIBIBYTE)
    yield Case("W6", "1,000 points", Study(1000, 2), most_wall_s=20.0)


def quick_cases() -> Iterator[Case]:
    """One of each kind, small: that everything works, not how fast it is."""
    yield Case("W1", "ring, 27 MB, P = 4", AllReduce("ring", 4, 27 * _MEGABYTE))
    yield Case("W1", "binomial-tree, 27 MB, P = 4", AllReduce("binomial-tree", 4, 27 * _MEGABYTE))
    yield Case("W2", "together, P = 2, 5 rounds", Server(2, 27 * _MEGABYTE, 5))
    yield Case("W2", "staggered, P = 2, 5 rounds", Server(2, 27 * _MEGABYTE, 5, 1e-3))
    yield Case("W3", "P = 4, 10 steps", AllReduce("binomial-tree", 4, 27 * _MEGABYTE, 10, 5.1))
    for pattern in ("random", "incast", "disjoint"):
        yield Case("W4", f"{pattern}, 20 flows", Flows(pattern, 20))
    yield Case("W5", "all-reduce alone, on 2 hosts", AllReduce("hierarchical", 16, 27 * _MEGABYTE, ranks_per_host=8))
    yield Case("W5", "2 nodes, 1 step", Cluster(2, 1))
    yield Case("W6", "4 points", Study(4, 1))


def selected(among: Iterable[Case], only: str | None) -> list[Case]:
    """Those that are named: ``"W1,W4"``, or ``"W1:ring"`` for those of W1 whose size says so; all for None.

    Raises
    ------
    UnknownNameError
        If that names none.
    """
    parts = [part.strip().partition(":") for part in re.split(r",(?=\s*[Ww]\d)", only or "") if part.strip()]
    chosen = [
        case
        for case in among
        if not parts or any(case.group == group.upper() and size.strip() in case.name for group, _, size in parts)
    ]
    if not chosen:
        raise UnknownNameError("workload", only or "", WORKLOADS, "--only")
    return chosen
