"""W5: ten thousand GPUs on a fat tree, from the scenario's file to the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads.workload import Outcome, Workload
from simulator.collectives.registry import schedule
from simulator.simulation import load, simulate

__all__ = ["Cluster"]

_SCENARIO = Path(__file__).parents[1] / "scenarios" / "ten-thousand-gpus.toml"
_GPUS_PER_NODE = 8
_WEIGHTS = 250_000_000


@dataclass(frozen=True)
class Cluster(Workload):
    """`steps` of synchronous SGD with a hierarchical all-reduce of 1 GB on so many `nodes` of eight GPUs."""

    nodes: int
    steps: int

    @property
    def messages(self) -> int:
        """Of the all-reduces."""
        return self.steps * schedule("all_reduce", "hierarchical", _GPUS_PER_NODE * self.nodes, _WEIGHTS).transfer_count

    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """Nothing but imports is ready: reading the scenario and building the machine are part of it."""

        def run() -> Outcome:
            changes = {"cluster.nodes": self.nodes, "workload.steps": self.steps, "simulation.exact": exact}
            result = simulate(load(_SCENARIO, **changes))
            return Outcome(result.time, by=", ".join(way.name for way in result.shortcuts.found if way.taken))

        return run
