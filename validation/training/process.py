"""One process of a real run: ``python -m validation.training.process FOLDER``, started by MPI.

Reads ``scenario.json`` in the folder, runs its ranks, and leaves beside it for each rank its journal and weights, and
for itself its clock's offsets. Of an error it leaves one line in ``error-<process>.txt`` and ends all processes.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from simulator.algorithms.rank import Rank, Task
from simulator.errors import SimulatorError
from simulator.execution.learning import holders
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from validation.training.clock import Offset, barrier, measure_offset
from validation.training.executor import RankDriver
from validation.training.guard import guarded_process, note_error
from validation.training.journal import Journal
from validation.training.messages import Messages
from validation.training.operations import Device, Operations
from validation.training.polling import prompt_timers
from validation.training.recorder import Recorder
from validation.training.snapshots import Snapshots
from validation.training.transport import Transport

__all__ = ["homes", "main"]

_WARM_UP = 3  #: gradients before the clock starts: caches filled, libraries loaded
_SWITCH_INTERVAL = 1e-4  #: after which a thread that computes in Python lets another one in [s]
_LAST_WORDS = 0.5  #: what a process gives the guard of another one, for want of which it failed, to say so [s]


def homes(workers: int, masters: int) -> tuple[int, ...]:
    """The process of each rank: workers have one each, all threads of the master share the one behind them."""
    return (*range(workers), *(workers for _ in range(masters)))


class TrainingProcess:
    """All ranks of this process, with what they share."""

    def __init__(self, folder: Path, world: Any) -> None:
        document = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
        scenario = Scenario.from_dict(document["scenario"], document["where"], Path(document["directory"]))
        self.folder, self.world = folder, world
        self.simulation = Simulation(scenario)
        assert self.simulation.learning is not None, "checked by whoever started the processes"
        self.task: Task = self.simulation.task(self.simulation.steps)
        self.homes = homes(len(self.task.workers), len(self.task.masters))
        self.mine = tuple(rank for rank in self.task.everyone if self.homes[rank] == world.rank)
        self.device = Device(
            self.task,
            self.simulation.learning.arithmetic(lambda: None),
            self.simulation.scenario.tables.workload.batch_size,
        )
        self.transport = Transport(world, self.homes)
        self.journals = [Journal(folder / f"journal-{rank}", rank) for rank in self.mine]
        self.ranks = [self._rank(rank) for rank in self.mine]
        self.snapshots = Snapshots(self.simulation.scenario.tables.learning.evaluate_every)  # type: ignore[union-attr]

    def _rank(self, index: int) -> Rank:
        return Rank(index, "worker" if index in self.task.workers else "master", self.task)

    def run(self) -> tuple[float, float, dict[str, float]]:
        """Run the ranks to their ends; when this process began and ended [s], by its own clock, and what it used."""
        self._warm_up()
        drivers = [self._driver(rank, journal) for rank, journal in zip(self.ranks, self.journals, strict=True)]
        threads = [threading.Thread(target=guarded(self, driver.run)) for driver in drivers[1:]]
        barrier(self.world)
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        for thread in threads:
            thread.start()
        drivers[0].run()
        for thread in threads:
            thread.join()
        return begin, time.perf_counter(), used_since(before)

    def _warm_up(self) -> None:
        """Gradients that nobody uses, on a copy of the initial weights."""
        if self.mine[0] not in self.task.workers:
            return
        arithmetic = self.device.arithmetic
        for _ in range(_WARM_UP):
            inputs, labels = arithmetic.batch(self.mine[0], 0)
            arithmetic.learner.gradient(self.task.initial.copy(), inputs, labels)

    def _driver(self, rank: Rank, journal: Journal) -> RankDriver:
        simulation, recorder = self.simulation, Recorder(journal)
        update_category = simulation.update_category(rank.index)
        operations = Operations(rank, self.device, recorder, update_category)
        messages = Messages(
            self.task,
            self.transport,
            recorder,
            simulation.category,
            update_category,
            functools.cache(simulation.schedule),
            simulation.packed,
        )
        at_step: Callable[[int], None] = lambda step: None  # noqa: E731
        if rank.index in holders(self.task, simulation.algorithm.learns):
            at_step = functools.partial(self.snapshots.take, rank, simulation.algorithm.learns)
        return RankDriver(rank, simulation.program(rank.index), operations, messages, recorder, at_step)

    def finish(self, begin: float, end: float, used: dict[str, float], before: Offset, after: Offset) -> None:
        """Leave what the merge needs."""
        self.transport.close()
        for journal in self.journals:
            journal.close()
        for rank in self.ranks:
            arrays = {name: array.value for name, array in rank.arrays.items()}
            np.savez(self.folder / f"weights-{rank.index}.npz", **arrays)
        self.snapshots.save(self.folder / f"snapshots-{self.world.rank}.npz")
        document = {
            "process": self.world.rank,
            "ranks": list(self.mine),
            "begin": begin,
            "end": end,
            "used": used,
            "clock": [[offset.at, offset.value, offset.uncertainty] for offset in (before, after)],
            "staleness": self.device.staleness,
        }
        (self.folder / f"process-{self.world.rank}.json").write_text(json.dumps(document), encoding="utf-8")


def used_since(before: resource.struct_rusage) -> dict[str, float]:
    """What this process has used of its machine since then: seconds of processors, and how often it lost one.

    A process that waits gives its core up by itself; one that has work to do is interrupted.
    """
    now = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "computed_s": now.ru_utime - before.ru_utime,
        "in_system_s": now.ru_stime - before.ru_stime,
        "waits": now.ru_nvcsw - before.ru_nvcsw,
        "interruptions": now.ru_nivcsw - before.ru_nivcsw,
    }


def guarded(process: Any, work: Callable[[], None]) -> Callable[[], None]:
    """`work`, but an error in it ends all processes: the others would wait for this one for ever."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            fail(process.folder, process.world, error)

    return run


def fail(folder: Path, world: Any, error: BaseException) -> None:
    """Say what went wrong, and end all processes."""
    import traceback

    text = str(error) if isinstance(error, SimulatorError) else f"{type(error).__name__}: {error}"
    note_error(folder, world.rank, f"failed ({text})")
    traceback.print_exc()
    sys.stderr.flush()
    if type(error).__module__.startswith("mpi4py"):
        time.sleep(_LAST_WORDS)
    world.Abort(1)


def main(arguments: list[str]) -> None:
    """Entry point of each process."""
    (folder,) = map(Path, arguments)
    guarded_process(folder)
    from mpi4py import MPI

    from simulator.learning import one_thread
    from simulator.learning.allocation import keep_freed_memory

    world = MPI.COMM_WORLD
    (folder / f"pid-{world.rank}").write_text(str(os.getpid()), encoding="utf-8")
    prompt_timers()
    keep_freed_memory()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        process = TrainingProcess(folder, world)
        before = measure_offset(world)
        (folder / f"clock-{world.rank}.json").write_text(json.dumps([before.at, before.value]), encoding="utf-8")
        with one_thread():
            begin, end, used = process.run()
        barrier(world)
        process.finish(begin, end, used, before, measure_offset(world))
        barrier(world)
    except BaseException as error:
        fail(folder, world, error)


if __name__ == "__main__":
    main(sys.argv[1:])
