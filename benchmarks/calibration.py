"""Bare SimPy, one process that yields timeouts: the bound of any simulator on this clock, and a measure of machines."""

from __future__ import annotations

import gc
import time
from collections.abc import Generator

import simpy

__all__ = ["bare_simpy_events_per_second"]


def bare_simpy_events_per_second(events: int = 300_000) -> float:
    """Timeouts a second of processor time."""

    def ticks(env: simpy.Environment) -> Generator[simpy.Event, object, None]:
        for _ in range(events):
            yield env.timeout(1.0)

    env = simpy.Environment()
    env.process(ticks(env))
    gc.disable()
    begun = time.process_time()
    env.run()
    elapsed = time.process_time() - begun
    gc.enable()
    return events / elapsed
