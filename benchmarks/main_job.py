"""The main job: the paper's four methods at 1,000 steps on its GPU box, timed and set against a bare SimPy loop.

    python benchmarks/main_job.py

Prints, for each method, wall seconds, messages and SimPy events a second, and the ratio of the events' rate to that of
SimPy alone (one process that yields timeouts), measured in the same run: the bound of any simulator on this clock.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import simpy

from simulator.simulation import Simulation, load

METHODS = ("original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3")


def bare_simpy_events_per_second(events: int = 300_000) -> float:
    def ticks(env: simpy.Environment) -> Iterator[simpy.Event]:
        for _ in range(events):
            yield env.timeout(1.0)

    env = simpy.Environment()
    env.process(ticks(env))
    gc.disable()
    begun = time.perf_counter()
    env.run()
    elapsed = time.perf_counter() - begun
    gc.enable()
    return events / elapsed


def main() -> None:
    bound = bare_simpy_events_per_second()
    print(f"{'method':16} {'wall s':>7} {'messages/s':>11} {'events':>9} {'events/s':>10} {'of bare SimPy':>14}")
    total = 0.0
    for method in METHODS:
        simulation = Simulation(load("m40x4-lenet", **{"algorithm.name": method, "workload.steps": 1000}))
        result = simulation.run()
        messages = sum(1 for span in result.trace.spans if span.name.startswith("receive"))
        rate = result.events / result.wall_time
        print(
            f"{method:16} {result.wall_time:7.2f} {messages / result.wall_time:11,.0f} {result.events:9,} "
            f"{rate:10,.0f} {rate / bound:14.0%}"
        )
        total += result.wall_time
    print(f"{'all four':16} {total:7.2f}   (bare SimPy: {bound:,.0f} events/s)")


if __name__ == "__main__":
    main()
