"""Studies: points a second of each example scenario, and what a second process gives.

    python -m benchmarks.sweep [--points 60] [--seconds 3] [--rounds 3]

Points are the example with 20 steps (learning ones as they are shipped, cut to 200), 10 % jitter and one seed each, so
that no two are equal. First one after the other in this process, then as a study with a store on one process and on
two. The efficiency is the ratio of the latter's rates, over two, measured in turns. It says something only where two
cores are free: the load is printed first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from simulator.planning.keys import scenario_key
from simulator.planning.outcome import simulated
from simulator.planning.processes import on_processes
from simulator.planning.runner import run_points
from simulator.planning.store import ResultStore
from simulator.scenario import Scenario, example_names


def points_of(name: str, count: int) -> list[Scenario]:
    base = Scenario.load(name)
    learns = base.tables.learning is not None
    base = base.override({"workload.steps": 200 if learns else 20, "simulation.jitter": 0.1})
    return [base.override({"simulation.seed": seed}) for seed in range(count)]


def as_task(scenario: Scenario) -> tuple[object, ...]:
    return scenario.data, scenario.where, str(scenario.directory)


def rate_alone(scenarios: Sequence[Scenario], seconds: float) -> float:
    """Points a second in this process, of as many as `seconds` allow."""
    simulated(*as_task(scenarios[0]))  # works out the kernel tables, once a process
    begun, done = time.perf_counter(), 0
    for scenario in scenarios:
        status, _, message = simulated(*as_task(scenario))
        assert status == "done", message
        done += 1
        if time.perf_counter() - begun > seconds:
            break
    return done / (time.perf_counter() - begun)


def rate_on(processes: int, scenarios: Sequence[Scenario]) -> float:
    """Points a second of a study with a store, from when every process has done one: their start is not what counts."""
    tasks = ((number, as_task(scenario)) for number, scenario in enumerate(scenarios))
    ends = []
    with tempfile.TemporaryDirectory() as folder, ResultStore(Path(folder) / "points.sqlite") as store:
        for number, record in on_processes(tasks, processes):
            store.put(f"{number}", scenarios[number], record)
            ends.append(time.perf_counter())
    return (len(ends) - processes) / (ends[-1] - ends[processes - 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=60, help="of each scenario, at most")
    parser.add_argument("--seconds", type=float, default=3.0, help="about, for each scenario and measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of one process, then two; medians are printed")
    options = parser.parse_args()
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'scenario':18} {'points/s':>9} {'ms/point':>9} {'1 process':>10} {'2 processes':>12} {'efficiency':>11}")
    for name in example_names():
        scenarios = points_of(name, options.points)
        alone = rate_alone(scenarios, options.seconds)
        count = max(6, min(len(scenarios), int(options.seconds * alone)))
        rounds = [[rate_on(processes, scenarios[:count]) for processes in (1, 2)] for _ in range(options.rounds)]
        one, two = (statistics.median(rates) for rates in zip(*rounds, strict=True))
        efficiency = statistics.median(two / one / 2 for one, two in rounds)
        print(f"{name:18} {alone:9.1f} {1e3 / alone:9.1f} {one:10.1f} {two:12.1f} {efficiency:11.0%}", flush=True)
    overhead()


def overhead(points: int = 1000) -> None:
    """What a point costs besides its simulation: to be stored, and to be found in the store."""
    scenarios = points_of("m40x4-lenet", points)
    record = simulated(*as_task(scenarios[0]))
    with tempfile.TemporaryDirectory() as folder, ResultStore(Path(folder) / "points.sqlite") as store:
        begun = time.perf_counter()
        for scenario in scenarios:
            store.put(scenario_key(scenario), scenario, record)
        stored = time.perf_counter()
        run_points(scenarios, store=store)
        found = time.perf_counter()
    storing, finding = (1e3 * seconds / points for seconds in (stored - begun, found - stored))
    print(f"\nto store a point {storing:.2f} ms, to find it {finding:.2f} ms")


if __name__ == "__main__":
    main()
