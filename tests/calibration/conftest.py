"""Synthetic measurements: simulated runs of known parameters, with noise on every operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from simulator.calibration.calibrate import Recording
from simulator.scenario import Scenario
from simulator.simulation import simulate
from simulator.trace import Span, Trace

#: LeNet on four GPUs, layer by layer, so that messages come in several sizes.
BASE = {"workload.steps": 10, "algorithm.name": "sync-sgd", "algorithm.packed": False}


@pytest.fixture(scope="session")
def lenet() -> Scenario:
    return Scenario.load("m40x4-lenet", BASE)


def noisy(trace: Trace, generator: np.random.Generator, variation: float) -> Trace:
    """The trace with every operation's length times a log-normal factor of mean 1, one for both sides of a message."""
    deviation = np.sqrt(np.log1p(variation**2))
    factors: dict[tuple[Any, ...], float] = {}

    def factor(span: Span) -> float:
        ends = frozenset((span.rank, span.peer)) if span.peer >= 0 else frozenset((span.rank,))
        key = (ends, span.start, span.end, span.lane)
        if key not in factors:
            factors[key] = float(generator.lognormal(-(deviation**2) / 2, deviation))
        return factors[key]

    spans = [span._replace(end=span.start + span.duration * factor(span)) for span in trace.spans]
    return Trace(trace.ranks, spans, dict(trace.metadata))


@pytest.fixture(scope="session")
def measured() -> Callable[..., list[Recording]]:
    """Recordings of scenarios that ran with the parameters `truth`, and noise of that coefficient of variation."""
    known: dict[Any, Trace] = {}

    def record(
        scenarios: Sequence[Scenario], truth: Mapping[str, float], seed: int = 0, variation: float = 0.02
    ) -> list[Recording]:
        generator = np.random.default_rng(seed)
        recordings = []
        for number, scenario in enumerate(scenarios):
            key = (str(scenario.data), tuple(sorted(truth.items())))
            if key not in known:
                known[key] = simulate(scenario.override({"calibration.parameters": dict(truth)})).trace
            trace = noisy(known[key], generator, variation) if variation else known[key]
            recordings.append(Recording(f"trace-{number}.json", trace, scenario))
        return recordings

    return record
