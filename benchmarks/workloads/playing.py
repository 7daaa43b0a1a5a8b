"""How a job is played on our side."""

from __future__ import annotations

from benchmarks.workloads.workload import Outcome
from validation.peers.experiment import latest
from validation.peers.job import Job, simulate

__all__ = ["played"]


def played(job: Job, exact: bool) -> Outcome:
    """When its last message has arrived; `exact`: event by event, without any shortcut."""
    return Outcome(latest(simulate(job)), by="event by event")
