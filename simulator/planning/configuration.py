"""One configuration, simulated: how long it takes for all of the work, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.planning.candidates import Candidate
from simulator.planning.question import Objective

__all__ = ["Configuration"]


@dataclass(frozen=True)
class Configuration:
    """A configuration and what was found of it. Times in seconds, money in US dollars, energy in joules.

    Attributes
    ----------
    candidate : Candidate
    workers, steps : int
        How many compute, and the gradients that each of them computes for the work.
    time : float
        Until the work is done, or the accuracy reached; with failures and checkpoints, where the scenario has them.
    training_time : float
        The same without failures and checkpoints.
    step_time : float
        Of a settled step.
    throughput : float
        Samples a second, of all workers, while nothing fails.
    cost, energy : float or None
        None where the profiles do not say.
    ideal_share : float or None
        The part of `training_time` that arithmetic alone would take with perfect scaling; None where that is unknown.
    simulated_steps : int
        Steps that `training_time` was scaled up from.
    reliability : mapping or None
        What failures and checkpoints take, as in a result; None where the scenario says nothing of them.
    result : mapping
        JSON result of the simulation, ``clustersim/result/1``.
    """

    candidate: Candidate
    workers: int
    steps: int
    time: float
    training_time: float
    step_time: float
    throughput: float
    cost: float | None
    energy: float | None
    ideal_share: float | None
    simulated_steps: int
    reliability: Mapping[str, Any] | None
    result: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """``"4 × dgx-h100, ddp-msgd, batch 64"``."""
        return self.candidate.name

    @property
    def nodes(self) -> int:
        """Nodes that are paid for."""
        return self.candidate.nodes

    @property
    def global_batch(self) -> int:
        """Samples that all workers together compute gradients of while each computes one."""
        batch = self.candidate.batch_size
        assert batch is not None, "a global batch is divided before anything is simulated"
        return self.workers * batch

    def figure(self, objective: Objective) -> float | None:
        """What the objective asks for the least of."""
        return {"time": self.time, "cost": self.cost, "energy": self.energy}[objective]

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of a plan has it."""
        return {
            "name": self.name,
            "system": self.candidate.system,
            "nodes": self.nodes,
            "algorithm": self.candidate.algorithm,
            "batch_size": self.candidate.batch_size,
            "global_batch": self.global_batch,
            "workers": self.workers,
            "steps": self.steps,
            "time_s": self.time,
            "training_time_s": self.training_time,
            "step_time_s": self.step_time,
            "throughput_samples_per_s": self.throughput,
            "cost_usd": self.cost,
            "energy_j": self.energy,
            "ideal_share": self.ideal_share,
            "simulated_steps": self.simulated_steps,
            "reliability": self.reliability,
            "bounded_by": self.result["bounded_by"],
            "communication_ratio": self.result["communication_ratio"],
            "breakdown_s": self.result["breakdown_s"],
            "memory": self.result["memory"][:1],
            "warnings": self.result["warnings"],
            "scenario": self.result["scenario"],
        }
