"""A grid of real runs on one machine, recorded to be predicted: ``python -m validation.training.grid``.

Algorithms × workers × networks × widths (which set the sizes of messages) × batch sizes, with steps of about 5 to 500
ms: longer than the time slices of the system (4 ms), below which processes that share a core do not share it evenly.
Every run is made several
times. The machine is slower in some minutes than in others, so all algorithms of a cell run one after the other, in an
order drawn at random, as do the cells (a randomised block design; Fisher, *The Design of Experiments*, 1935): what is
compared was measured in the same minute. A run is written to a file as it ends: a study that is stopped goes on where
it was.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import numpy as np

from simulator.errors import InputError, SimulatorError
from simulator.scenario import Scenario
from simulator.simulation import simulate
from simulator.trace.chrome import write_trace
from validation.training.machine import describe_machine
from validation.training.recording import real_scenario, record
from validation.training.steps import cut, shared_step_time, step_time

__all__ = [
    "ALGORITHMS",
    "BATCHES",
    "FOLDER",
    "MACHINE",
    "NETWORKS",
    "SKIPPED",
    "STEPS",
    "WORKERS",
    "Case",
    "Measured",
    "cases",
    "fitted_third",
    "read_measured",
    "simulated_step",
]

FOLDER = Path(__file__).with_name("recorded")
#: In that folder: the system profile of the machine that the runs were made on.
MACHINE = "machine/cpu-node.toml"

ALGORITHMS = (
    "original-easgd",
    "sync-sgd",
    "sync-easgd2",
    "sync-easgd3",
    "ddp-msgd",
    "async-sgd",
    "async-easgd",
    "hogwild-easgd",
)
WORKERS = (1, 2, 3, 4)
BATCHES = (128, 512)
#: (model, width) to the options of the learner; the width sets the size of a message.
NETWORKS: Mapping[tuple[str, str], Mapping[str, Any]] = MappingProxyType(
    {
        ("mlp", "narrow"): {"hidden": [512, 512]},
        ("mlp", "wide"): {"hidden": [1536, 1536]},
        ("lenet", "narrow"): {"filters": [16, 32], "hidden": 512},
        ("lenet", "wide"): {"filters": [32, 64], "hidden": 2048},
    }
)
STEPS, SKIPPED = 16, 4
#: Steps of the traces that are kept.
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Case:
    """One point of the grid."""

    algorithm: str
    workers: int
    model: str
    width: str
    batch_size: int

    @property
    def cell(self) -> tuple[object, ...]:
        """All of it but the algorithm."""
        return self.workers, self.model, self.width, self.batch_size

    def scenario(self, system: str, directory: Path | None = None) -> Scenario:
        """What is run, on the system of that profile, which may be a path in `directory`."""
        tables = {
            "cluster": {"system": system},
            "workload": {
                "network": "learner",
                "dataset": "learner",
                "batch_size": self.batch_size,
                "steps": STEPS,
                "precision": "fp64",
            },
            "algorithm": {"name": self.algorithm},
            "learning": {
                "data": "digits",
                "model": self.model,
                "options": dict(NETWORKS[self.model, self.width]),
                "learning_rate": 0.01,
                "evaluate_every": STEPS,
            },
        }
        return real_scenario(Scenario.from_dict(tables, str(self), directory), self.workers, system)

    def __str__(self) -> str:
        return f"{self.algorithm}-{self.workers}-{self.model}-{self.width}-{self.batch_size}"


@dataclass(frozen=True)
class Measured:
    """The step times [s] of a case, one a repetition.

    A recording keeps two more figures of each run, to tell what a step takes from how a system shares its cores: the
    step time by what all workers get done together, and the seconds of a core that all processes use in a step.
    """

    case: Case
    step_times: tuple[float, ...]

    @property
    def step_time(self) -> float:
        """Their median."""
        return median(self.step_times)


def cases() -> list[Case]:
    """The whole grid."""
    return [
        Case(algorithm, workers, model, width, batch)
        for algorithm, workers, (model, width), batch in itertools.product(ALGORITHMS, WORKERS, NETWORKS, BATCHES)
    ]


def fitted_third() -> list[Case]:
    """The cases that a fit may see: every third of the grid, in an order drawn once and for all."""
    grid = cases()
    order = np.random.default_rng(0).permutation(len(grid))
    return [grid[index] for index in sorted(order[: len(grid) // 3])]


def simulated_step(scenario: Scenario, changes: Mapping[str, Any]) -> float:
    """The simulated time of a step [s] of a case's scenario with some keys changed, measured as the real one is."""
    changed = scenario.override({"simulation.timing_only": True, **changes})
    return step_time(simulate(changed).trace, SKIPPED)


def read_measured(folder: Path = FOLDER) -> list[Measured]:
    """What was recorded, in the order of the grid; cases that were not are left out."""
    times: dict[Case, list[float]] = {}
    for line in (folder / "step-times.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        times.setdefault(Case(**row["case"]), []).append(float(row["step_time_s"]))
    return [Measured(case, tuple(times[case])) for case in cases() if case in times]


def main(arguments: list[str] | None = None) -> int:
    """Record what has not been recorded yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the results")
    parser.add_argument("--system", help="profile of this machine; by default the one in the folder")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    options.system = options.system or str((options.out / MACHINE).resolve())
    (options.out / "machine.json").write_text(json.dumps(describe_machine(), indent=2) + "\n", encoding="utf-8")
    keep = set(fitted_third())
    try:
        for case, repeat, left in _to_do(options.out, options.repeats):
            measured = _measure(case, repeat, options, repeat == 0 and case in keep)
            print(f"{left:4d} left  {case} {measured * 1e3:.2f} ms", flush=True)
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _to_do(folder: Path, repeats: int) -> Iterator[tuple[Case, int, int]]:
    """What is not there yet, with its repetition and how much is left after it."""
    path = folder / "step-times.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    done = {(Case(**row["case"]), row["repeat"]) for row in rows}
    for repeat in range(repeats):
        grid = _blocks(np.random.default_rng(repeat + 1))
        waiting = [case for case in grid if (case, repeat) not in done]
        for place, case in enumerate(waiting, start=1):
            yield case, repeat, len(waiting) - place + (repeats - 1 - repeat) * len(grid)


def _blocks(generator: np.random.Generator) -> list[Case]:
    """The grid, cell by cell in random order, and within each the algorithms in random order."""
    cells: dict[tuple[object, ...], list[Case]] = {}
    for case in cases():
        cells.setdefault(case.cell, []).append(case)
    blocks = list(cells.values())
    return [
        blocks[block][place]
        for block in generator.permutation(len(blocks))
        for place in generator.permutation(len(blocks[block]))
    ]


def _measure(case: Case, repeat: int, options: argparse.Namespace, keep_trace: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        recorded = record(case.scenario(options.system), Path(folder), time_limit=120.0)
    trace, found = recorded.trace, step_time(recorded.trace, SKIPPED)
    seconds = {"step_time_s": found, "processor_time_s": sum(recorded.processor_times) / STEPS}
    with suppress(InputError):  # of a worker that had done all before another had begun there is none
        seconds["shared_step_time_s"] = shared_step_time(trace, SKIPPED)
    row = {"case": asdict(case), "repeat": repeat, **{name: float(f"{each:.6g}") for name, each in seconds.items()}}
    if keep_trace:
        traces = options.out / "traces"
        traces.mkdir(exist_ok=True)
        kept = cut(trace, SKIPPED, _KEPT)
        # Where the profile lies is this machine's business.
        scenario = case.scenario(Path(options.system).name).tables.model_dump(exclude_unset=True)
        kept.metadata["scenario"] = scenario
        write_trace(kept, traces / f"{case}.json.gz")
    with (options.out / "step-times.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    return found


if __name__ == "__main__":
    sys.exit(main())
