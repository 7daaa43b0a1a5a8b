"""What is timed: each workload plays itself on our side, and says what SimGrid is asked and what the answer must be."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from benchmarks.workloads.workload import Asked, Outcome, Workload

__all__ = ["Asked", "Outcome", "Workload", "restored", "stored"]


def stored(workload: Workload) -> dict[str, Any]:
    """As JSON, for the process that plays it."""
    kind = type(workload)
    return {"module": kind.__module__, "kind": kind.__name__, **vars(workload)}


def restored(document: Mapping[str, Any]) -> Workload:
    """The workload that was stored; nothing of the others is imported, so that its process starts soon."""
    arguments = dict(document)
    kind: type[Workload] = getattr(import_module(arguments.pop("module")), arguments.pop("kind"))
    return kind(**arguments)
