"""What would help most: the time of a run against every figure of its hardware, and against what the job may choose.

Every figure is made `factor` times as good, then as many times worse, one at a time, in a short run of the scenario
under the same seeds. The elasticity, d ln T / d ln p, comes from a symmetric difference of 1 % about the figure as it
is. Times are homogeneous of degree one in times and inverse rates, so by Euler's theorem the shares (elasticities
towards the better) of the parameters that stand for themselves add up to 1: nothing that takes time is left out.

What a number means: how much of the time would go if that figure alone changed. Savings do not add up, as relieving
one bottleneck shows the next. Negative ones are real: where ranks meet at shared things first come, first served, a
faster part may change the order for the worse (Graham, *Bounds on multiprocessing timing anomalies*, 1969).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import Any, Literal

from simulator.errors import InputError, RunError
from simulator.hardware.what_if import Parameter
from simulator.planning.choices import Choice, choices
from simulator.planning.outcome import Outcome
from simulator.planning.runner import run_points
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.what_if import what_ifs

__all__ = ["STEPS", "Sensitivity", "describe", "sensitivities", "shortened"]

#: Steps of the runs, unless it is said otherwise.
STEPS = 12
#: Half of the symmetric difference that elasticities come from, in natural logarithms.
_NEAR = 0.01
#: Savings below are not worth a sentence.
_WORTH_SAYING = 0.02


@dataclass(frozen=True)
class Sensitivity:
    """How the time answers to one figure of the hardware, or to one choice of the job.

    Attributes
    ----------
    parameter : str
        Its name in ``[what_if]``, or the dotted key of the scenario.
    title : str
        For people, such as ``"NIC (infiniband-edr): bandwidth"``.
    kind : {"hardware", "choice"}
    value : object
        The factor on the figure, such as 0.5 on a latency, or the other value of the key.
    base_time_s, time_s : float
        Of the run as it is and of the changed one, for the same samples [s].
    loss : float or None
        By what share the run takes longer with the figure as many times worse; None of choices.
    elasticity : float or None
        d ln T / d ln p of the figure itself, negative for rates; None of choices.
    members : tuple of str
        Parameters that it overlaps with; those that have none add up, see `share`.
    """

    parameter: str
    title: str
    kind: Literal["hardware", "choice"]
    value: Any
    base_time_s: float
    time_s: float
    loss: float | None = None
    elasticity: float | None = None
    members: tuple[str, ...] = ()

    @property
    def factor(self) -> float | None:
        """The factor on the figure; None of choices."""
        return self.value if self.kind == "hardware" else None

    @property
    def saving(self) -> float:
        """The share of the time that the change saves; negative where it costs time."""
        return 1.0 - self.time_s / self.base_time_s

    @property
    def share(self) -> float | None:
        """The elasticity towards the better: the share of the time that is in proportion to this figure."""
        if self.elasticity is None or self.factor is None:
            return None
        return -self.elasticity if self.factor > 1.0 else self.elasticity

    def to_dict(self) -> dict[str, Any]:
        """As it is written to JSON."""
        return {
            "parameter": self.parameter,
            "title": self.title,
            "kind": self.kind,
            "value": self.value,
            "time_s": self.time_s,
            "saving": self.saving,
            "loss": self.loss,
            "elasticity": self.elasticity,
            "overlaps_with": list(self.members),
        }


def sensitivities(
    scenario: Scenario,
    factor: float = 2.0,
    *,
    steps: int = STEPS,
    hardware: bool = True,
    job: bool = True,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda finished, points: None,
    skipped: Callable[[str, str], None] = lambda name, reason: None,
) -> list[Sensitivity]:
    """The answers of a scenario's time to every figure in use and every choice, the largest saving first.

    Parameters
    ----------
    scenario : Scenario
        Its own what-if factors stay; these are on top.
    factor : float
        How many times as good each figure becomes, and as bad; more than 1.
    steps : int
        Of the short runs, at most those of the scenario; whole periods of algorithms that have one.
    hardware, job : bool
        Which of the two questions to ask.
    jobs : int, optional
        Processes; one a core if left out.
    progress : callable
        Told how many points are finished, and of how many.
    skipped : callable
        Told the name of what cannot be, such as a batch that does not fit in memory, and why.

    Raises
    ------
    InputError
        If the scenario is wrong, or the factor is not more than 1.
    RunError
        If a run fails.
    """
    if not (isfinite(factor) and factor > 1.0):
        raise InputError(f"factor: expected a number above 1, got {factor:g}")
    if steps < 1:
        raise InputError(f"steps: expected at least 1, got {steps}")
    brief = shortened(scenario, steps)
    resolved = Simulation(brief)
    parameters = _distinct(what_ifs(resolved)) if hardware else []
    options = choices(resolved) if job else []
    points = [brief]
    for parameter in parameters:
        points += [_with(brief, parameter, times) for times in (factor, 1.0 / factor, exp(_NEAR), exp(-_NEAR))]
    points += [choice.applied(brief) for choice in options]
    found = run_points(points, jobs=jobs, progress=lambda state: progress(state.finished, state.points))
    base = _time(found[0], scenario.where)
    rows: list[Sensitivity] = []
    for place, parameter in enumerate(parameters):
        outcomes = found[1 + 4 * place : 5 + 4 * place]
        if outcomes[0].result is None:
            skipped(parameter.name, outcomes[0].message)
            continue
        rows.append(_of_parameter(parameter, factor, base, outcomes))
    for choice, outcome in zip(options, found[1 + 4 * len(parameters) :], strict=True):
        if outcome.result is None:
            skipped(f"{choice.key}={choice.value}", outcome.message)
            continue
        rows.append(_of_choice(choice, base, found[0], outcome))
    return sorted(rows, key=lambda row: -row.saving)


def shortened(scenario: Scenario, steps: int = STEPS) -> Scenario:
    """The first steps of a scenario, timed but without learning: what stands for all of them.

    Raises
    ------
    InputError
        If the scenario is wrong.
    """
    resolved = Simulation(scenario)
    period = int(resolved.options.get("period", 1))
    whole = -(-steps // period) * period
    changes: dict[str, Any] = {"workload.steps": min(resolved.steps, whole), "workload.epochs": None}
    if scenario.tables.learning is not None:
        changes |= {"simulation.timing_only": True, "learning.target_accuracy": None, "learning.time_limit": None}
    if scenario.tables.reliability is not None:
        changes["reliability"] = None
    return scenario.override(changes)


def _distinct(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Without those that stand for one other parameter of the very same effect, as that of a NIC in a star does."""
    return [
        parameter for parameter in parameters if len(parameter.members) != 1 or not parameter.name.startswith("nic.")
    ]


def _with(scenario: Scenario, parameter: Parameter, times: float) -> Scenario:
    """The scenario with a figure so many times as good as it is there."""
    stated = dict(scenario.tables.what_if)
    return scenario.override(
        {"what_if": {**stated, parameter.name: stated.get(parameter.name, 1.0) * parameter.better(times)}}
    )


def _time(outcome: Outcome, what: str) -> float:
    if outcome.result is None:
        raise RunError(f"{what}: {outcome.message}")
    return float(outcome.result["time_s"])


def _of_parameter(parameter: Parameter, factor: float, base: float, outcomes: Sequence[Outcome]) -> Sensitivity:
    better, worse, up, down = outcomes
    share = (log(_time(down, parameter.name)) - log(_time(up, parameter.name))) / (2.0 * _NEAR)
    return Sensitivity(
        parameter=parameter.name,
        title=parameter.title,
        kind="hardware",
        value=parameter.better(factor),
        base_time_s=base,
        time_s=_time(better, parameter.name),
        loss=None if worse.result is None else _time(worse, parameter.name) / base - 1.0,
        elasticity=-share if parameter.kind == "rate" else share,
        members=parameter.members,
    )


def _of_choice(choice: Choice, base: float, before: Outcome, after: Outcome) -> Sensitivity:
    """A batch of another size goes through other numbers of samples: times are compared for the same number."""
    assert before.result is not None
    assert after.result is not None
    speed_up = after.result["throughput_samples_per_s"] / before.result["throughput_samples_per_s"]
    return Sensitivity(choice.key, choice.title, "choice", choice.value, base, base / speed_up)


def describe(found: Sequence[Sensitivity], most: int = 3) -> str:
    """What limits a run and what would help, in one to three sentences.

    Parameters
    ----------
    found : sequence of Sensitivity
        As `sensitivities` gives them.
    most : int
        How many of each kind to name.

    Examples
    --------
    >>> row = Sensitivity("link.x.bandwidth", "NIC (x): bandwidth", "hardware", 2.0, 1.0, 0.69, 0.6, -0.6)
    >>> describe([row])
    'Most of the time, 60 %, is in proportion to the NIC (x) bandwidth. Twice the NIC (x) bandwidth saves 31 %.'
    """
    hardware = [row for row in found if row.kind == "hardware"]
    limits = [(row.share, row.title) for row in hardware if row.share is not None and not row.members]
    sentences = []
    if limits:
        share, title = max(limits)
        part = "Most" if share >= 0.5 else "The largest part"
        sentences.append(f"{part} of the time, {_percent(share)}, is in proportion to the {_plain(title)}.")
    told = [f"{_change(row)} saves {_percent(row.saving)}" for row in hardware if row.saving >= _WORTH_SAYING]
    if told:
        sentences.append(f"{_listed(told[:most])}.")
    best: dict[str, Sensitivity] = {}
    for row in found:
        if row.kind == "choice" and row.saving >= _WORTH_SAYING:
            best.setdefault(row.parameter, row)
    told = [f"{row.title} saves {_percent(row.saving)}" for row in best.values()]
    if told:
        sentences.append(f"Without new hardware, {_listed(told[:most])}.")
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _change(row: Sensitivity) -> str:
    times = {2.0: "twice", 0.5: "half"}.get(float(row.value), f"{row.value:.3g} times")
    return f"{times} the {_plain(row.title)}"


def _plain(title: str) -> str:
    return title.replace(": ", " ")


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if abs(share) >= 0.0995 else f"{share * 100:.1f} %"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
