"""Runs cases, each several times, ours and the peer's in turns, so that what disturbs the one disturbs the other."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.cases import Case
from benchmarks.effort import Effort
from benchmarks.isolation import calibrate, run_alone
from benchmarks.machine import commit, load, machine
from benchmarks.measurement import Measurement, Runs
from benchmarks.peers.figures import FIGURES
from benchmarks.peers.simgrid import UPDATES, SimGrid
from benchmarks.record import SCHEMA, Calibration, Record, Row, Timing
from simulator.errors import RunError
from simulator.network.fair_shares import compiled_version

__all__ = ["run_case", "run_cases"]

_OURS, _EXACT = "ours", "exact"

#: Told what is being run.
Progress = Callable[[str], None]


def run_cases(
    chosen: Sequence[Case], effort: Effort, simgrid: SimGrid | None, progress: Progress = lambda what: None
) -> Iterator[Record]:
    """All of them, with bare SimPy before and after; a record after each, so that little is lost if one is the last."""
    begun, code, rows = load(), commit(), list[Row]()
    speeds = [calibrate() for _ in range(effort.repeats)]
    for place, case in enumerate(chosen, start=1):

        def tell(what: str, place: int = place) -> None:
            progress(f"{place} of {len(chosen)}: {what}")

        rows.append(run_case(case, effort, simgrid, tell))
        if place == len(chosen):
            speeds += [calibrate() for _ in range(effort.repeats)]
        yield _record(rows, code, (begun, load()), speeds, simgrid)


def _record(
    rows: Sequence[Row], code: str, loads: tuple[float, ...], speeds: Sequence[float], simgrid: SimGrid | None
) -> Record:
    return Record(
        schema=SCHEMA,
        date=f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M}",
        commit=code,
        machine=machine(),
        compiled=compiled_version(),
        load=loads,
        simgrid=simgrid.version if simgrid else None,
        calibration=Calibration(events_per_s=tuple(speeds)),
        rows=tuple(rows),
    )


def run_case(case: Case, effort: Effort, simgrid: SimGrid | None, progress: Progress = lambda what: None) -> Row:
    """The case's row."""
    workload = case.workload
    runs: dict[str, Runs] = {_OURS: Runs()}
    contestants: dict[str, Callable[[], Measurement]] = {_OURS: lambda: run_alone(workload, False, effort.limit_s)}
    if 0 < workload.messages <= effort.exact_messages:
        contestants[_EXACT] = lambda: run_alone(workload, True, effort.limit_s)
    if simgrid is not None and workload.asked() is not None:
        for update in UPDATES:
            contestants[update] = _asking(simgrid, case, update, effort.limit_s)
    for _ in range(effort.repeats):
        for name, run in contestants.items():
            done = runs.setdefault(name, Runs())
            if done.given_up or done.spent_s >= effort.enough_s:
                continue
            progress(f"{case.key}: {name if name in (_OURS, _EXACT) else f'SimGrid, {name.lower()} update'}")
            try:
                done.measurements.append(run())
            except RunError as error:
                done.given_up = str(error)
    return _row(case, runs, workload.messages > effort.exact_messages)


def _asking(simgrid: SimGrid, case: Case, update: str, limit: float) -> Callable[[], Measurement]:
    return lambda: simgrid.run(case.workload, update, limit)


def _row(case: Case, runs: dict[str, Runs], too_many: bool) -> Row:
    ours = runs[_OURS].best if runs[_OURS] else None
    notes = [f"{name}: {done.given_up}" for name, done in runs.items() if done.given_up]
    if too_many:
        notes.append("exact: too many messages, see --exact-messages")
    peers = {update: timing for update in UPDATES if (timing := _timing(runs.get(update), ours))}
    return Row(
        group=case.group,
        name=case.name,
        messages=case.workload.messages,
        chaotic=case.workload.chaotic,
        closed_form_s=case.workload.closed_form(),
        ours=_timing(runs[_OURS], ours),
        exact=_timing(runs.get(_EXACT), ours),
        peers=peers,
        figure_s=FIGURES.get((case.group, case.name)),
        least_ratio=case.least_ratio,
        most_wall_s=case.most_wall_s,
        most_bytes=case.most_bytes,
        notes=tuple(notes),
    )


def _timing(runs: Runs | None, ours: Measurement | None) -> Timing | None:
    if not runs:
        return None
    best = runs.best
    return Timing(
        wall_s=tuple(_rounded(run.wall_s for run in runs.measurements)),
        cpu_s=tuple(_rounded(run.cpu_s for run in runs.measurements)),
        peak_bytes=runs.peak_bytes,
        end_s=best.end,
        difference=0.0 if ours is None else max(_difference(run, ours) for run in runs.measurements),
        by=best.by,
    )


def _difference(theirs: Measurement, ours: Measurement) -> float:
    """The largest relative difference of an end."""
    pairs = [(theirs.end, ours.end)]
    if len(theirs.ends) == len(ours.ends):
        pairs += zip(theirs.ends, ours.ends, strict=True)
    return max(abs(a - b) / max(abs(b), 1e-300) for a, b in pairs)


def _rounded(values: Iterable[float]) -> Iterable[float]:
    return (float(f"{value:.4g}") for value in values)
