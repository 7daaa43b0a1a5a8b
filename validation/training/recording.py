"""Recording a real run of a scenario: its trace, what was learned, and on what machine.

What is run is the scenario's algorithm, its options and its learner, for so many steps. The network that computes and
travels is the one that learns, in float64: in the scenario that is recorded, ``workload.network`` is "learner" and the
system is the profile of this machine, so that simulating that scenario predicts this very run.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError, RunError
from simulator.execution.learning import holders
from simulator.resolved import LEARNER
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.toml_text import toml_text
from simulator.trace.chrome import write_trace
from simulator.trace.spans import Trace
from validation.training.launch import find_mpiexec, launch
from validation.training.machine import describe_machine
from validation.training.merge import ProcessRecord, beginning, merge, read_processes
from validation.training.process import homes

__all__ = ["RECORDING_SCHEMA", "Recording", "real_scenario", "record"]

RECORDING_SCHEMA = "clustersim/recording/1"
#: The machine that the project's own recordings were made on.
_DEFAULT_SYSTEM = Path(__file__).with_name("recorded") / "machine" / "cpu-node.toml"

#: Keys of a scenario that speak of simulated hardware or stop a simulated run; a real one has its own.
_NOT_FOR_REAL = (
    "cluster.partitions",
    "cluster.host_memory",
    "cluster.memory_mode",
    "cluster.cluster_mode",
    "cluster.master",
    "cluster.shards",
    "cluster.routing",
    "workload.epochs",
    "learning.batch_size",
    "learning.target_accuracy",
    "learning.time_limit",
    "background",
    "plan",
    "reliability",
    "what_if",
    "prices",
    "power",
)


@dataclass(frozen=True)
class Recording:
    """What a real run has left.

    Attributes
    ----------
    scenario : Scenario
        What was run, as a scenario to simulate.
    trace : Trace
    weights : numpy.ndarray or None
        What was learned, shape ``(elements,)``; None of a run that did not come to its end.
    curve : list of dict
        Evaluations: ``time_s``, ``gradients``, ``loss``, ``accuracy``.
    machine : dict
    staleness : list of int
        Of each update of a shared array.
    """

    scenario: Scenario
    trace: Trace
    weights: Any
    curve: list[dict[str, Any]]
    machine: dict[str, Any]
    staleness: list[int]

    @property
    def processor_times(self) -> list[float]:
        """Seconds of a core that each process has used; of one that did not come to its end, zero."""
        used: Any = self.trace.metadata.get("processes", [])
        return [process.get("computed_s", 0.0) + process.get("in_system_s", 0.0) for process in used]

    def to_dict(self) -> dict[str, Any]:
        """The description beside the trace."""
        steps = self.scenario.tables.workload.steps or 1
        return {
            "schema": RECORDING_SCHEMA,
            "scenario": self.scenario.tables.model_dump(exclude_none=True),
            "time_s": self.trace.duration,
            "step_time_s": self.trace.duration / steps,
            "processor_times_s": self.processor_times,
            "complete": self.weights is not None,
            "final_accuracy": self.curve[-1]["accuracy"] if self.curve else None,
            "curve": self.curve,
            "staleness": {"updates": len(self.staleness), "mean": float(np.mean(self.staleness))}
            if self.staleness
            else None,
            "machine": self.machine,
        }


def real_scenario(scenario: Scenario, workers: int, system: str | None = None, steps: int | None = None) -> Scenario:
    """The scenario that a real run of `scenario` by so many workers on this machine is.

    Raises
    ------
    InputError
        If the scenario learns nothing.
    """
    tables = scenario.tables
    if tables.learning is None:
        raise InputError(
            f"{scenario.where}: learning: missing; training for real needs to know what learns what, such as "
            "--set learning.data=digits --set learning.model=mlp"
        )
    changes: dict[str, Any] = dict.fromkeys(_NOT_FOR_REAL)
    changes |= {
        "cluster.system": system or str(_DEFAULT_SYSTEM),
        "cluster.nodes": 1,
        "cluster.workers": workers,
        "workload.network": LEARNER,
        "workload.dataset": LEARNER,
        "workload.precision": "fp64",
        "workload.batch_size": tables.learning.batch_size or tables.workload.batch_size,
        "workload.steps": steps or tables.workload.steps or Simulation(scenario).steps,
        "simulation": {"seed": tables.simulation.seed},
    }
    if system is not None and (tables.cluster.system, tables.cluster.nodes) == (system, 1):
        del changes["cluster.partitions"]
    return scenario.override(changes)


def record(
    scenario: Scenario,
    folder: Path,
    progress: Callable[[int], None] = lambda step: None,
    mpiexec: str | None = None,
    time_limit: float | None = None,
) -> Recording:
    """Train for real, as `real_scenario` says.

    Leaves ``trace.json``, ``recording.json``, ``weights.npy`` and ``scenario.toml``, what was run as a scenario.

    Raises
    ------
    InputError
        If the scenario cannot be run, or there is no MPI.
    RunError
        If a process died; what was recorded until then is in `folder`.
    """
    find_mpiexec(mpiexec)
    simulation = Simulation(scenario)
    assert simulation.learning is not None
    task = simulation.task(simulation.steps)
    places = homes(len(task.workers), len(task.masters))
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    document = {
        "scenario": dict(scenario.data),
        "where": scenario.where,
        "directory": str(scenario.directory.resolve()),
    }
    (work / "scenario.json").write_text(json.dumps(document), encoding="utf-8")
    failure: RunError | None = None
    try:
        launch(work, places, simulation.steps, progress, mpiexec, time_limit)
    except RunError as error:
        failure = error
    machine = describe_machine()
    processes = read_processes(work, max(places) + 1)
    trace = merge(work, simulation.rank_infos(), places, processes, _metadata(scenario, machine, processes, failure))
    weights = None if failure else _learned(work, holders(task, simulation.algorithm.learns), simulation)
    curve = [] if failure else _curve(work, simulation, trace, processes, weights)
    staleness = [each for process in processes for each in process.staleness]
    recording = Recording(scenario, trace, weights, curve, machine, staleness)
    _leave(recording, folder)
    if failure:
        raise RunError(
            f"{failure}; the trace so far is in {folder / 'trace.json'}, the processes' words in {work / 'log'}"
        )
    shutil.rmtree(work)
    return recording


def _metadata(
    scenario: Scenario, machine: dict[str, Any], processes: Sequence[ProcessRecord], failure: RunError | None
) -> dict[str, Any]:
    before = [process.clock.before for process in processes]
    clocks = [{"offset_s": offset.value, "uncertainty_s": offset.uncertainty} for offset in before]
    metadata = {
        "scenario": scenario.tables.model_dump(),
        "execution": "real",
        "machine": machine,
        "clocks": clocks,
        "processes": [dict(process.used) for process in processes],
    }
    return {**metadata, "incomplete": str(failure)} if failure else metadata


def _learned(work: Path, ranks: Sequence[int], simulation: Simulation) -> Any:
    """The weights that training has yielded, the mean of those of the ranks that hold them."""
    return np.mean([np.load(work / f"weights-{rank}.npz")[simulation.algorithm.learns] for rank in ranks], axis=0)


def _curve(
    work: Path, simulation: Simulation, trace: Trace, processes: Sequence[ProcessRecord], weights: Any
) -> list[dict[str, Any]]:
    """Accuracy against real seconds, from the copies that were taken on the way; the last point is the end."""
    assert simulation.learning is not None
    learner, data = simulation.learning.learner, simulation.learning.data
    zero = beginning(processes) or 0.0
    taken: dict[int, list[tuple[float, Any]]] = {}
    for index, process in enumerate(processes):
        with np.load(work / f"snapshots-{index}.npz") as copies:
            for key in copies.files:
                _, step, at = key.split(":")
                taken.setdefault(int(step), []).append((process.clock.common(float(at)) - zero, copies[key]))
    ends = sorted(span.end for span in trace.spans if span.name == "gradient")
    points = [(max(at for at, _ in held), np.mean([value for _, value in held], axis=0)) for held in taken.values()]
    points = [point for point in sorted(points, key=lambda point: point[0]) if point[0] < trace.duration]
    curve = []
    for at, value in [*points, (trace.duration, weights)]:
        found = learner.evaluate(value, data.test_inputs, data.test_labels)
        done = int(np.searchsorted(ends, at, side="right"))
        loss = found.loss if np.isfinite(found.loss) else None
        curve.append({"time_s": at, "gradients": done, "loss": loss, "accuracy": found.accuracy})
    return curve


def _leave(recording: Recording, folder: Path) -> None:
    write_trace(recording.trace, folder / "trace.json")
    scenario = recording.scenario.tables.model_dump(exclude_unset=True, exclude_none=True)
    heading = "# What was run, as a scenario to simulate.\n"
    (folder / "scenario.toml").write_text(heading + toml_text(scenario), encoding="utf-8")
    text = json.dumps(recording.to_dict(), indent=2, allow_nan=False)
    (folder / "recording.json").write_text(text + "\n", encoding="utf-8")
    if recording.weights is not None:
        np.save(folder / "weights.npy", recording.weights)
