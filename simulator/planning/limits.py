"""What limits the best configuration of a plan, what would help most, and how sure it is that it is the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.planning.configuration import Configuration
from simulator.planning.draws import Draws, Measure, certainty
from simulator.planning.progress import Report
from simulator.planning.question import Question
from simulator.planning.sensitivity import Sensitivity, describe, sensitivities
from simulator.planning.short_runs import ALIKE, run_of
from simulator.planning.store import ResultStore
from simulator.planning.uncertainty import draw_times
from simulator.scenario import Scenario

__all__ = ["MOST_WORKERS", "Certainty", "Limits", "certainty_of", "limits_of"]

#: Workers up to which what would help is found without being asked for: it takes a run for every figure of the machine.
MOST_WORKERS = 64
#: Configurations from the top of the ranking that are compared draw by draw.
COMPARED = 5


@dataclass(frozen=True)
class Limits:
    """What limits a configuration.

    Attributes
    ----------
    part, share : str, float
        The largest part of the critical path, and its share of it.
    breakdown : mapping
        Every part's share, the largest first.
    sensitivities : tuple of Sensitivity
        What each figure of the machine, and each choice of the job, would change; empty where nobody asked.
    """

    part: str
    share: float
    breakdown: Mapping[str, float]
    sensitivities: tuple[Sensitivity, ...] = ()

    @property
    def sentences(self) -> str:
        """What would help most, for people; empty where nobody asked."""
        return describe(self.sensitivities) if self.sensitivities else ""

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of a plan has it."""
        return {
            "part": self.part,
            "share": self.share,
            "breakdown": dict(self.breakdown),
            "sensitivities": [one.to_dict() for one in self.sensitivities],
            "text": self.sentences,
        }


@dataclass(frozen=True)
class Certainty:
    """How sure the order of the first few is.

    Attributes
    ----------
    draws : Draws
        Times of the work of each, in the same uncertain worlds, by the names of the configurations.
    lines : tuple of str
        ``"A beats B in 93 of 100 draws"`` for neighbours in the ranking; by cost where that is the objective.
    kept : mapping
        By name, the share of draws in which a configuration keeps deadline and budget; empty if there is neither.
    """

    draws: Draws
    lines: tuple[str, ...]
    kept: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of a plan has it."""
        return {**self.draws.to_dict(), "lines": list(self.lines), "within_limits": dict(self.kept)}


def limits_of(configuration: Configuration, ask: bool, jobs: int | None = None) -> Limits:
    """What limits a configuration; with `ask`, also what each figure and choice would change, which takes runs.

    Raises
    ------
    RunError
        If one of those fails.
    """
    result = configuration.result
    parts, bound = result["breakdown_s"], result["bounded_by"]
    total = sum(parts.values()) or 1.0
    shares = {part: seconds / total for part, seconds in sorted(parts.items(), key=lambda item: -item[1]) if seconds}
    found: Sequence[Sensitivity] = ()
    if ask:
        found = sensitivities(_as_simulated(configuration), steps=ALIKE, jobs=jobs)
    return Limits(bound["part"], bound["share"], shares, tuple(found))


def certainty_of(
    ranked: Sequence[Configuration],
    question: Question,
    draws: int,
    model_error: float | None,
    store: ResultStore | None,
    jobs: int | None,
    progress: Report,
) -> Certainty:
    """How sure the order of the first `COMPARED` is, from that many draws of the short runs, scaled to the work.

    Raises
    ------
    InputError
        If nothing is uncertain: no calibration, no jitter, no `model_error`.
    """
    compared = {one.name: one for one in ranked[:COMPARED]}
    drawn = draw_times(
        {name: _as_simulated(one) for name, one in compared.items()},
        draws,
        model_error=model_error,
        results={name: one.result for name, one in compared.items()},
        store=store,
        jobs=jobs,
        progress=progress,
    ).scaled({name: one.time / one.result["time_s"] for name, one in compared.items()})
    kept = {}
    if question.deadline is not None or question.budget is not None:
        kept = {name: drawn.within(name, deadline=question.deadline, budget=question.budget) for name in compared}
    by: Measure = "cost" if question.objective == "cost" else "time"
    return Certainty(drawn, tuple(certainty(list(compared), drawn, by)), kept)


def _as_simulated(configuration: Configuration) -> Scenario:
    """The short run that the configuration was found by."""
    result = configuration.result
    return run_of(configuration.candidate.scenario, result["steps"], learns=result["learning"] is not None)
