"""What is timed: each workload plays itself on our side, and says what SimGrid is asked and what the answer must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.workloads.all_reduce import AllReduce
from benchmarks.workloads.cluster import Cluster
from benchmarks.workloads.flows import Flows
from benchmarks.workloads.server import Server
from benchmarks.workloads.study import Study
from benchmarks.workloads.workload import Outcome, Workload

__all__ = ["AllReduce", "Cluster", "Flows", "Outcome", "Server", "Study", "Workload", "restored", "stored"]

_KINDS: Mapping[str, type[Workload]] = {kind.__name__: kind for kind in (AllReduce, Cluster, Flows, Server, Study)}


def stored(workload: Workload) -> dict[str, Any]:
    """As JSON, for the process that plays it."""
    return {"kind": type(workload).__name__, **vars(workload)}


def restored(document: Mapping[str, Any]) -> Workload:
    """The workload that was stored."""
    arguments = dict(document)
    return _KINDS[arguments.pop("kind")](**arguments)
