"""The ``[background]`` table of a scenario: who else uses the machine while the job runs.

Either is enough: ``[[background.jobs]]``, other training jobs with nodes of their own that start again whenever they
end; and ``load``, traffic of tenants nobody knows more about, as a share of what their adapters could inject.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from simulator.calibration.parameters import flattened
from simulator.documents import Document
from simulator.sharing.flow_sizes import DEFAULT, flow_sizes
from simulator.sharing.placement import Scheme

__all__ = ["LATEST_START", "BackgroundJob", "BackgroundTable"]

#: Seconds that a job may start after others: a clock of double precision still tells tenths of nanoseconds apart then.
LATEST_START = 1e6


def _flow_size(value: Any) -> Any:
    flow_sizes(value)
    return value


class BackgroundJob(Document):
    """Another training job on the machine, which starts again whenever it ends."""

    scenario: str | None = Field(
        None, description="file, beside the scenario first, or example; the same job if absent"
    )
    start: float = Field(0.0, ge=0.0, le=LATEST_START, description="seconds after the job itself")
    override: Annotated[dict[str, Any], BeforeValidator(flattened)] = Field(
        default_factory=dict, description="keys of that scenario to change, by dotted name"
    )


class BackgroundTable(Document):
    """Who else uses the machine."""

    jobs: list[BackgroundJob] = Field(default_factory=list)
    load: float | None = Field(None, ge=0.0, lt=1.0, description="share of their adapters' bandwidth others inject")
    nodes: int | None = Field(None, ge=2, description="of the others; as many as the job has if absent, at least two")
    flow_size: Annotated[float | str, BeforeValidator(_flow_size)] = Field(
        DEFAULT, description="bytes of each of the others' flows, or the name of a distribution"
    )
    placement: Scheme = Field("packed", description="how nodes are given to the job and to the others")
    machine_nodes: int | None = Field(None, ge=1, description="that a random placement chooses from")
    seed: int | None = Field(None, ge=0, description="of traffic and random placement; the simulation's if absent")

    @model_validator(mode="after")
    def _no_idle_keys(self) -> BackgroundTable:
        if not self.jobs and self.load is None and self.placement != "random":
            raise ValueError("expected 'load', [[background.jobs]] or placement = 'random'; else nothing is different")
        if self.load is None:
            for key in ("nodes", "flow_size"):
                if getattr(self, key) != type(self).model_fields[key].default:
                    raise ValueError(f"{key} has an effect only together with load")
            if self.seed is not None and self.placement != "random":
                raise ValueError("seed has an effect only with load or placement = 'random'")
        if self.machine_nodes is not None and self.placement != "random":
            raise ValueError("machine_nodes has an effect only with placement = 'random'")
        if self.placement == "colocated" and not self.jobs:
            raise ValueError("placement = 'colocated' needs [[background.jobs]] to share nodes with")
        return self
