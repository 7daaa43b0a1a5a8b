"""Reports of every kind, small, for tests to look at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import simulator
from simulator.planning.replicates import time_to_accuracy
from simulator.report.html.comparison import comparison_report
from simulator.report.html.document import (
    Code,
    Facts,
    Figure,
    Folded,
    Heading,
    Notes,
    Prose,
    Repeat,
    Report,
    Section,
    Table,
    Words,
)
from simulator.report.html.learning import time_to_accuracy_report
from simulator.report.html.plane import Point, Series, plane
from simulator.report.html.run import run_report
from simulator.result import Result

if TYPE_CHECKING:
    from simulator.planning.plan import Plan

MADE_BY = {"command": "clustersim run here.toml", "date": "2026-01-02 03:04 UTC", "python": "3.11", "clustersim": "1"}


@cache
def run(name: str = "m40x4-lenet", **changes: Any) -> Result:
    """The result of a short run."""
    return simulator.simulate(simulator.load(name, **{"workload.steps": 6, **changes}))


@cache
def learned(seed: int = 0, **changes: Any) -> Result:
    """The result of a short run that learns."""
    return run("m40x4-digits", **{"workload.steps": 30, "simulation.seed": seed, **changes})


@cache
def of_a_run() -> Report:
    return run_report(run(), MADE_BY)


@cache
def of_a_learning_run() -> Report:
    return run_report(learned(), MADE_BY)


@cache
def of_a_comparison() -> Report:
    rows = [
        (f"{name} workers={workers}", run(**{"algorithm.name": name, "cluster.workers": workers}).to_dict())
        for name in ("sync-sgd", "async-easgd")
        for workers in (1, 2, 4)
    ]
    return comparison_report(rows, MADE_BY)


@cache
def of_times_to_accuracy() -> Report:
    found = {
        name: [learned(seed, **{"algorithm.name": name, "learning.target_accuracy": 0.3}).to_dict() for seed in (0, 1)]
        for name in ("sync-sgd", "sync-easgd3")
    }
    return time_to_accuracy_report(
        [time_to_accuracy(name, 0.3, list(results)) for name, results in found.items()], MADE_BY
    )


@cache
def of_a_study() -> Report:
    from simulator.report.html.study import study_report

    vary: Mapping[str, list[Any]] = {"cluster.workers": [1, 2, 4], "workload.batch_size": [16, 10_000_000]}
    base = simulator.load("m40x4-lenet", **{"workload.steps": 3, "simulation.jitter": 0.1})
    return study_report(simulator.sweep(base, vary, jobs=1, replicates=2), MADE_BY)


@cache
def a_plan() -> Plan:
    """Configurations of two systems: some will do, some are too late, some have no memory, none has a price."""
    from simulator.planning.plan import plan

    base = simulator.load("m40x4-lenet", **{"workload.steps": 400})
    return plan(
        base,
        ["m40x4", "dgx1-v100"],
        [1],
        ["sync-sgd", "sync-easgd3"],
        batch_sizes=[64, 10_000_000],
        work="samples=100000",
        deadline="250 ms",
        sensitivity=True,
        draws=20,
        model_error=0.05,
        jobs=1,
    )


def of_a_plan() -> Report:
    from simulator.report.html.plan import plan_report

    return plan_report(a_plan(), MADE_BY)


ALL = {
    "run": of_a_run,
    "learning run": of_a_learning_run,
    "comparison": of_a_comparison,
    "times to accuracy": of_times_to_accuracy,
    "study": of_a_study,
    "plan": of_a_plan,
}


def with_text(text: str) -> Report:
    """A report that has a text everywhere where one can be."""
    points = [Point(float(n), float(n), text) for n in range(1, 4)]
    picture = plane([Series(text, points), Series("", points)], text, text, text)
    blocks = [
        Prose("plain"),
        Heading(text),
        Facts([(text, text)]),
        Notes([text]),
        Code(text, text),
        Table(
            (text, "n"), [(text, Words(text, "ok")), (Words(text, "ok", badge=True), Words(text, anchor=text))], text
        ),
        Figure(picture, text),
        Folded(text, [Notes([text])]),
    ]
    made_by = {**MADE_BY, "command": text, "machine": text}
    sections = [Section(text, blocks, badge=Words(text, "ok", badge=True)), Section(text, blocks), Section("s", [])]
    return Report(text, [text, text], [Facts([(text, text)])], sections, Repeat(made_by, [(text, text)], 3))
