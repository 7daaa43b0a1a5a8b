"""How sure a comparison is: the same uncertain worlds for several scenarios, draw after draw.

Three things are uncertain, and each scenario's time is the product of what they do to it.

- *Parameters* of the calibration: drawn from the joint distribution that the fit found, the same set for all scenarios
  of one overlay. By default each scenario answers by a parabola in each parameter (`simulator.calibration.slopes`),
  which is checked against simulations of the draws that move it most; where it misses, or on request, every draw is
  simulated.
- *Chance*: jitter, stragglers, and what is random in learning. Each scenario is simulated under the same few seeds, and
  a draw takes one of them for all.
- *The model* itself, which was off in what it was fitted to: see `simulator.planning.model_error`.

By the law of total variance, the variance of a time is what the seeds do at given parameters, on average, and what the
parameters do to the mean over the seeds; the draws hold both because they draw both. Times are those of one run: an
interval is where that run's time will lie, not where the mean of many will.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from simulator.calibration.applied import calibration_of
from simulator.errors import InputError
from simulator.planning.draws import Draws
from simulator.planning.model_error import ALONE, SHARED, TOGETHER, Sharing, error_factors
from simulator.planning.progress import Report, silent
from simulator.planning.store import ResultStore
from simulator.planning.uncertain_case import Case, Method, Runs, has_chance
from simulator.scenario import Scenario

__all__ = ["Method", "check_uncertain", "draw_times"]


def check_uncertain(scenarios: Sequence[Scenario], model_error: float | None = None) -> None:
    """Refuse scenarios of which nothing is uncertain: that every draw is the same would look like certainty.

    Raises
    ------
    InputError
        One line that says what would make something uncertain.
    """
    if model_error is None and not any(has_chance(each) or calibration_of(each).overlay for each in scenarios):
        raise InputError(
            f"{scenarios[0].where}: nothing to draw, so how sure the order is cannot be said: there is no calibration "
            "overlay ('clustersim calibrate' fits one to measurements), no jitter or stragglers in [simulation], and "
            "no --model-error"
        )


def draw_times(
    scenarios: Mapping[str, Scenario],
    draws: int = 100,
    seed: int = 0,
    *,
    method: Method = "auto",
    model_error: float | None = None,
    sharing: Sharing = SHARED,
    results: Mapping[str, Mapping[str, Any]] | None = None,
    store: ResultStore | None = None,
    jobs: int | None = None,
    progress: Report = silent,
) -> Draws:
    """Times of scenarios in the same uncertain worlds.

    Parameters
    ----------
    scenarios : mapping
        By names to call them by.
    draws : int
        Worlds, at least 2.
    seed : int
        Of the draws. The same seed gives a scenario the same times, whatever else is drawn.
    method : {"auto", "linear", "exact"}
        How parameters act on times: by parabolas, checked and replaced where they miss; by parabolas unchecked; by
        simulating every draw.
    model_error : float, optional
        Standard deviation of the model's relative error, in place of what the calibrations found; for scenarios that
        have no calibration, a way to say how far to trust the model.
    sharing : Sharing
        How much of the model's error scenarios have in common.
    results : mapping, optional
        JSON results of scenarios, by name, that have been run already.
    store, jobs, progress
        As of `simulator.planning.runner.run_points`.

    Raises
    ------
    InputError
        If nothing is uncertain, or a scenario is refused.
    RunError
        If a run fails.
    """
    if draws < 2:
        raise InputError(f"draws: expected at least 2, got {draws}")
    if method not in get_args(Method):
        raise InputError(f"method: expected one of {', '.join(get_args(Method))}, got {method!r}")
    if model_error is not None and not 0.0 <= model_error <= 1.0:
        raise InputError(f"model error: expected a share of the time, 0 to 1, got {model_error:g}")
    check_uncertain(list(scenarios.values()), model_error)
    runs = Runs(store, jobs, progress)
    cases = [Case(name, each, draws, seed, method, model_error) for name, each in scenarios.items()]
    for case in cases:
        runs.add(case.scenario, (results or {}).get(case.name))
    runs.run([each for case in cases for each in case.first_runs])
    for case in cases:
        case.learn(runs)
    runs.run([each for case in cases for each in case.checks])
    for case in cases:
        case.check(runs)
    runs.run([each for case in cases for each in case.exact_runs])
    drawn = [case.drawn(runs) for case in cases]
    erring = [case.erring(runs) for case in cases]
    models = [error_factors(erring, draws, seed, each) for each in (sharing, ALONE, TOGETHER)]
    undisturbed = np.column_stack([each.times for each in drawn])
    return Draws(
        names=tuple(scenarios),
        times=undisturbed * models[0],
        work=np.array([case.work(runs) for case in cases]),
        costs=np.array([case.cost_rate(runs) for case in cases]),
        spread={
            "parameters": np.array([each.parameters for each in drawn]),
            "model": models[0].std(axis=0),
            "chance": np.array([each.chance for each in drawn]),
        },
        luck=np.column_stack([each.luck for each in drawn]),
        otherwise={"alone": undisturbed * models[1], "together": undisturbed * models[2]},
        notes=(
            *_unknown([(case.name, case.unknown(runs)) for case in cases]),
            *(case.replaced for case in cases if case.replaced),
        ),
    )


def _unknown(cases: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    """What nobody knows of the model's error, in one line."""
    shares: dict[str, list[float]] = {}
    for _, parts in cases:
        for part, share in parts.items():
            shares.setdefault(part, []).append(share)
    without = [name for name, parts in cases if "all parts" in parts]
    lines = []
    if without and len(without) < len(cases):
        lines.append(f"no calibration of {', '.join(without)}: parameters and model are taken to be exact there")
    elif without:
        lines.append("no calibration: parameters and model are taken to be exact, only chance is drawn")
    told = [f"{part} ({_range(each)} of the time)" for part, each in shares.items() if part != "all parts"]
    if told:
        lines.append(
            f"the calibration does not tell the model's error of {', '.join(told)}; none is drawn for it, "
            "so the order may be less sure; --model-error states one"
        )
    return lines


def _range(shares: Sequence[float]) -> str:
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low[:-1]} to {high}"
