"""How a job is played on our side."""

from __future__ import annotations

from benchmarks.workloads.workload import Outcome
from validation.peers.job import Job, play

__all__ = ["played"]


def played(job: Job, exact: bool) -> Outcome:
    """When its last rank is done, and which shortcuts were taken; `exact`: none, event by event."""
    found = play(job, exact)
    taken = [shortcut.name for shortcut in found.shortcuts.found if shortcut.taken]
    return Outcome(found.duration, by=", ".join(taken) or "event by event")
