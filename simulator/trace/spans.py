"""Spans: what each rank did, on which lane, from when to when. The one truth every report is computed from.

Simulated and real runs record the same spans under the same names, so that one can be laid over the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

__all__ = ["NO_CAUSE", "Category", "RankInfo", "Span", "Trace", "TraceOnDemand", "span_of"]

#: `Span.cause` of a span that started because the run did.
NO_CAUSE = -1


class Category(StrEnum):
    """The parts into which the paper divides the time of a run (its breakdown table), plus waiting."""

    GPU_GPU_PARAMETERS = "gpu_gpu_parameters"
    CPU_GPU_DATA = "cpu_gpu_data"
    CPU_GPU_PARAMETERS = "cpu_gpu_parameters"
    NODE_NODE_PARAMETERS = "node_node_parameters"
    FORWARD_BACKWARD = "forward_backward"
    DEVICE_UPDATE = "device_update"
    HOST_UPDATE = "host_update"
    IDLE = "idle"


class Span(NamedTuple):
    """One stretch of time of one lane of one rank. Times in seconds since the start of the run, sizes in bytes.

    `cause` is the index in the trace of the span whose end let this one start: the previous operation of the rank,
    the sender's for a message that the receiver was waiting for, and so on. The spans reached from the last one by
    following `cause` are the critical path.
    """

    rank: int
    lane: str
    category: str
    name: str
    start: float
    end: float
    bytes: float
    step: int
    peer: int
    cause: int

    @property
    def duration(self) -> float:
        """Length of the span [s]."""
        return self.end - self.start


#: A span of the tuple of its fields, in order: in half the time of `Span(...)`, for who makes them by the million.
span_of: Callable[[tuple[int, str, str, str, float, float, float, int, int, int]], Span] = partial(tuple.__new__, Span)


@dataclass(frozen=True, slots=True)
class RankInfo:
    """Who a rank is: its role in the algorithm and the device it runs on."""

    index: int
    role: str
    device: str
    profile: str
    node: int


@dataclass
class Trace:
    """All spans of a run, in the order in which they ended, and who the ranks are."""

    ranks: tuple[RankInfo, ...]
    spans: list[Span] = field(default_factory=list)
    metadata: dict[str, object] = field(default_factory=dict)

    def add(self, span: Span) -> int:
        """Append a span; its index, for use as a later span's `cause`."""
        self.spans.append(span)
        return len(self.spans) - 1

    @property
    def duration(self) -> float:
        """End of the last span [s]."""
        return max((span.end for span in self.spans), default=0.0)

    def lanes(self) -> Sequence[tuple[int, str]]:
        """The (rank, lane) pairs that hold spans, in order."""
        return sorted({(span.rank, span.lane) for span in self.spans})


class TraceOnDemand(Trace):
    """A trace whose spans are made when somebody first asks for them, of a run that knows its sums without them.

    It equals a `Trace` with the same spans. A pickle of it, and so a copy, is such a `Trace`.

    Parameters
    ----------
    ranks : tuple of RankInfo
    spans : callable or list of Span
        Gives the spans; or they themselves.
    metadata : dict
    duration : float, optional
        End of the last span [s]; found in them if left out.
    """

    def __init__(
        self,
        ranks: tuple[RankInfo, ...],
        spans: Callable[[], list[Span]] | list[Span],
        metadata: dict[str, object],
        duration: float | None = None,
    ) -> None:
        self.ranks = ranks
        self.metadata = metadata
        self._duration = duration
        if callable(spans):
            self._make = spans
        else:
            self.spans = spans

    def __getattr__(self, name: str) -> Any:
        # Called for what is not there, which the spans are not until now.
        if name != "spans" or "_make" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.spans = self._make()
        return self.spans

    def __repr__(self) -> str:
        return f"TraceOnDemand({len(self.ranks)} ranks, {self.duration:.6g} s)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return (self.ranks, self.spans, self.metadata) == (other.ranks, other.spans, other.metadata)

    def __reduce__(self) -> tuple[Any, ...]:
        return Trace, (self.ranks, self.spans, self.metadata)

    @property
    def duration(self) -> float:
        """End of the last span [s]."""
        return super().duration if self._duration is None else self._duration
