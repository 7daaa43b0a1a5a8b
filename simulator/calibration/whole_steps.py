"""Whole steps of traces, simulated with calibrated parameters: does the sum of the parts come out right?

Parts are fitted one by one, but what is predicted are steps, in which parts wait for one another, overlap and vary. So
the steps of every trace are compared with a simulation of its scenario. Unless they are asked to take part in the fit,
this only checks it; either way their residuals say how far off predictions of such runs are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from simulator.calibration.effects import with_effect
from simulator.calibration.measured import grouped, pooled_errors
from simulator.calibration.observed_times import STEP, Simulated
from simulator.calibration.trace_model import TraceModel, uncalibrated
from simulator.simulation import Simulation
from simulator.trace.summary import step_ends

__all__ = ["whole_steps"]

#: Steps that are simulated, more of them where they vary.
_STEPS, _VARYING_STEPS = 6, 24
JITTER = "jitter.compute"


def whole_steps(model: TraceModel, names: Collection[str], jitter: float) -> Simulated | None:
    """The mean step of a trace with what predicts it; None if the trace has fewer than three steps.

    Parameters
    ----------
    model : TraceModel
    names : collection of str
        The parameters it is predicted from.
    jitter : float
        Coefficient of variation of compute times, which makes ranks wait for one another.
    """
    steps = 1 + max((span.step for span in model.trace.spans), default=-1)
    if steps < 3:
        return None
    workers = len(model.resolved.workers)
    times = np.diff(np.maximum.accumulate(step_ends(model.trace, workers)), prepend=0.0)
    measured = grouped((0, step, float(t)) for step, t in enumerate(times))
    if not measured:
        return None
    scenario = uncalibrated(model.scenario, min(steps, _VARYING_STEPS if jitter else _STEPS))
    fixed = {JITTER: jitter} if jitter else {}

    def predict(values: Mapping[str, float]) -> float:
        effective = with_effect({**values, **fixed}, model.resolved)
        times = Simulation(scenario.override({"calibration.parameters": effective})).run().step_times
        return float(np.mean(times[1:]))

    tables = model.scenario.tables
    name = f"step of {tables.algorithm.name}, {workers} × {tables.workload.batch_size}"
    (group,), (error,) = measured, pooled_errors(measured)
    return Simulated(STEP, name, model.source, group.mean, predict, tuple(names), error, group.count, group.left_out)
