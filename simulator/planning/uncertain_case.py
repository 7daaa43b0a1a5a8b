"""One scenario among those whose uncertain times are drawn: what has to be run for it, and what its times are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from simulator.calibration.applied import calibration_of
from simulator.calibration.overlay import Overlay
from simulator.calibration.slopes import Response, experiment, free_parameters, relative_times, short, with_parameters
from simulator.errors import InfeasibleError, RunError
from simulator.planning.keys import scenario_key
from simulator.planning.model_error import Erring
from simulator.planning.progress import Report
from simulator.planning.runner import run_points
from simulator.planning.store import ResultStore
from simulator.randomness import stream
from simulator.scenario import Scenario

__all__ = ["SEEDS", "Case", "Drawn", "Method", "Runs", "has_chance"]

#: How parameters act on times: parabolas, checked and replaced where they miss; parabolas; every draw simulated.
Method: TypeAlias = Literal["auto", "linear", "exact"]

#: Seeds that stand for chance, unless there are fewer draws.
SEEDS = 12
#: Parabolas may miss a simulated draw by this share of the spread they give, or of the time, whichever is more.
_MISS, _LEAST_MISS = 0.1, 1e-4
#: Shares of the time of which it is worth saying that nothing is known of the model's error.
_WORTH_SAYING = 0.05


def has_chance(scenario: Scenario) -> bool:
    """Whether another seed can give another time."""
    tables = scenario.tables
    jitter = tables.simulation.jitter or calibration_of(scenario).values.get("jitter.compute", 0.0)
    return bool(jitter or tables.simulation.straggler_probability or tables.learning is not None)


def _has_target(scenario: Scenario) -> bool:
    learning = scenario.tables.learning
    return learning is not None and learning.target_accuracy is not None and not scenario.tables.simulation.timing_only


class Runs:
    """Results of simulated scenarios by their content, through the store and the processes that studies use."""

    def __init__(self, store: ResultStore | None, jobs: int | None, progress: Report) -> None:
        self._store, self._jobs, self._progress = store, jobs, progress
        self._results: dict[str, Mapping[str, Any]] = {}

    def add(self, scenario: Scenario, result: Mapping[str, Any] | None) -> None:
        """A result that is known already."""
        if result is not None:
            self._results[scenario_key(scenario)] = result

    def run(self, scenarios: Sequence[Scenario]) -> None:
        """Simulate those that have no result yet.

        Raises
        ------
        InfeasibleError, RunError
            If one of them has none.
        """
        missing = {key: each for each in scenarios if (key := scenario_key(each)) not in self._results}
        if not missing:
            return
        outcomes = run_points(list(missing.values()), store=self._store, jobs=self._jobs, progress=self._progress)
        for key, outcome in zip(missing, outcomes, strict=True):
            if outcome.result is None:
                raise (InfeasibleError if outcome.status == "infeasible" else RunError)(outcome.message)
            self._results[key] = outcome.result

    def result(self, scenario: Scenario) -> Mapping[str, Any]:
        """The JSON result of a scenario that has been run."""
        return self._results[scenario_key(scenario)]

    def seconds(self, scenario: Scenario) -> float:
        """The time to what the run is for: its end, or its target accuracy; infinite where that was not reached."""
        result = self.result(scenario)
        if _has_target(scenario):
            reached = result["learning"]["reached_at_s"]
            return float("inf") if reached is None else float(reached)
        return float(result["time_s"])


@dataclass(frozen=True)
class Drawn:
    """Times before the model's error [s], shape (draws,), and the relative spread that parameters and chance give.

    `luck` is the factor of chance in each time; 1 where every draw was simulated, which does not tell it apart.
    """

    times: np.ndarray
    luck: np.ndarray
    parameters: float
    chance: float


class Case:
    """One scenario and its draws."""

    def __init__(
        self, name: str, scenario: Scenario, draws: int, seed: int, method: Method, model_error: float | None
    ) -> None:
        self.name, self.scenario = name, scenario
        self._draws, self._seed, self._method, self._model_error = draws, seed, method, model_error
        self._calibration = calibration_of(scenario)
        self._responses: list[Response] = []
        self._replaced = False
        self._misses = 0.0

    @property
    def first_runs(self) -> list[Scenario]:
        """What has to be run before anything is known."""
        return [*self._seeds, *([] if self._experiment is None else self._experiment.scenarios)]

    @cached_property
    def _seeds(self) -> list[Scenario]:
        """The scenario under the seeds that stand for chance, its own first."""
        return [self._seeded(number) for number in range(min(SEEDS, self._draws))] if self._random else [self.scenario]

    def _seeded(self, number: int) -> Scenario:
        return self.scenario.override({"simulation.seed": self.scenario.tables.simulation.seed + number})

    @cached_property
    def _random(self) -> bool:
        return has_chance(self.scenario)

    @cached_property
    def _experiment(self) -> Any:
        return None if self._method == "exact" or self._overlay is None else experiment(self.scenario)

    @property
    def _overlay(self) -> Overlay | None:
        return self._calibration.overlay

    @cached_property
    def _parameters(self) -> list[dict[str, float]]:
        """Values of the overlay's free parameters in each draw: the same for every scenario of that overlay."""
        if self._overlay is None:
            return [{} for _ in range(self._draws)]
        free = set(free_parameters(self.scenario, self._calibration))
        # A stream of its own for each overlay: what two fits left open has nothing to do with one another.
        seed = int(stream(self._seed, f"overlay {self._overlay.model_dump_json()}").integers(2**31))
        drawn = self._overlay.draws(self._draws, seed)
        return [{name: value for name, value in values.items() if name in free} for values in drawn]

    def learn(self, runs: Runs) -> None:
        """Take the answers to the parameters from the short runs."""
        if self._experiment is not None:
            self._responses = self._experiment.responses([runs.seconds(each) for each in self._experiment.scenarios])

    @cached_property
    def _expected(self) -> np.ndarray:
        """Times over the calibrated time by the parabolas, shape (draws,)."""
        return relative_times(self._responses, self._parameters)

    @cached_property
    def _checked(self) -> list[int]:
        """The draws that the parabolas make shortest and longest, and the one with parameters farthest from theirs."""
        if self._method != "auto" or not self._responses:
            return []
        errors = [[(draw[each.name] - each.value) / each.std for each in self._responses] for draw in self._parameters]
        farthest = np.argmax(np.square(errors).sum(axis=1))
        return sorted({int(self._expected.argmin()), int(self._expected.argmax()), int(farthest)})

    @cached_property
    def checks(self) -> list[Scenario]:
        """Short runs with the parameters of some draws, and as calibrated, to hold the parabolas against."""
        if not self._checked:
            return []
        brief = short(self.scenario)
        return [brief, *(with_parameters(brief, self._parameters[draw]) for draw in self._checked)]

    def check(self, runs: Runs) -> None:
        """Hold the parabolas against the simulated draws."""
        if not self.checks:
            return
        calibrated, *times = (runs.seconds(each) for each in self.checks)
        misses = np.array(times) / calibrated - self._expected[self._checked]
        self._misses = float(np.abs(misses).max())
        self._replaced = self._misses > max(_MISS * float(self._expected.std()), _LEAST_MISS)

    @cached_property
    def exact_runs(self) -> list[Scenario]:
        """Every draw as a scenario, where parabolas are not wanted or not good enough."""
        if not (self._replaced or self._method == "exact"):
            return []
        runs = []
        for number, values in enumerate(self._parameters):
            seeded = self._seeded(number) if self._random else self.scenario
            runs.append(with_parameters(seeded, values) if values else seeded)
        return runs

    def drawn(self, runs: Runs) -> Drawn:
        """The times of all draws."""
        seconds = np.array([runs.seconds(each) for each in self._seeds])
        mean = float(seconds[np.isfinite(seconds)].mean()) if np.isfinite(seconds).any() else float("inf")
        factors = seconds / mean if np.isfinite(mean) else seconds
        luck = _resampled(factors, self._draws, self._seed)
        usual = luck[np.isfinite(luck)]
        spread = float(usual.std()) if len(usual) else float("nan")
        if self.exact_runs:
            times = np.array([runs.seconds(each) for each in self.exact_runs])
            finite = times[np.isfinite(times)]
            relative = float(finite.std() / finite.mean()) if len(finite) else float("nan")
            return Drawn(times, np.ones(self._draws), float(np.sqrt(max(relative**2 - spread**2, 0.0))), spread)
        return Drawn(mean * self._expected * luck, luck, float(self._expected.std()), spread)

    def erring(self, runs: Runs) -> Erring:
        """What decides the model's error here."""
        result, tables = runs.result(self.scenario), self.scenario.tables
        total = sum(result["breakdown_s"].values())
        where = (result["system"], result["nodes"], result["workers"], result["network"], tables.workload.batch_size)
        return Erring(
            self.name,
            " ".join(map(str, where)),
            str(result["algorithm"]),
            {part: seconds / total for part, seconds in result["breakdown_s"].items()},
            self._scatter,
        )

    @property
    def _scatter(self) -> Mapping[str, float]:
        if self._model_error is not None:
            return {"step": self._model_error}
        return {} if self._overlay is None else self._overlay.residual_scatter

    def work(self, runs: Runs) -> float:
        """Samples that the run gets through; 1 where it ends by what is learned."""
        if _has_target(self.scenario):
            return 1.0
        return float(runs.result(self.scenario)["gradients"] * self.scenario.tables.workload.batch_size)

    def cost_rate(self, runs: Runs) -> float:
        """US dollars a second; NaN where the price is unknown."""
        result = runs.result(self.scenario)
        return float("nan") if result["cost_usd"] is None else float(result["cost_usd"] / result["time_s"])

    def unknown(self, runs: Runs) -> Mapping[str, float]:
        """Parts of the time of which the calibration says nothing about the model's error, with their shares of it."""
        if self._model_error is None and self._overlay is None:
            return {"all parts": 1.0}
        if "step" in self._scatter:
            return {}
        shares = self.erring(runs).shares
        parts = {part: share for part, share in shares.items() if part != "idle" and part not in self._scatter}
        return {part.replace("_", " "): share for part, share in parts.items() if share > _WORTH_SAYING}

    @property
    def replaced(self) -> str:
        """Why every draw was simulated although parabolas would have been quicker; empty if it was not."""
        if not self._replaced:
            return ""
        return (
            f"{self.name}: every draw was simulated, as parabolas missed by {self._misses:.2%} of the time "
            f"at a spread of {float(self._expected.std()):.2%}"
        )


def _resampled(factors: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Factors of chance for all draws, shape (draws,), from those of a few seeds, whose mean is 1.

    Each draw takes one of them, the same seed for every scenario. They are widened so that an interval of the draws is
    Student's for a new run: the mean of R values is itself uncertain by s²/R, s² is their sum of squares over R − 1,
    and R values know s only so well, which each draw makes up for by a factor that all scenarios have in common.
    """
    count = len(factors)
    if count < 3:
        return np.resize(factors, draws)
    freedom = count - 1
    wider = np.sqrt((count + 1) / stream(seed, "spread of chance").chisquare(freedom, draws))
    taken = np.resize(factors, draws)
    usual = np.isfinite(taken)
    luck = np.full(draws, np.inf)
    luck[usual] = np.maximum(1.0 + (taken[usual] - 1.0) * wider[usual], 0.0)
    return luck
