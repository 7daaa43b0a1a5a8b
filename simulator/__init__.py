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
    from simulator.calibration.calibrate import calibrate
    from simulator.comparison import Comparison
    from simulator.planning.draws import Draws
    from simulator.planning.plan import Plan, plan
    from simulator.planning.study import Study
    from simulator.planning.sweep import sweep
    from simulator.planning.uncertainty import draw_times
    from simulator.result import Result
    from simulator.scenario import Scenario
    from simulator.sharing.share import Sharing, share
    from simulator.simulation import Simulation, compare, load, simulate

__all__ = [
    "Comparison",
    "Draws",
    "Plan",
    "Result",
    "Scenario",
    "Sharing",
    "Simulation",
    "Study",
    "calibrate",
    "compare",
    "draw_times",
    "load",
    "plan",
    "share",
    "simulate",
    "sweep",
]

_HOME = {
    "Comparison": "comparison",
    "Draws": "planning.draws",
    "Plan": "planning.plan",
    "Result": "result",
    "Scenario": "scenario",
    "Sharing": "sharing.share",
    "Simulation": "simulation",
    "Study": "planning.study",
    "calibrate": "calibration.calibrate",
    "compare": "simulation",
    "draw_times": "planning.uncertainty",
    "load": "simulation",
    "plan": "planning.plan",
    "share": "sharing.share",
    "simulate": "simulation",
    "sweep": "planning.sweep",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
