"""Where the time of a run without shortcuts goes: functions under cProfile, grouped by the layer they belong to.

What the standard library and C functions take counts for the layer that called them. cProfile makes calls dearer than
they are, so shares are shares of the profiled time; messages a second are of a run without it.
"""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measurement import measure
from benchmarks.workloads import Workload

__all__ = ["LAYERS", "Profile", "profile"]

#: By a part of a file's path; the first that fits counts.
LAYERS: Mapping[str, str] = {
    "/simpy/": "SimPy: events and processes",
    "/simulator/network/": "network: rates and ends of flows",
    "/simulator/trace/": "trace: spans",
    "/simulator/collectives/": "schedules of collectives",
    "/simulator/algorithms/": "generators of the ranks",
    "/benchmarks/workloads/": "generators of the ranks",
    "/simulator/execution/exchange": "messages: matching, sending, recording",
    "/simulator/execution/message": "messages: matching, sending, recording",
    "/simulator/execution/": "executor: ranks, operations, collectives",
    "/simulator/": "other parts of the simulator",
    "/validation/": "the job's platform and costs",
}
_OTHER = "interpreter and libraries"

#: A function as `pstats` names it: file, line, name.
_Function = tuple[str, int, str]
#: Calls (primitive, all) and seconds (own, with what it calls) of a function, or of one caller's calls of it.
_Numbers = tuple[int, int, float, float]
_Rows = dict[_Function, tuple[int, int, float, float, dict[_Function, _Numbers]]]


@dataclass(frozen=True)
class Profile:
    """One run.

    Attributes
    ----------
    messages, cpu_s : int, float
        Of a run that was not profiled.
    seconds : mapping
        Profiled seconds by layer, the most first.
    top : list of (str, float, int)
        The functions that take most themselves: where, seconds with what they call of libraries, calls.
    """

    messages: int
    cpu_s: float
    seconds: Mapping[str, float]
    top: list[tuple[str, float, int]]


def profile(workload: Workload, exact: bool = True) -> Profile:
    """Run twice: for the rate, and under cProfile."""
    plain = measure(workload.prepare(exact))
    run = workload.prepare(exact)
    profiler = cProfile.Profile()
    profiler.runcall(run)
    own = _own_seconds(pstats.Stats(profiler))
    layers: defaultdict[str, float] = defaultdict(float)
    for (file, _, _), seconds in own.items():
        layers[_layer(file) or _OTHER] += seconds
    calls = {function: row[1] for function, row in _rows(pstats.Stats(profiler)).items()}
    ordered = sorted(own.items(), key=lambda pair: -pair[1])
    top = [(_named(function), seconds, calls.get(function, 0)) for function, seconds in ordered[:12]]
    return Profile(workload.messages, plain.cpu_s, dict(sorted(layers.items(), key=lambda pair: -pair[1])), top)


def _rows(stats: pstats.Stats) -> _Rows:
    rows: _Rows = vars(stats)["stats"]
    return rows


def _own_seconds(stats: pstats.Stats) -> Mapping[_Function, float]:
    """Seconds of each function of a layer, with those of the library functions that it calls directly."""
    own: defaultdict[_Function, float] = defaultdict(float)
    for function, (_, _, seconds, _, callers) in _rows(stats).items():
        if _layer(function[0]) or not callers:
            own[function] += seconds
            continue
        for caller, (_, _, of_caller, _) in callers.items():
            own[caller] += of_caller
    return own


def _layer(file: str) -> str | None:
    path = file.replace("\\", "/")
    return next((layer for part, layer in LAYERS.items() if part in path), None)


def _named(function: _Function) -> str:
    file, line, name = function
    return f"{Path(file).parent.name}/{Path(file).name}:{line} {name}" if line else name
