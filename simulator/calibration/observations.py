"""What was measured on a real cluster: the common form of traces, benchmark outputs and plain tables for calibration.

Times are in seconds, sizes in bytes. Every observation says where it came from (file and line or event), so that a
message about it can name its place.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CollectiveTime", "MessageTime", "Observation", "StepTime"]


@dataclass(frozen=True, slots=True)
class MessageTime:
    """One message, or the mean of many: `size` bytes in `seconds`, one way, from one rank to another.

    `link_class` is where the ranks are ("gpu-gpu", "cpu-gpu", "node-node", "local"), empty if unknown. With more than
    one message `in_flight`, the time is a stream's for each of its messages, which tells of the bandwidth and not of
    the latency.
    """

    size: float
    seconds: float
    link_class: str = ""
    where: str = ""
    in_flight: int = 1


@dataclass(frozen=True, slots=True)
class CollectiveTime:
    """One collective call on `size` bytes a rank over `ranks` devices, `ranks_per_node` of them a node (0: unknown).

    `size` is that of the whole buffer: for an all-gather what every rank has afterwards, for a reduce-scatter before.
    """

    kind: str
    ranks: int
    size: float
    seconds: float
    ranks_per_node: int = 0
    where: str = ""


@dataclass(frozen=True, slots=True)
class StepTime:
    """The time of one training step of all of `devices` workers, each with `batch_size` samples.

    `compute`, where known, is the part of it spent in forward and backward pass.
    """

    devices: int
    batch_size: int
    seconds: float
    compute: float | None = None
    where: str = ""


Observation = MessageTime | CollectiveTime | StepTime
