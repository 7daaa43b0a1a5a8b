"""The parts of the validation, found by name and run: one in this process, several side by side.

A part is the module ``validation.<part>.findings``. It is imported when it is run, so that a part whose own needs are
absent (MPI, SimGrid, measurements) keeps none of the others from running.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path

from simulator.errors import InputError, RunError, SimulatorError
from simulator.processes import process_pool
from validation.checks import Findings, Progress

__all__ = ["PARTS", "run_part", "run_parts"]

#: What can be validated, in the order in which it is reported, each with what it compares the simulator with.
PARTS: dict[str, str] = {
    "paper": "the EASGD paper's printed figures",
    "deepbench": "measured kernels and all-reduces of the DeepBench collection",
    "published": "published measurements of frameworks on GPU clusters",
    "plans": "published measurements, asked for the system size that reaches a throughput",
    "memory": "published batches that fit, and what PyTorch keeps of each network",
    "training": "recorded runs of the same algorithms by real processes",
    "peers": "the max-min network model of SimGrid",
}


def run_part(part: str, reference: Path | None, progress: Progress = lambda what, share: None) -> Findings:
    """The findings of one part; its `missing` says why, where it could not run.

    Raises
    ------
    SimulatorError
        As the part: `InputError` if the measurements are there but wrong.
    """
    name = f"validation.{part}.findings"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None:
            raise
        if name.startswith(error.name):
            return Findings(part, PARTS[part].capitalize(), missing="this installation does not have this part")
        return Findings(part, PARTS[part].capitalize(), missing=f"needs the Python package {error.name!r}")
    findings = module.findings(reference, progress)
    if not isinstance(findings, Findings):
        raise TypeError(f"{name}.findings: expected Findings, got {type(findings).__name__}")
    return findings


def run_parts(
    parts: Sequence[str], reference: Path | None, jobs: int = 1, progress: Progress = lambda what, share: None
) -> list[Findings | SimulatorError]:
    """Findings of every part in the order of `parts`; in place of one that could not be finished, the error.

    `jobs` processes work side by side; findings do not depend on it. With more than one, progress is told part by part.

    Raises
    ------
    RunError
        If a process dies.
    """
    found: dict[str, Findings | SimulatorError] = {}
    for part, findings in _run(parts, reference, jobs, progress):
        found[part] = findings
        progress(part, len(found) / len(parts))
    return [found[part] for part in parts]


def _run(
    parts: Sequence[str], reference: Path | None, jobs: int, progress: Progress
) -> Iterator[tuple[str, Findings | SimulatorError]]:
    if min(jobs, len(parts)) <= 1:
        for place, part in enumerate(parts):
            yield part, _attempt(part, reference, _share(progress, place, len(parts)))
        return
    with process_pool(min(jobs, len(parts)), "validation") as pool:
        futures = {pool.submit(_attempt, part, reference): part for part in parts}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _share(progress: Progress, place: int, count: int) -> Callable[[str, float], None]:
    return lambda what, share: progress(what, (place + min(max(share, 0.0), 1.0)) / count)


def _attempt(
    part: str, reference: Path | None, progress: Progress = lambda what, share: None
) -> Findings | SimulatorError:
    try:
        return run_part(part, reference, progress)
    except InputError as error:
        return InputError(str(error))  # a plain one: its children need not survive the way between processes
    except SimulatorError as error:
        return RunError(str(error))
