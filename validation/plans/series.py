"""Series of published runs that differ in their size alone, each run a configuration of a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simulator.errors import InfeasibleError, RunError
from simulator.planning.candidates import Candidate
from simulator.planning.configuration import Configuration
from simulator.planning.evaluation import Evaluator
from simulator.planning.question import Question
from simulator.planning.runner import run_points
from simulator.planning.work import Work
from validation.published.fitting import Case, Parameters, merged
from validation.published.jobs import Job, Simulated

__all__ = ["PlannedRuns", "Run", "Series", "series_of"]

_SIZE = re.compile(r"^(?P<what>.+), (?P<size>\d+) GPUs?$")


@dataclass(frozen=True)
class Run:
    """One size of a series.

    Attributes
    ----------
    size : int
        GPUs.
    measured : float
        Samples a second.
    configuration : Configuration
        What the plan makes of it, its throughput in samples of the table.
    fitted : bool
        Whether a fit saw what was measured.
    """

    size: int
    measured: float
    configuration: Configuration
    fitted: bool


@dataclass(frozen=True)
class Series:
    """Runs of the same network, batch and method on growing numbers of GPUs of the same machine."""

    section: str
    name: str
    method: str
    runs: tuple[Run, ...]


class PlannedRuns(Simulated):
    """Jobs as candidates of a plan: admitted, simulated and scaled by it. Remembers what it made of the last one."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Configuration | None = None
        self._configurations: dict[str, Configuration] = {}

    def run_time(self, job: Job, parameters: Parameters) -> float:
        """Seconds of one step of the job.

        Raises
        ------
        InfeasibleError
            If it does not fit in memory.
        RunError
            If the plan rules it out for anything else.
        """
        scenario = job.scenario(parameters)
        key = repr(scenario.data)
        if key not in self._configurations:
            # Every job is synchronous and nothing is random, so one step tells all, as for the part `published`.
            question = Question(Work(job.workers * job.batch, "one step"))
            candidate = Candidate(scenario, job.system, job.nodes, job.algorithm, job.batch)
            (found,) = Evaluator(question, lambda scenarios: run_points(scenarios, jobs=1))([candidate])
            if not isinstance(found, Configuration):
                raise (InfeasibleError if found.kind == "memory" else RunError)(
                    f"{found.candidate.name}: {found.reason}"
                )
            self._configurations[key] = found
        self.last = self._configurations[key]
        return self.last.step_time


def series_of(
    cases: Sequence[Case], found: Mapping[str, Parameters], planned: PlannedRuns, least: int = 2
) -> list[Series]:
    """The series among cases, each with `least` sizes or more; a size that was measured twice counts the first time."""
    groups: dict[tuple[str, str, str], dict[int, Case]] = {}
    for case in cases:
        match = _SIZE.match(case.name)
        if match is not None and case.unit.endswith("/s"):
            group = groups.setdefault((case.section, match["what"], case.series), {})
            group.setdefault(int(match["size"]), case)
    made = []
    for (section, name, method), by_size in groups.items():
        if len(by_size) >= least:
            runs = [_run(size, by_size[size], found, planned) for size in sorted(by_size)]
            made.append(Series(section, name, method, tuple(runs)))
    return made


def _run(size: int, case: Case, found: Mapping[str, Parameters], planned: PlannedRuns) -> Run:
    predicted = case.predict(merged(found, case.stages))
    assert planned.last is not None
    # A table may count other samples than the network has: two of 64 tokens for one of 128.
    return Run(size, case.measured, replace(planned.last, throughput=predicted), bool(case.fits))
