"""One job on a clock: its executor, what it writes to, and what it computes with."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from simulator.execution.executor import Executor
from simulator.execution.learning import LearnerArithmetic
from simulator.network.base import Network
from simulator.trace.spans import Trace

__all__ = ["Job"]


@dataclass
class Job:
    """A job that is ready to start.

    Attributes
    ----------
    executor : Executor
    trace : Trace
        Gets its spans.
    network : Network
        Carries its messages, and keeps account of them.
    arithmetic : LearnerArithmetic or None
        What it learns with, if learning is on.
    """

    executor: Executor
    trace: Trace
    network: Network
    arithmetic: LearnerArithmetic | None

    def one_thread(self) -> AbstractContextManager[None]:
        """What to run it in, so that sums of what it learns do not depend on the number of threads."""
        if self.arithmetic is None:
            return nullcontext()
        from simulator.learning import one_thread

        return one_thread()

    def close(self, now: float) -> None:
        """Evaluate what was learned once more, now that the job has come to its end."""
        learned = self.arithmetic
        if learned is not None and learned.diverged_at is None and learned.reached_at is None:
            learned.evaluate(now)
