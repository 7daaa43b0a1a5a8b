"""Sweeps: one scenario at many points, each under one or more seeds.

>>> import simulator
>>> base = simulator.load("m40x4-lenet", **{"workload.steps": 10})
>>> study = simulator.sweep(base, {"cluster.workers": [1, 2, 4]}, jobs=1)
>>> [row["workers"] for row in study.rows()]
[1.0, 2.0, 4.0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.planning.axes import Axis, Point, grid
from simulator.planning.metrics import METRICS, metrics_of
from simulator.planning.outcome import Outcome, Status
from simulator.planning.point_scenarios import PointScenarios
from simulator.planning.progress import Progress, Report, silent
from simulator.planning.replicates import interval
from simulator.planning.runner import iterate_points
from simulator.planning.scaling import efficiencies
from simulator.planning.store import ResultStore
from simulator.planning.study import Row, Study
from simulator.scenario import Scenario

__all__ = ["sweep"]


def sweep(
    scenario: Scenario,
    vary: Mapping[str, Sequence[Any]] | Sequence[Axis] | None = None,
    *,
    points: Sequence[Point] | None = None,
    tied: Sequence[Sequence[str]] = (),
    replicates: int = 1,
    store: ResultStore | str | Path | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Report = silent,
) -> Study:
    """Simulate a scenario at many points.

    Parameters
    ----------
    vary : mapping or sequence of Axis
        The values of each varied key; every combination is a point. ``algorithm.name`` may carry options,
        ``"original-easgd:overlap=false"``.
    points : sequence of mapping, optional
        The points themselves instead, such as `simulator.planning.axes.latin_hypercube` draws; all of the same keys.
    tied : sequence of sequences of str
        Varied keys that go together instead of in every combination; given with `points`, it says that they do.
    replicates : int
        Seeds of each point, from the scenario's own upwards.
    store, jobs, dask, progress
        As of `simulator.planning.runner.run_points`; a store may be given as its file.

    Raises
    ------
    InputError
        Before anything is simulated, if the scenario, a key, a value or the store is wrong. A point that is refused
        for what it asks of the system is a row that says so.
    RunError
        If the study cannot go on; what is stored stays.
    """
    if (vary is None) == (points is None):
        raise InputError("a sweep: expected what to vary, or the points themselves")
    if points is None:
        assert vary is not None
        axes = [Axis(key, tuple(values)) for key, values in vary.items()] if isinstance(vary, Mapping) else vary
        points = grid(axes, tied)
    if not points or replicates < 1:
        raise InputError("a sweep: expected at least one point and one replicate")
    keys = tuple(points[0])
    if any(set(point) != set(keys) for point in points):
        raise InputError(f"a sweep: expected the same keys at every point: {', '.join(keys)}")
    scenarios = PointScenarios(scenario, points, replicates)
    scenarios.check()
    found: list[dict[int, Outcome | _Numbers]] = [{} for _ in points]
    state = Progress(0)

    def note(now: Progress) -> None:
        nonlocal state
        state = now
        progress(now)

    opened: AbstractContextManager[ResultStore | None] = (
        ResultStore(Path(store)) if isinstance(store, str | Path) else nullcontext(store)
    )
    with opened as kept:
        for place, outcome in iterate_points(scenarios, store=kept, jobs=jobs, dask=dask, progress=note):
            index, replicate = divmod(place, replicates)
            found[index][replicate] = outcome if outcome.result is None else _Numbers.of(outcome.result)
    rows = [_row(point, [of[replicate] for replicate in sorted(of)]) for point, of in zip(points, found, strict=True)]
    shares = efficiencies([(row.point, row.values) for row in rows], tied)
    table = tuple(replace(row, efficiency=share) for row, share in zip(rows, shares, strict=True))
    return Study(scenario, keys, table, replicates, state, tuple(map(tuple, tied)))


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What a study keeps of a result: 10,000 whole ones would not fit everywhere."""

    values: Mapping[str, float]
    bounded_by: str

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> _Numbers:
        return cls(metrics_of(result), result["bounded_by"]["part"])


def _row(point: Point, found: Sequence[Outcome | _Numbers]) -> Row:
    done = [numbers for numbers in found if isinstance(numbers, _Numbers)]
    others = [outcome for outcome in found if isinstance(outcome, Outcome)]
    status: Status = "failed" if any(o.status == "failed" for o in others) else "infeasible" if others else "done"
    message = next((outcome.message for outcome in others if outcome.status == status), "")
    names = [name for name in METRICS if any(name in numbers.values for numbers in done)]
    values = {name: interval([n.values[name] for n in done if name in n.values]) for name in names}
    return Row(dict(point), status, message, values, done[0].bounded_by if done else "")
