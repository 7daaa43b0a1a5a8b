"""What would help most: the time of a run against every figure of its hardware, and against what the job may choose.

Every figure is made `factor` times as good, then as many times worse, one at a time, in a short run of the scenario
under the same seeds. The elasticity, d ln T / d ln p, comes from a symmetric difference of 1 % about the figure as it
is. Where next to nothing changes it is the mean over the whole range; so it is where ranks meet at shared things first
come, first served, as time then jumps whenever they change their order and has no slope to speak of. Times are
homogeneous of degree one in times and inverse rates, so by Euler's theorem the shares (elasticities towards the better)
of the parameters that stand for themselves add up to 1: nothing that takes time is left out. (Means over a range do so
only roughly.)

What a number means: how much of the time would go if that figure alone changed. Savings do not add up, as relieving
one bottleneck shows the next. Negative ones are real: a faster part may change the order in which ranks are served
for the worse (Graham, *Bounds on multiprocessing timing anomalies*, 1969).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Literal

from simulator.errors import InputError, RunError
from simulator.hardware.what_if import Parameter
from simulator.planning.choices import Choice, choices
from simulator.planning.outcome import Outcome
from simulator.planning.runner import run_points
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.what_if import what_ifs

__all__ = ["Sensitivity", "describe", "sensitivities", "shortened"]

#: Steps of the runs, at most, unless it is said otherwise: enough for steps to settle, or for an order to wear off.
_STEPS, _STEPS_FIRST_COME = 8, 32
#: Steps of all workers together and of each of them, that such runs should not go beyond or below.
_ALL_STEPS, _FEWEST_STEPS = 128, 3
#: Messages that take less than this share of the time are not worth other schedules.
_SILENT = 0.002
#: Half of the symmetric difference that elasticities come from, in natural logarithms.
_NEAR = 0.01
#: Answers below leave the elasticity as it is over the whole range.
_NEGLIGIBLE = 0.001
#: As many times as good as `[what_if]` takes.
_MOST_TIMES = 1e6
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
    steps: int | None = None,
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
        How many times as good each figure becomes, and as bad; more than 1, at most a million.
    steps : int, optional
        Of the short runs, at most those of the scenario; whole periods of algorithms that have one. If left out, 8, or
        32 where ranks are served as they come, and fewer of many workers.
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
        If the scenario is wrong, or the factor is not more than 1 or too large.
    RunError
        If a run fails.
    """
    if not 1.0 < factor <= _MOST_TIMES:
        raise InputError(f"factor: expected a number above 1, at most {_MOST_TIMES:g}, got {factor:g}")
    if steps is not None and steps < 1:
        raise InputError(f"steps: expected at least 1, got {steps}")
    brief = shortened(scenario, steps)
    resolved = Simulation(brief)
    parameters = _distinct(what_ifs(resolved)) if hardware else []
    changed = [_with(brief, parameter, times) for parameter in parameters for times in (factor, 1.0 / factor)]
    [base] = run_points([brief], jobs=1)
    options = _worth_trying(choices(resolved), base, skipped) if job else []
    found = run_points(
        [*changed, *(choice.applied(brief) for choice in options)],
        jobs=jobs,
        progress=lambda state: progress(state.finished, state.points),
    )
    rows: list[Sensitivity] = []
    for place, parameter in enumerate(parameters):
        better, worse = found[2 * place : 2 * place + 2]
        if better.result is None:
            skipped(parameter.name, better.message)
        else:
            rows.append(_of_parameter(parameter, factor, _time(base, scenario.where), better, worse))
    for choice, outcome in zip(options, found[len(changed) :], strict=True):
        if outcome.result is None:
            skipped(f"{choice.key}={choice.value}", outcome.message)
        else:
            rows.append(_of_choice(choice, base, outcome))
    if not resolved.algorithm.server:
        rows = _with_slopes(rows, parameters, brief, jobs, progress)
    return sorted(rows, key=lambda row: -row.saving)


def _worth_trying(options: Sequence[Choice], base: Outcome, skipped: Callable[[str, str], None]) -> list[Choice]:
    """Without other ways for messages that take next to no time: no way of theirs could save more than that."""
    if base.result is None or base.result["communication_ratio"] >= _SILENT:
        return list(options)
    messages = {
        choice.key for choice in options if choice.key.startswith(("algorithm.collectives", "algorithm.packed"))
    }
    for key in sorted(messages):
        skipped(key, f"messages take {base.result['communication_ratio']:.2%} of the time")
    return [choice for choice in options if choice.key not in messages]


def _with_slopes(
    rows: Sequence[Sensitivity],
    parameters: Sequence[Parameter],
    brief: Scenario,
    jobs: int | None,
    progress: Callable[[int, int], None],
) -> list[Sensitivity]:
    """The rows, with the elasticities of those that answer taken from close by."""
    known = {parameter.name: parameter for parameter in parameters}
    asked = [row.parameter for row in rows if row.kind == "hardware" and _largest_answer(row) >= _NEGLIGIBLE]
    points = [_with(brief, known[name], times) for name in asked for times in (exp(_NEAR), exp(-_NEAR))]
    found = run_points(points, jobs=jobs, progress=lambda state: progress(state.finished, state.points))
    shares = {
        name: log(_time(found[2 * place + 1], name) / _time(found[2 * place], name)) / (2.0 * _NEAR)
        for place, name in enumerate(asked)
    }
    return [
        replace(row, elasticity=_elasticity(known[row.parameter], shares[row.parameter]))
        if row.parameter in shares
        else row
        for row in rows
    ]


def _largest_answer(row: Sensitivity) -> float:
    return max(abs(row.saving), abs(row.loss) if row.loss is not None else 1.0)


def _elasticity(parameter: Parameter, share: float) -> float:
    return -share if parameter.kind == "rate" else share


def shortened(scenario: Scenario, steps: int | None = None) -> Scenario:
    """The first steps of a scenario, timed but without learning: what stands for all of them.

    Raises
    ------
    InputError
        If the scenario is wrong.
    """
    resolved = Simulation(scenario)
    if steps is None:
        most = _STEPS_FIRST_COME if resolved.algorithm.server else _STEPS
        steps = max(_FEWEST_STEPS, min(most, _ALL_STEPS // len(resolved.workers)))
    period = int(resolved.options.get("period", 1))
    whole = -(-steps // period) * period
    changes: dict[str, Any] = {"workload.steps": min(resolved.steps, whole)}
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


def _of_parameter(parameter: Parameter, factor: float, base: float, better: Outcome, worse: Outcome) -> Sensitivity:
    """A row whose elasticity is that over the whole range, which is close enough where next to nothing changes."""
    fast = _time(better, parameter.name)
    slow = None if worse.result is None else _time(worse, parameter.name)
    share = log((base if slow is None else slow) / fast) / log(factor) / (1.0 if slow is None else 2.0)
    return Sensitivity(
        parameter=parameter.name,
        title=parameter.title,
        kind="hardware",
        value=parameter.better(factor),
        base_time_s=base,
        time_s=fast,
        loss=None if slow is None else slow / base - 1.0,
        elasticity=_elasticity(parameter, share),
        members=parameter.members,
    )


def _of_choice(choice: Choice, before: Outcome, after: Outcome) -> Sensitivity:
    """A batch of another size goes through other numbers of samples: times are compared for the same number."""
    assert before.result is not None
    assert after.result is not None
    speed_up = after.result["throughput_samples_per_s"] / before.result["throughput_samples_per_s"]
    base = _time(before, choice.key)
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
