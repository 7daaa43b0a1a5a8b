"""From a trace, real or simulated, to the time of a step; and a trace cut down to a few steps."""

from __future__ import annotations

from statistics import median

from simulator.errors import InputError
from simulator.trace.causes import infer_causes
from simulator.trace.spans import Trace

__all__ = ["cut", "step_time"]


def step_time(trace: Trace, skipped: int = 0) -> float:
    """Time of a step [s]: the median over all steps but the first `skipped`, the mean over workers of that.

    A worker's step goes from the end of all it did in the step before to the end of all it does in this one. The median
    leaves out what a machine with other things to do puts in between; it is for algorithms whose steps are all alike.

    Raises
    ------
    InputError
        If a worker of the trace did no more steps than are skipped.
    """
    workers = [rank.index for rank in trace.ranks if rank.role == "worker"]
    ends: dict[tuple[int, int], float] = {}
    for span in trace.spans:
        key = (span.rank, span.step)
        ends[key] = max(ends.get(key, 0.0), span.end)
    last = max((span.step for span in trace.spans), default=-1)
    if last < skipped:
        raise InputError(f"expected a trace of more than {skipped} steps, got {last + 1}")
    times = []
    for worker in workers:
        missing = next((step for step in range(last + 1) if (worker, step) not in ends), None)
        if missing is not None:
            raise InputError(f"worker {worker} has no step {missing}, but others have; the trace is incomplete")
        steps = range(skipped, last + 1)
        times.append(median(ends[worker, step] - ends.get((worker, step - 1), 0.0) for step in steps))
    return sum(times) / len(times)


def cut(trace: Trace, first: int, steps: int) -> Trace:
    """The spans of the steps [first, first + steps) of all ranks, with their first one beginning at 0, as step 0."""
    kept = [span for span in trace.spans if first <= span.step < first + steps]
    zero = min((span.start for span in kept), default=0.0)
    moved = [
        span._replace(start=span.start - zero, end=span.end - zero, step=span.step - first, cause=-1) for span in kept
    ]
    return infer_causes(Trace(trace.ranks, moved, dict(trace.metadata)))
