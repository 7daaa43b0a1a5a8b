"""A published run as a scenario of this project, and the time of one of its steps.

Every job is synchronous and without jitter, so that a step repeats the one before: one step is simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.errors import InfeasibleError
from simulator.result import Result
from simulator.scenario import Scenario
from simulator.simulation import simulate

__all__ = ["CONTENTION", "Job", "Simulated", "calibrated"]

#: A parameter of this package beside those of `simulator.calibration`: factor on ``compute.scale`` where more than one
#: device of a host works. The two processors of a board share its power, and one process feeds all devices.
CONTENTION = "compute.contention"

#: Share of a batch below which a refusal for want of memory is no matter of rounding.
_LEAST_BATCH = 0.9


@dataclass(frozen=True)
class Job:
    """What was run: a scenario less its calibration.

    Attributes
    ----------
    system, network, dataset, algorithm : str
        Names of this project.
    nodes, workers, batch : int
    options : mapping
        Of the ``[algorithm]`` table, collectives included.
    cluster : mapping
        Further keys of the ``[cluster]`` table.
    """

    system: str
    network: str
    workers: int
    batch: int
    algorithm: str
    nodes: int = 1
    dataset: str = "imagenet"
    options: Mapping[str, Any] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)

    def scenario(self, parameters: Mapping[str, float]) -> Scenario:
        """One step of it under `parameters`."""
        tables: dict[str, Any] = {
            "cluster": {"system": self.system, "nodes": self.nodes, "workers": self.workers, **self.cluster},
            "workload": {"network": self.network, "dataset": self.dataset, "batch_size": self.batch, "steps": 1},
            "algorithm": {"name": self.algorithm, **self.options},
        }
        known = calibrated(parameters, self.network, contended=self.workers > 1)
        if known:
            tables["calibration"] = {"parameters": known}
        return Scenario.from_dict(tables, f"{self.network} on {self.workers} of {self.system}")


def calibrated(parameters: Mapping[str, float], network: str, contended: bool) -> dict[str, float]:
    """Parameters as the simulator knows them: of this network alone, `CONTENTION` multiplied into its scale."""
    known = {
        name: value
        for name, value in parameters.items()
        if name != CONTENTION and (not name.startswith("compute.") or name.endswith(f".{network}"))
    }
    if contended and CONTENTION in parameters:
        scale = f"compute.scale.{network}"
        known[scale] = known.get(scale, 1.0) * parameters[CONTENTION]
    return known


class Simulated:
    """Simulates jobs, each once under the same parameters."""

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}

    def result(self, job: Job, parameters: Mapping[str, float]) -> Result:
        """One step of the job."""
        scenario = job.scenario(parameters)
        key = repr(scenario.data)
        if key not in self._results:
            self._results[key] = simulate(scenario)
        return self._results[key]

    def run_time(self, job: Job, parameters: Mapping[str, float]) -> float:
        """Seconds of one step of the job as it is; raises InfeasibleError if it does not fit in memory."""
        return self.result(job, parameters).time

    def step_time(self, job: Job, parameters: Mapping[str, float]) -> float:
        """Seconds a step.

        What was run did fit: where the memory model says that it does not, the largest batch that does is simulated,
        and its time a sample taken.
        """
        for batch in range(job.batch, int(job.batch * _LEAST_BATCH) - 1, -1):
            try:
                return self.run_time(replace(job, batch=batch), parameters) * job.batch / batch
            except InfeasibleError:
                if batch == int(job.batch * _LEAST_BATCH):
                    raise
        raise AssertionError("a batch has at least one size")

    def throughput(self, job: Job, parameters: Mapping[str, float]) -> float:
        """Samples of all workers a second."""
        return job.workers * job.batch / self.step_time(job, parameters)
