"""From a trace, real or simulated, to the time of a step; and a trace cut down to a few steps."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean, median

import numpy as np

from simulator.errors import InputError
from simulator.trace.causes import infer_causes
from simulator.trace.spans import Trace

__all__ = ["cut", "shared_step_time", "step_time"]


def step_time(trace: Trace, skipped: int = 0) -> float:
    """Time of a step [s]: the median over all steps but the first `skipped`, the mean over workers of that.

    A worker's step goes from the end of all it did in the step before to the end of all it does in this one. The median
    leaves out what a machine with other things to do puts in between; it is for algorithms whose steps are all alike.

    Raises
    ------
    InputError
        If a worker of the trace did no more steps than are skipped.
    """
    ends = _ends(trace, skipped)
    return mean(median(after - before for before, after in pairwise([0.0, *each][skipped:])) for each in ends)


def shared_step_time(trace: Trace, skipped: int = 0) -> float:
    """Time of a step [s] by what all workers get done together, while all of them are at work.

    Workers × seconds over the steps of all, from when the last worker has done the first `skipped` to when the first
    has done all; of a step that is under way, the part that has passed. Workers that wait for one another give the mean
    time of a step. Of those that do not, some may have a core for themselves while others share one: that changes the
    steps of each, and not what they get done.

    Raises
    ------
    InputError
        If a worker of the trace did no more steps than are skipped, or had done all before another had done those.
    """
    ends = _ends(trace, skipped)
    begin, end = max([0.0, *each][skipped] for each in ends), min(each[-1] for each in ends)
    if begin >= end:
        raise InputError(
            f"a worker had done all {len(ends[0])} steps by {end:.4g} s, before another had done {skipped}; there is "
            "no time in which all were at work"
        )
    done = [np.interp([begin, end], [0.0, *each], range(len(each) + 1)) for each in ends]
    return float(len(ends) * (end - begin) / sum(late - early for early, late in done))


def _ends(trace: Trace, skipped: int) -> list[list[float]]:
    """When each worker had done its steps, one after the other [s]."""
    ends: dict[tuple[int, int], float] = {}
    for span in trace.spans:
        key = (span.rank, span.step)
        ends[key] = max(ends.get(key, 0.0), span.end)
    last = max((span.step for span in trace.spans), default=-1)
    if last < skipped:
        raise InputError(f"expected a trace of more than {skipped} steps, got {last + 1}")
    workers = [rank.index for rank in trace.ranks if rank.role == "worker"]
    for worker in workers:
        missing = next((step for step in range(last + 1) if (worker, step) not in ends), None)
        if missing is not None:
            raise InputError(f"worker {worker} has no step {missing}, but others have; the trace is incomplete")
    return [[ends[worker, step] for step in range(last + 1)] for worker in workers]


def cut(trace: Trace, first: int, steps: int) -> Trace:
    """The spans of the steps [first, first + steps) of all ranks, with their first one beginning at 0, as step 0."""
    kept = [span for span in trace.spans if first <= span.step < first + steps]
    zero = min((span.start for span in kept), default=0.0)
    moved = [
        span._replace(start=span.start - zero, end=span.end - zero, step=span.step - first, cause=-1) for span in kept
    ]
    return infer_causes(Trace(trace.ranks, moved, dict(trace.metadata)))
