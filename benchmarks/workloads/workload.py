"""What every workload offers, and the star network that most of them run on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["ADAPTER_LATENCY", "BANDWIDTH", "Asked", "Outcome", "Workload"]

#: Of an adapter, in each direction [B/s].
BANDWIDTH = 10e9
#: Of an adapter [s]. A message crosses two, so that its latency is the microsecond of the figures that we compare with.
ADAPTER_LATENCY = 0.5e-6


@dataclass(frozen=True)
class Outcome:
    """What came of playing a workload.

    Attributes
    ----------
    end : float
        Simulated time at which everything is done [s].
    ends : sequence of float
        Of each flow or worker, where that says more than the end.
    by : str
        What did the work.
    """

    end: float
    ends: Sequence[float] = ()
    by: str = ""


@dataclass(frozen=True)
class Asked:
    """What the driver of a peer is told: arguments, and what it reads."""

    arguments: tuple[str, ...]
    text: str = ""


class Workload(ABC):
    """A piece of work of some size; subclasses are frozen dataclasses of plain values."""

    @abstractmethod
    def prepare(self, exact: bool) -> Callable[[], Outcome]:
        """What is to be timed: called once, it does the work; `exact` turns every shortcut off.

        What a peer's clock does not count either is done before: imports, a run of another, tiny size, the platform.
        """

    @property
    @abstractmethod
    def messages(self) -> int:
        """How many messages it has, before anything is folded or skipped; 0 where that is not known beforehand."""

    @property
    def chaotic(self) -> bool:
        """Whether differences of rounding grow until they show, so that the times of two programs cannot be equal."""
        return False

    def closed_form(self) -> float | None:
        """When it must end [s], by a formula; None where there is none."""
        return None

    def asked(self) -> Asked | None:
        """The same work for SimGrid; None where it is not asked."""
        return None
