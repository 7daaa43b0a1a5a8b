"""Where failures matter: a campaign's time against the interval between checkpoints, and against the number of nodes.

More nodes train faster and fail more often. On each number of nodes the same samples are trained, so beyond some number
the time that failures take grows by more than what training saves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.errors import InfeasibleError, InputError
from simulator.reliability.assessment import ReliabilitySetup
from simulator.reliability.intervals import optimum_interval
from simulator.reliability.outcome import Reliability
from simulator.result import Result
from simulator.scenario import Scenario
from simulator.simulation import Simulation

__all__ = ["NodePoint", "interval_curve", "node_curve", "setup_of"]

#: Told what is being done, and how much of it all is done (0 to 1).
Progress = Callable[[str, float], None]

#: Intervals of the curve, as multiples of the optimum.
_FACTORS = tuple(2.0 ** (half / 2.0) for half in range(-6, 7))
#: Intervals of the curve where nothing that fails makes one better than another: checkpoints of a campaign.
_COUNTS = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class NodePoint:
    """The same samples on a number of nodes.

    Attributes
    ----------
    nodes : int
    work : float
        Seconds of training without failures.
    found : Reliability or None
        The campaign; None where it would practically never end.
    """

    nodes: int
    work: float
    found: Reliability | None

    @property
    def time(self) -> float:
        """Expected time [s]; infinite where it would practically never end."""
        return math.inf if self.found is None else self.found.expected_time


def setup_of(scenario: Scenario) -> ReliabilitySetup:
    """A scenario's failures and checkpoints, resolved.

    Raises
    ------
    InputError
        If it says nothing of them, or something is wrong with it.
    """
    setup = Simulation(scenario).reliability
    if setup is None:
        raise InputError(
            f"{scenario.where}: reliability: missing; expected a table [reliability], with restart = '10 min' and "
            "checkpoint_bandwidth = '10 GB/s' at least"
        )
    return setup


def _run(scenario: Scenario) -> Result:
    """The scenario's run as if nothing failed."""
    return Simulation(scenario.override({"reliability": None})).run()


def interval_curve(
    setup: ReliabilitySetup, result: Result, progress: Progress = lambda what, share: None
) -> list[Reliability]:
    """Campaigns with checkpoints from an eighth to eight times as often as is best, the most frequent ones first.

    Parameters
    ----------
    setup : ReliabilitySetup
    result : Result
        The run that the campaign is made of.

    Raises
    ------
    InputError, InfeasibleError
        If no checkpoints are written, or there is no interval at which the campaign would end.
    """
    if setup.table.checkpoint == "none":
        raise InputError(f"{setup.where}.checkpoint: no checkpoints are written; expected 'optimal' or a time")
    work = setup.work_of(result.time, result.steps)
    counts = set(_COUNTS)
    if setup.critical:
        best = optimum_interval(setup.stall, setup.system_mtbf)
        counts = {max(1, round(work / (best * factor))) for factor in _FACTORS}
    counts.add(setup.intervals(work))
    # Intervals in which a checkpoint would not be safe before the next one is taken are left out.
    least = setup.drain - setup.stall
    fitting = [count for count in sorted(counts, reverse=True) if count == 1 or work / count >= least]
    found: list[Reliability] = []
    for place, count in enumerate(fitting):
        progress(f"{count:,} checkpoints", place / len(fitting))
        try:
            found.append(setup.assess(result.time, result.steps, work=work, intervals=count))
        except InfeasibleError:
            if not found and place == len(fitting) - 1:
                raise
    return found


def node_curve(
    scenario: Scenario, nodes: Sequence[int], result: Result, progress: Progress = lambda what, share: None
) -> list[NodePoint]:
    """The campaign's samples trained on other numbers of nodes, in the order given.

    Parameters
    ----------
    scenario : Scenario
        Batches stay as large on each worker, so that those of all workers together grow with the nodes.
    nodes : sequence of int
    result : Result
        Of the scenario as it is, which says how many samples its campaign has.

    Raises
    ------
    InputError
        If the scenario fixes the number of workers, or is wrong on some number of nodes.
    """
    if scenario.tables.cluster.workers is not None:
        raise InputError(f"{scenario.where}: cluster.workers: more nodes would stay idle; remove the key")
    samples = result.throughput * setup_of(scenario).work_of(result.time, result.steps)
    variants = [scenario.override({"cluster.nodes": count}) for count in nodes]
    setups = [setup_of(variant) for variant in variants]  # finds what is wrong with the last before the first is run
    points = []
    for place, (count, variant, setup) in enumerate(zip(nodes, variants, setups, strict=True)):
        progress(f"{count:,} nodes", place / len(nodes))
        run = _run(variant)
        work = samples / run.throughput
        try:
            found = setup.assess(run.time, run.steps, work=work)
        except InfeasibleError:
            found = None
        points.append(NodePoint(count, work, found))
    return points
