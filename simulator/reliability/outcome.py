"""What is found of a campaign: times, failures, checkpoints; as part of a run's result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Checkpoints", "Reliability", "Spread"]


@dataclass(frozen=True)
class Checkpoints:
    """What is written, how often, and how often it should be [bytes, s].

    Attributes
    ----------
    interval : float
        Seconds of training from one to the next.
    count : int
        Checkpoints of a campaign without failures; one ends it.
    stall, drain : float
        That training stands still for one, and from then until it is safe.
    young, daly, optimum : float
        Intervals by the three rules of `simulator.reliability.intervals`; infinite where no failure stops the run.
    """

    size: float
    interval: float
    count: int
    stall: float
    drain: float
    young: float
    daly: float
    optimum: float


@dataclass(frozen=True)
class Spread:
    """Times of the campaigns that were played [s]."""

    trials: int
    mean: float
    mean_error: float
    p5: float
    p50: float
    p95: float


@dataclass(frozen=True)
class Reliability:
    """Time of a campaign with failures and checkpoints. Times in seconds.

    Attributes
    ----------
    work : float
        Seconds of training without failures and checkpoints.
    run_time : float
        Of the run that the campaign is made of, which it repeats `work / run_time` times.
    expected_time : float
        Mean time; by the closed form where `exact`, else of the campaigns that were played.
    simulated : Spread
        Of the campaigns that were played.
    failures, outages : float
        Expected number that stop the run, and that take a worker's node away for a while.
    lost : float
        Seconds of training that are done again, on average.
    node_mtbf, mtbf : float
        Mean time to failure of a node, and between failures that stop the run (infinite if none does).
    mtbf_source : str
    critical, replaceable : int
        Nodes whose failure stops the run, and others.
    spares : int or None
        Nodes that wait to replace others; None for as many as are needed.
    checkpoints : Checkpoints or None
    """

    work: float
    run_time: float
    expected_time: float
    exact: bool
    simulated: Spread
    failures: float
    outages: float
    lost: float
    node_mtbf: float
    mtbf: float
    mtbf_source: str
    critical: int
    replaceable: int
    spares: int | None
    checkpoints: Checkpoints | None

    @property
    def efficiency(self) -> float:
        """Share of the expected time that is work, done once."""
        return self.work / self.expected_time

    @property
    def scale(self) -> float:
        """How many times longer the campaign's work is than the run that was simulated."""
        return self.work / self.run_time

    def energy(self, run: float) -> float:
        """Energy of the campaign [J], given that of the run: nodes that wait for a restart draw as if they trained."""
        return run * self.expected_time / self.run_time

    def cost(self, run: float) -> float:
        """Cost of the campaign [USD], given that of the run: as its energy, and spares are paid for, too."""
        nodes = self.critical + self.replaceable
        return run * self.expected_time / self.run_time * (nodes + (self.spares or 0)) / nodes

    def to_dict(self, energy: float | None, cost: float | None) -> dict[str, Any]:
        """As the JSON result has it, given energy [J] and cost [USD] of the run."""
        kept, played = self.checkpoints, self.simulated
        return {
            "work_s": self.work,
            "runs": self.scale,
            "expected_time_s": self.expected_time,
            "method": "closed form" if self.exact else "simulation",
            "efficiency": self.efficiency,
            "simulated": {
                "trials": played.trials,
                "mean_s": played.mean,
                "mean_error_s": played.mean_error,
                "p5_s": played.p5,
                "p50_s": played.p50,
                "p95_s": played.p95,
            },
            "failures": self.failures,
            "outages": self.outages,
            "lost_work_s": self.lost,
            "node_mtbf_s": self.node_mtbf,
            "mtbf_s": self.mtbf if self.critical else None,
            "mtbf_source": self.mtbf_source,
            "critical_nodes": self.critical,
            "replaceable_nodes": self.replaceable,
            "checkpoint": None
            if kept is None
            else {
                "size_bytes": kept.size,
                "interval_s": kept.interval,
                "count": kept.count,
                "stall_s": kept.stall,
                "drain_s": kept.drain,
                "young_interval_s": kept.young if self.critical else None,
                "daly_interval_s": kept.daly if self.critical else None,
                "optimum_interval_s": kept.optimum if self.critical else None,
            },
            "energy_j": None if energy is None else self.energy(energy),
            "cost_usd": None if cost is None else self.cost(cost),
        }
