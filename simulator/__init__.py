"""Which distributed training algorithm, on which cluster, how big: a discrete-event simulator.

    >>> import simulator
    >>> scenario = simulator.load("m40x4-lenet", **{"workload.steps": 10})
    >>> result = simulator.simulate(scenario)
    >>> result.bounded_by[0]
    'forward_backward'

Names are imported when first used: `import simulator` loads neither the solver nor a plotting library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.planning.study import Study
    from simulator.planning.sweep import sweep
    from simulator.result import Result
    from simulator.scenario import Scenario
    from simulator.simulation import Simulation, compare, load, simulate

__all__ = ["Result", "Scenario", "Simulation", "Study", "compare", "load", "simulate", "sweep"]

_HOME = {
    "Result": "result",
    "Scenario": "scenario",
    "Simulation": "simulation",
    "Study": "planning.study",
    "compare": "simulation",
    "load": "simulation",
    "simulate": "simulation",
    "sweep": "planning.sweep",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
