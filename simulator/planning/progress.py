"""How far a study is, and how long it will go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from simulator.planning.outcome import Status

__all__ = ["Progress", "Report", "Stopwatch", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is. Points of equal content count as one.

    Attributes
    ----------
    points : int
        How many there are.
    found : int
        Of them, answered in the store before.
    simulated : int
        Finished by this study, `infeasible` and `failed` ones among them.
    infeasible, failed : int
        Of all answers.
    elapsed : float
        Real seconds since this study began to simulate; starting its processes is not simulating.
    """

    points: int
    found: int = 0
    simulated: int = 0
    infeasible: int = 0
    failed: int = 0
    elapsed: float = 0.0

    @property
    def finished(self) -> int:
        """Points that need nothing more."""
        return self.found + self.simulated

    @property
    def seconds_left(self) -> float | None:
        """Real seconds, if the points to come take as long as those so far; None before there is one."""
        if not self.simulated:
            return None
        return self.elapsed / self.simulated * (self.points - self.finished)

    def after(self, status: Status, *, found: bool = False, elapsed: float = 0.0) -> Progress:
        """With one more point."""
        return replace(
            self,
            found=self.found + found,
            simulated=self.simulated + (not found),
            infeasible=self.infeasible + (status == "infeasible"),
            failed=self.failed + (status == "failed"),
            elapsed=elapsed,
        )


class Stopwatch:
    """Real seconds since it was made or last begun anew."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """From now on."""
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """So many by now."""
        return time.monotonic() - self._begun


#: Told how far a study is after every point.
Report: TypeAlias = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """For who does not want to know."""
