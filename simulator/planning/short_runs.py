"""Long trainings from short simulations: how many steps to simulate, and the time of many steps from that of few.

Where every step does the same and nothing is random, three steps are simulated. The first may have to start what later
ones find running, and the last sees the end coming, so the median of the three is the settled one; the other steps of
the work take as long. Where steps differ (exchanges every so many steps, random partners, jitter, threads of a master
that serve whoever comes first) two runs are simulated, one twice as long as the other. What the longer takes longer
counts as that many steps of the work; what every run has once, its start and end, cancels. Work of no more steps than
would be simulated is simulated whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from simulator.scenario import Scenario
from simulator.simulation import Simulation

__all__ = ["ALIKE", "Length", "lengths_of", "longer_lengths", "run_of", "scaled"]

#: Steps of a run whose steps are alike.
ALIKE = 3
#: Steps of the shorter of two runs whose steps differ, when threads meet at a master, and when they differ at random.
_MEETING = 16
_RANDOM = 32


@dataclass(frozen=True, slots=True)
class Length:
    """A training's time, from short simulations [s]."""

    time: float
    step_time: float


def lengths_of(simulation: Simulation, steps: int) -> tuple[int, ...]:
    """Steps of the runs to simulate for a training of `steps`: one number, or two of which one is twice the other."""
    simulated = simulation.scenario.tables.simulation
    period = int(simulation.options.get("period", 1))
    if simulation.jitter or simulated.straggler_probability:
        return _two(_whole(_RANDOM, period), steps)
    if simulation.algorithm.server is not None:
        return _two(_whole(_MEETING, period), steps)
    if period > 1:
        return _two(period, steps)
    return (min(ALIKE, steps),)


def run_of(scenario: Scenario, steps: int, learns: bool) -> Scenario:
    """So many steps of a training, which nothing interrupts; without learning, what would learn is only timed."""
    changes: dict[str, Any] = {"workload.steps": steps, "reliability": None}
    if not learns and scenario.tables.learning is not None:
        changes["simulation.timing_only"] = True
    return scenario.override(changes)


def longer_lengths(result: Mapping[str, Any], steps: int) -> tuple[int, ...]:
    """Runs to simulate after one of `ALIKE` steps that said its steps are not alike; none if they are."""
    if result["simulation"].get("steps_alike", True) or result["steps"] >= steps:
        return ()
    return _two(_RANDOM, steps)


def scaled(results: Sequence[Mapping[str, Any]], steps: int) -> Length:
    """Time of `steps` steps, given the runs of `lengths_of`, shortest first."""
    last = results[-1]
    simulated, time = int(last["steps"]), float(last["time_s"])
    if len(results) == 2:
        before = results[0]
        step = (time - before["time_s"]) / (simulated - int(before["steps"]))
    else:
        step = float(last["step_time_s"]["p50"] if simulated >= ALIKE else last["step_time_s"]["mean"])
    return Length(time + (steps - simulated) * step, step)


def _whole(least: int, period: int) -> int:
    """At least so many steps, in whole periods."""
    return ceil(least / period) * period


def _two(shorter: int, steps: int) -> tuple[int, ...]:
    return (shorter, 2 * shorter) if 2 * shorter < steps else (steps,)
