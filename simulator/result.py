"""The result of a run: documented, versioned, and computed from the trace and the network's accounts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.energy import Energy
from simulator.execution.device_operations import BLOCKS, SharedUse
from simulator.execution.shortcuts import Shortcuts
from simulator.prices import Cost
from simulator.reliability.outcome import Reliability
from simulator.trace import Trace, communication_ratio

if TYPE_CHECKING:
    import pandas

    from simulator.report.picture import Picture

__all__ = ["RESULT_SCHEMA", "DeviceMemory", "LinkLoad", "Prediction", "Result", "asynchrony"]

RESULT_SCHEMA = "clustersim/result/1"


@dataclass(frozen=True)
class DeviceMemory:
    """What one device must hold [bytes], and what it can; the largest batch that it could hold if it computes."""

    device: str
    profile: str
    needed: float
    capacity: float
    placement: str
    parts: Mapping[str, float]
    largest_batch: int | None = None


@dataclass(frozen=True)
class LinkLoad:
    """How busy a link was: bytes carried over what it could have carried in the time of the run."""

    resource: str
    bytes: float
    utilisation: float


@dataclass(frozen=True)
class Prediction:
    """How sure a time is that rests on a calibration; see `simulator.calibration.interval`. All in seconds.

    Attributes
    ----------
    level : float
        Probability that the time lies between `low` and `high`.
    std_parameters, std_residual : float
        Standard deviations from what the fit left open, and from what the calibrated model missed in what it was
        fitted to.
    sensitivities : mapping
        What one standard error of each uncertain parameter does to the time.
    unknown_scatter : tuple of str
        Parts of the breakdown whose residual error the calibration could not tell, so that they add nothing.
    """

    level: float
    low: float
    high: float
    std_parameters: float
    std_residual: float
    sensitivities: Mapping[str, float]
    unknown_scatter: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the JSON result has it."""
        return {
            "level": self.level,
            "low_s": self.low,
            "high_s": self.high,
            "std_parameters_s": self.std_parameters,
            "std_residual_s": self.std_residual,
            "sensitivities_s": dict(self.sensitivities),
            "unknown_scatter": list(self.unknown_scatter),
        }


@dataclass(frozen=True)
class Result:
    """All there is to know of a run. Times in seconds, sizes in bytes, energy in joules, cost in US dollars.

    Attributes
    ----------
    time : float
        Simulated duration of the run.
    gradients : int
        Gradients that all workers computed together.
    step_times : ndarray, shape (steps,)
        From the end of one step to the end of the next, over all workers.
    breakdown : mapping
        Seconds of the critical path by part; see `simulator.trace.Category`. They add up to `time`.
    traffic : mapping
        Bytes carried by each class of link, each link of a route counted.
    energy_account : Energy
        What it takes, by part, and at most.
    cost_account : Cost or None
        By part; None where nobody states a price.
    asynchrony : mapping or None
        Staleness, lost updates and torn reads of arrays that ranks share; None where none are.
    learning : mapping or None
        Accuracy and loss against time, and what reached what; None where nothing is learned.
    prediction : Prediction or None
        How sure the time is; None without a calibration overlay, or where nobody asked.
    sharing : mapping or None
        What the machine's other users did and what that cost; None without any. See `simulator.sharing.background`.
    reliability : Reliability or None
        Time with failures and checkpoints; None where the scenario says nothing of them.
    weights : ndarray or None
        What was learned, one-dimensional; not part of the JSON.
    simulated_steps, events, wall_time : int, int, float
        What the simulation itself took: steps that were simulated one by one (the others repeat a settled one),
        events of its clock (operations on all ranks, in lockstep), and real seconds.
    shortcuts : Shortcuts
        What was taken to get there with less work.
    """

    scenario: Mapping[str, Any]
    seed: int
    system: str
    algorithm: str
    network: str
    nodes: int
    workers: int
    batch_size: int
    time: float
    steps: int
    gradients: int
    step_times: Any
    breakdown: Mapping[str, float]
    traffic: Mapping[str, float]
    memory: tuple[DeviceMemory, ...]
    links: tuple[LinkLoad, ...]
    energy_account: Energy
    cost_account: Cost | None
    trace: Trace
    simulated_steps: int
    events: int
    wall_time: float
    shortcuts: Shortcuts = field(default_factory=Shortcuts)
    warnings: tuple[str, ...] = ()
    asynchrony: Mapping[str, Any] | None = None
    learning: Mapping[str, Any] | None = None
    weights: Any = None
    reliability: Reliability | None = None
    prediction: Prediction | None = None
    sharing: Mapping[str, Any] | None = None

    @property
    def throughput(self) -> float:
        """Samples a second, all workers together."""
        return self.gradients * self.batch_size / self.time if self.time else float("inf")

    @property
    def communication_ratio(self) -> float:
        """Share of the critical path spent moving parameters and data (the paper's definition)."""
        return communication_ratio(dict(self.breakdown))

    @property
    def energy(self) -> float:
        """All that the nodes and their facility take [J]; see `simulator.energy`."""
        return self.energy_account.total

    @property
    def cost(self) -> float | None:
        """What is paid [USD]; None where nobody states a price. See `simulator.prices`."""
        return None if self.cost_account is None else self.cost_account.total

    @property
    def time_per_gradient(self) -> float:
        """Duration over gradients: what to compare algorithms by that take turns and those that do not [s]."""
        return self.time / self.gradients

    @property
    def bounded_by(self) -> tuple[str, float]:
        """The largest part of the critical path and its share."""
        part = max(self.breakdown, key=lambda name: self.breakdown[name])
        return part, self.breakdown[part] / self.time if self.time else 0.0

    def row(self) -> dict[str, Any]:
        """The numbers of the run in one flat record, named as in the JSON result; parts as ``breakdown_s.idle``."""
        return {
            "algorithm": self.algorithm,
            "network": self.network,
            "system": self.system,
            "nodes": self.nodes,
            "workers": self.workers,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "steps": self.steps,
            "gradients": self.gradients,
            "time_s": self.time,
            "low_s": None if self.prediction is None else self.prediction.low,
            "high_s": None if self.prediction is None else self.prediction.high,
            "time_per_gradient_s": self.time_per_gradient,
            "throughput_samples_per_s": self.throughput,
            "communication_ratio": self.communication_ratio,
            "bounded_by": self.bounded_by[0],
            "energy_j": self.energy,
            "cost_usd": self.cost,
            **{f"breakdown_s.{part}": seconds for part, seconds in self.breakdown.items()},
        }

    def to_frame(self) -> pandas.DataFrame:
        """A pandas DataFrame of one row, `row`; those of several runs can be put under one another.

        Raises
        ------
        InputError
            If pandas, an extra, is not installed; as `to_frames`.
        """
        from simulator.frames import frame_of

        return frame_of([self.row()])

    def to_frames(self) -> dict[str, pandas.DataFrame]:
        """What has many rows, as pandas DataFrames: breakdown, steps, links, memory, and the curve of what learned."""
        from simulator.frames import frame_of

        document = self.to_dict()
        parts = [
            {"part": part, "seconds": seconds, "share": seconds / self.time} for part, seconds in self.breakdown.items()
        ]
        frames = {
            "breakdown": frame_of(parts),
            "steps": frame_of([{"step": step, "seconds": float(each)} for step, each in enumerate(self.step_times)]),
            "links": frame_of(document["busiest_links"], ("resource", "bytes", "utilisation")),
            "memory": frame_of([{k: v for k, v in each.items() if k != "parts_bytes"} for each in document["memory"]]),
        }
        if self.learning is not None:
            frames["learning"] = frame_of(self.learning["curve"], ("time_s", "gradients", "accuracy", "loss"))
        return frames

    def plot(self) -> Picture:
        """Where a gradient's time goes: one stacked bar, which a notebook shows and `Picture.save` writes as SVG."""
        from simulator.report.picture import breakdown_picture

        return breakdown_picture({self.algorithm: self})

    def __repr__(self) -> str:
        what = f"{self.algorithm}, {self.network}, {self.nodes} × {self.system}"
        return f"<Result of {what}: {self.time:.4g} s, {self.throughput:,.0f} samples/s>"

    def _repr_html_(self) -> str:
        from simulator.report.notebook import result_html

        return result_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON result; its keys are documented in the README and change only with `schema`."""
        steps = self.step_times
        part, share = self.bounded_by
        return {
            "schema": RESULT_SCHEMA,
            "scenario": dict(self.scenario),
            "seed": self.seed,
            "system": self.system,
            "algorithm": self.algorithm,
            "network": self.network,
            "nodes": self.nodes,
            "workers": self.workers,
            "time_s": self.time,
            "prediction": None if self.prediction is None else self.prediction.to_dict(),
            "steps": self.steps,
            "gradients": self.gradients,
            "time_per_gradient_s": self.time_per_gradient,
            "step_time_s": {
                "mean": float(np.mean(steps)),
                "p50": float(np.percentile(steps, 50)),
                "p95": float(np.percentile(steps, 95)),
                "max": float(np.max(steps)),
            },
            "throughput_samples_per_s": self.throughput,
            "breakdown_s": dict(self.breakdown),
            "communication_ratio": self.communication_ratio,
            "bounded_by": {"part": part, "share": share},
            "busiest_links": [
                {"resource": load.resource, "bytes": load.bytes, "utilisation": load.utilisation} for load in self.links
            ],
            "traffic_bytes": dict(self.traffic),
            "memory": [
                {
                    "device": entry.device,
                    "profile": entry.profile,
                    "needed_bytes": entry.needed,
                    "capacity_bytes": entry.capacity,
                    "placed_in": entry.placement,
                    "parts_bytes": dict(entry.parts),
                    "largest_batch": entry.largest_batch,
                }
                for entry in self.memory
            ],
            "asynchrony": self.asynchrony,
            "learning": self.learning,
            "sharing": self.sharing,
            "energy_j": self.energy,
            "energy_upper_bound_j": self.energy_account.upper_bound,
            "energy": self.energy_account.to_dict(),
            "cost_usd": self.cost,
            "cost": None if self.cost_account is None else self.cost_account.to_dict(),
            "reliability": None if self.reliability is None else self.reliability.to_dict(self.energy, self.cost),
            "warnings": list(self.warnings),
            "simulation": {
                "simulated_steps": self.simulated_steps,
                "steps_alike": bool(self.trace.metadata.get("steps_alike", True)),
                "events": self.events,
                "wall_time_s": self.wall_time,
                "shortcuts": self.shortcuts.to_dict(),
            },
        }


def asynchrony(use: SharedUse) -> dict[str, Any]:
    """What happened to shared arrays, as the JSON result has it. Staleness is counted in updates by others."""
    histogram = Counter(use.staleness)
    return {
        "updates": use.updates,
        "lost_updates": use.lost_blocks / BLOCKS,
        "torn_reads": use.torn_reads,
        "blocks_per_update": BLOCKS,
        "staleness": {
            "mean": float(np.mean(use.staleness)),
            "max": max(use.staleness),
            "histogram": {str(value): histogram[value] for value in sorted(histogram)},
        },
    }
