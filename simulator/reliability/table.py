"""The table ``[reliability]`` of a scenario: how often nodes fail, what is saved, and how a run goes on.

Quantities stay the text they were written as, so that a scenario that is printed can be read again; `seconds`,
`bytes_of` and `rate` give their SI values.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from simulator.documents import Document
from simulator.units import parse_quantity

__all__ = ["Amount", "Duration", "ReliabilityTable", "Throughput", "bytes_of", "rate", "seconds"]


def _checked(dimension: str, *words: str) -> AfterValidator:
    """Accepts those words, and text with a unit of that dimension that is more than nothing."""

    def check(text: str) -> str:
        if text in words:
            return text
        try:
            value = parse_quantity(text, dimension)
        except ValueError as error:
            choices = "".join(f"{word!r} or " for word in words)
            raise ValueError(str(error).replace("expected ", f"expected {choices}", 1)) from None
        if value <= 0.0:
            raise ValueError(f"expected more than nothing, got {text!r}")
        return text

    return AfterValidator(check)


Duration = Annotated[str, _checked("time")]
Amount = Annotated[str, _checked("size")]
Throughput = Annotated[str, _checked("bandwidth")]


def seconds(text: str) -> float:
    """A checked time in seconds."""
    return parse_quantity(text, "time")


def bytes_of(text: str) -> float:
    """A checked size in bytes."""
    return parse_quantity(text, "size")


def rate(text: str) -> float:
    """A checked bandwidth in bytes a second."""
    return parse_quantity(text, "bandwidth")


class ReliabilityTable(Document):
    """Failures and checkpoints. What is trained is the run's own work, or a campaign that the run stands for."""

    mtbf: Annotated[str, _checked("time", "profile")] = Field(
        "profile", description="mean time to failure of a node; 'profile' is the system's or its devices' own figure"
    )
    distribution: Literal["exponential", "weibull"] = "exponential"
    shape: float | None = Field(
        None, gt=0.1, le=10.0, description="of the Weibull; below 1 young nodes fail more often"
    )
    work: Duration | None = Field(None, description="training without failures; the run's own time if absent")
    epochs: float | None = Field(None, gt=0, allow_inf_nan=False, description="instead of work")
    steps: int | None = Field(None, ge=1, description="instead of work: gradients of each worker")
    checkpoint: Annotated[str, _checked("time", "optimal", "none")] = Field(
        "optimal", description="training from one to the next; 'optimal' ends first on average; or 'none'"
    )
    checkpoint_size: Amount | None = Field(None, description="weights and optimizer state of a worker if absent")
    checkpoint_bandwidth: Throughput | None = Field(None, description="what the storage takes; needed to write any")
    asynchronous: bool = Field(False, description="copied to host memory first, and written while training goes on")
    restart: Duration = Field(description="to notice, to start again, and to read the checkpoint")
    repair: Duration | None = Field(None, description="from a node's failure until it can be used again")
    spares: int | None = Field(None, ge=0, description="nodes that wait to replace others; none if repair is given")
    on_failure: Literal["restart", "continue"] | None = Field(
        None, description="when a worker's node fails; as the algorithm allows if absent"
    )
    trials: int = Field(1000, ge=10, le=100_000, description="campaigns that are played")

    @model_validator(mode="after")
    def _one_length(self) -> ReliabilityTable:
        given = [key for key in ("work", "epochs", "steps") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of 'work', 'epochs' and 'steps', got {' and '.join(map(repr, given))}")
        return self

    @model_validator(mode="after")
    def _no_idle_keys(self) -> ReliabilityTable:
        if (self.shape is not None) != (self.distribution == "weibull"):
            if self.shape is None:
                raise ValueError("shape: missing; distribution = 'weibull' needs it, such as 0.7")
            raise ValueError("shape has an effect only with distribution = 'weibull'")
        if self.spares is not None and self.repair is None:
            raise ValueError("repair: missing; spares that are used up come back after it, such as '12 h'")
        if self.checkpoint == "none":
            idle = [key for key in ("checkpoint_size", "checkpoint_bandwidth") if getattr(self, key) is not None]
            idle += ["asynchronous"] * self.asynchronous
            if idle:
                raise ValueError(f"{idle[0]} has no effect with checkpoint = 'none'; remove the key")
        elif self.checkpoint_bandwidth is None:
            raise ValueError("checkpoint_bandwidth: missing; expected what the storage takes, such as '10 GB/s'")
        return self

    @property
    def spare_nodes(self) -> int | None:
        """Spares at the start: as many as are needed (None) where nothing is said of spares or repair."""
        return self.spares if self.spares is not None or self.repair is None else 0
