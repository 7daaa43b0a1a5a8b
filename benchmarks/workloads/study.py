"""W6: a study of the paper's GPU box, with its store, as `clustersim sweep` makes it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads.workload import Outcome, Workload
from simulator.planning.sweep import sweep
from simulator.simulation import load

__all__ = ["Study"]

_METHODS = ("original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3")


@dataclass(frozen=True)
class Study(Workload):
    """The paper's four methods by batch sizes 1, 2, …: `points` in all, 1,000 steps each, on some processes."""

    points: int
    processes: int

    @property
    def messages(self) -> int:
        """Not counted."""
        return 0

    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """The start of the processes is part of it."""
        scenario = load("m40x4-lenet", **{"simulation.exact": exact})
        batch_sizes = range(1, self.points // len(_METHODS) + 1)

        def run() -> Outcome:
            with tempfile.TemporaryDirectory() as folder:
                store = Path(folder) / "points.sqlite"
                vary = {"algorithm.name": _METHODS, "workload.batch_size": batch_sizes}
                study = sweep(scenario, vary, store=store, jobs=self.processes)
            times = [row.values["time_s"].mean for row in study.table]
            return Outcome(max(times), times)

        return run
