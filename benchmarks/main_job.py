"""The main job: the paper's four methods at 1,000 steps on its GPU box, timed and set against a bare SimPy loop.

    python -m benchmarks.main_job

For each method: wall seconds as users get it (settled steps repeated), then with every step simulated, and for the
latter messages and SimPy events a second, with the ratio of the events' rate to that of SimPy alone (one process that
yields timeouts), measured in the same run: the bound of any simulator on this clock.
"""

from __future__ import annotations

from benchmarks.calibration import bare_simpy_events_per_second
from simulator.simulation import Simulation, load

METHODS = ("original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3")


def main() -> None:
    bound = bare_simpy_events_per_second()
    Simulation(load("m40x4-lenet", **{"workload.steps": 1})).run()  # works out the kernel tables, once a process
    print(
        f"{'method':16} {'wall s':>7} {'exact s':>8} {'messages/s':>11} {'events':>9} {'events/s':>10} {'of SimPy':>9}"
    )
    total = exact_total = 0.0
    for method in METHODS:
        scenario = load("m40x4-lenet", **{"algorithm.name": method, "workload.steps": 1000})
        usual = Simulation(scenario).run()
        exact = Simulation(scenario.override({"simulation.exact": True})).run()
        assert abs(usual.time - exact.time) <= 1e-9 * exact.time
        messages = sum(1 for span in exact.trace.spans if span.name.startswith("receive"))
        rate = exact.events / exact.wall_time
        print(
            f"{method:16} {usual.wall_time:7.2f} {exact.wall_time:8.2f} {messages / exact.wall_time:11,.0f} "
            f"{exact.events:9,} {rate:10,.0f} {rate / bound:9.0%}"
        )
        total += usual.wall_time
        exact_total += exact.wall_time
    print(f"{'all four':16} {total:7.2f} {exact_total:8.2f}   (bare SimPy: {bound:,.0f} events/s)")


if __name__ == "__main__":
    main()
