"""From a trace, real or simulated, to the time of a step; and a trace cut down to a few steps."""

from __future__ import annotations

from simulator.errors import InputError
from simulator.trace.causes import infer_causes
from simulator.trace.spans import Trace

__all__ = ["cut", "step_time"]


def step_time(trace: Trace, skipped: int = 0) -> float:
    """Mean time of a step [s], over all workers and all steps but the first `skipped`.

    Of each worker, from the end of all it did in the last skipped step to the end of all it did in the last step.

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
        if (worker, last) not in ends:
            raise InputError(f"worker {worker} did not come to step {last}, which others did; the trace is incomplete")
        begin = ends[worker, skipped - 1] if skipped else 0.0
        times.append((ends[worker, last] - begin) / (last + 1 - skipped))
    return sum(times) / len(times)


def cut(trace: Trace, first: int, steps: int) -> Trace:
    """The spans of the steps [first, first + steps) of all ranks, with their first one beginning at 0, as step 0."""
    kept = [span for span in trace.spans if first <= span.step < first + steps]
    zero = min((span.start for span in kept), default=0.0)
    moved = [
        span._replace(start=span.start - zero, end=span.end - zero, step=span.step - first, cause=-1) for span in kept
    ]
    return infer_causes(Trace(trace.ranks, moved, dict(trace.metadata)))
