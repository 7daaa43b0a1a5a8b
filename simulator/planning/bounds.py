"""What no cluster can beat: the time of the arithmetic alone, shared out perfectly.

Every worker computes its gradients one after the other, so no run is shorter than a worker's gradients, whatever the
network does. The bound costs nothing to find, and a configuration whose bound already misses a deadline or a budget
need not be simulated. It is a bound of simulated times: it takes gradients from the same models. Where compute times
are random no bound is certain, and none is given.
"""

from __future__ import annotations

from simulator.cost.calibrated import CalibratedCosts
from simulator.simulation import Simulation

__all__ = ["least_step_time"]

#: What sums of as many terms as there are kernels may differ by, relatively.
_ROUNDING = 1e-9


def least_step_time(simulation: Simulation) -> float:
    """The shortest that a step can take [s], on average over a run: 0 where that is not known.

    The slowest worker's gradient counts, because each has as many to compute.
    """
    tables = simulation.scenario.tables
    if simulation.jitter or tables.simulation.straggler_probability:
        return 0.0
    slow, batch = tables.simulation.slow_workers, tables.workload.batch_size
    slowest: dict[CalibratedCosts, float] = {}
    for rank, placed in enumerate(simulation.workers):
        costs = simulation.costs(placed)
        slowest[costs] = max(slow.get(str(rank), 1.0), slowest.get(costs, 0.0))
    return max(costs.gradient(batch) * factor for costs, factor in slowest.items()) * (1.0 - _ROUNDING)
