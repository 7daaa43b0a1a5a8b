"""Running many points: each distinct content once, on processes of this machine or on a Dask cluster.

Outcomes are handed on, and stored if there is a store, as they finish. Where and with how many processes a point is
simulated has no influence on its result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from simulator.errors import InputError
from simulator.planning.keys import scenario_key
from simulator.planning.outcome import Outcome, Record, outcome_of, simulated
from simulator.planning.processes import Task, on_processes
from simulator.planning.progress import Progress, Report, Stopwatch, silent
from simulator.planning.store import ResultStore
from simulator.scenario import Scenario

__all__ = ["Outcome", "iterate_points", "run_points"]


def run_points(
    scenarios: Sequence[Scenario],
    *,
    store: ResultStore | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Report = silent,
) -> list[Outcome]:
    """The outcomes of all scenarios, in their order; scenarios of equal content are simulated once.

    Parameters
    ----------
    scenarios : sequence of Scenario
    store : ResultStore, optional
        Looked into before anything is simulated, and given every outcome as it finishes.
    jobs : int, optional
        Processes on this machine; as many as there are cores if left out. With 1, this process does the work.
    dask : str, optional
        Address of a Dask scheduler, such as ``"tcp://10.0.0.1:8786"``, whose workers do the work instead.
    progress : callable
        Told how far the study is after every point.

    Raises
    ------
    InputError
        If the store or the scheduler cannot be used, or both `jobs` and `dask` are given. A scenario that is refused
        when it is simulated is an outcome instead.
    RunError
        If the study cannot go on: the store's disk is full, or the scheduler is lost. What was stored stays there.
    """
    outcomes: list[Outcome | None] = [None] * len(scenarios)
    for place, outcome in iterate_points(scenarios, store=store, jobs=jobs, dask=dask, progress=progress):
        outcomes[place] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def iterate_points(
    scenarios: Sequence[Scenario],
    *,
    store: ResultStore | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Report = silent,
) -> Generator[tuple[int, Outcome], None, None]:
    """As `run_points`, but (place in `scenarios`, outcome) as they finish: for studies too large to be kept.

    A scenario is asked for when it is its turn, so `scenarios` may make them as they are asked for.
    """
    if jobs is not None and dask is not None:
        raise InputError("jobs and dask exclude one another: the workers of a Dask cluster have been started already")
    places = _places(scenarios)
    state = Progress(len(places))
    missing = []
    for key, same in places.items():
        outcome = None if store is None else store.answer(key)
        if outcome is None:
            missing.append(key)
            continue
        state = state.after(outcome.status, found=True)
        progress(state)
        yield from ((place, outcome) for place in same)
    if not missing:
        return
    tasks = ((number, _task(scenarios[places[key][0]])) for number, key in enumerate(missing))
    watch = Stopwatch()
    with closing(_records(tasks, len(missing), jobs, dask, watch.begin)) as records:
        for number, record in records:
            key = missing[number]
            if store is not None:
                store.put(key, scenarios[places[key][0]], record)
            state = state.after(record[0], elapsed=watch.seconds)
            progress(state)
            outcome = outcome_of(record)
            yield from ((place, outcome) for place in places[key])


def _places(scenarios: Sequence[Scenario]) -> dict[str, list[int]]:
    """Where in `scenarios` each distinct content stands."""
    places: dict[str, list[int]] = {}
    for place, scenario in enumerate(scenarios):
        places.setdefault(scenario_key(scenario), []).append(place)
    return places


def _task(scenario: Scenario) -> tuple[object, ...]:
    return scenario.data, scenario.where, str(scenario.directory)


def _records(
    tasks: Iterator[Task], points: int, jobs: int | None, dask: str | None, ready: Callable[[], None]
) -> Generator[tuple[int, Record], None, None]:
    """Simulate the points wherever that is to be done; `ready` is told when the first of them begins."""
    if dask is not None:
        from simulator.planning.dask_cluster import on_dask

        yield from on_dask(tasks, dask, ready)
        return
    processes = min(jobs or _cores(), points)
    if processes == 1:
        yield from ((number, simulated(*point)) for number, point in tasks)
    else:
        yield from on_processes(tasks, processes, ready)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
