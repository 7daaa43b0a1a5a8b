"""From candidates to configurations: admit, simulate short runs of all that were, scale, and judge.

The simulations of a call are run together, so that all processes have work; those with most workers go first, because
they take longest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from simulator.errors import InputError
from simulator.planning.admission import Admitted, admit
from simulator.planning.candidates import Candidate
from simulator.planning.configuration import Configuration
from simulator.planning.outcome import Outcome
from simulator.planning.question import Question
from simulator.planning.ruled_out import Reason, RuledOut
from simulator.planning.short_runs import lengths_of, longer_lengths, run_of, scaled
from simulator.planning.wording import budget_words, deadline_words, throughput_words
from simulator.scenario import Scenario
from simulator.simulation import Simulation

__all__ = ["Evaluation", "Evaluator", "Runner", "judged"]

#: Runs scenarios and gives their outcomes in the same order.
Runner: TypeAlias = Callable[[Sequence[Scenario]], list[Outcome]]
Evaluation: TypeAlias = Configuration | RuledOut


@dataclass(frozen=True)
class Evaluator:
    """Finds out what candidates would be.

    Attributes
    ----------
    question : Question
    run : callable
        Simulates scenarios.
    global_batch : int or None
        Divided among the workers of each candidate.
    prune : bool
        Whether what a bound rules out is not simulated. Without, the same configurations are left in the end.
    """

    question: Question
    run: Runner
    global_batch: int | None = None
    prune: bool = True

    def admit(self, candidate: Candidate) -> Admitted | RuledOut:
        """The candidate resolved, or why it is none."""
        question = self.question if self.prune else self.question.without_limits()
        return admit(candidate, question, self.global_batch)

    def __call__(self, candidates: Sequence[Candidate]) -> list[Evaluation]:
        """What is to be said of each, in their order."""
        admitted = [self.admit(candidate) for candidate in candidates]
        simulated = self.simulate([one for one in admitted if isinstance(one, Admitted)])
        rest = iter(simulated)
        return [next(rest) if isinstance(one, Admitted) else one for one in admitted]

    def simulate(self, admitted: Sequence[Admitted]) -> list[Evaluation]:
        """What simulations say of each, in their order."""
        lengths = [self._lengths(one) for one in admitted]
        outcomes = self._run(list(zip(admitted, lengths, strict=True)))
        again = []
        for one, found in zip(admitted, outcomes, strict=True):
            result = found[-1].result
            longer = longer_lengths(result, one.steps) if result is not None and len(found) == 1 else ()
            again.append((one, longer if not self.question.until_accuracy else ()))
        longer_outcomes = self._run(again)
        return [
            self._evaluated(one, second or first)
            for one, first, second in zip(admitted, outcomes, longer_outcomes, strict=True)
        ]

    def _lengths(self, admitted: Admitted) -> tuple[int, ...]:
        if self.question.until_accuracy:
            return (admitted.steps,)
        return lengths_of(admitted.simulation, admitted.steps)

    def _run(self, runs: Sequence[tuple[Admitted, tuple[int, ...]]]) -> list[list[Outcome]]:
        """Outcomes of the runs of every configuration."""
        points = [(place, steps) for place, (_, lengths) in enumerate(runs) for steps in lengths]
        # Those with most workers first: what takes longest must not be left for the end.
        order = sorted(range(len(points)), key=lambda i: -runs[points[i][0]][0].workers * points[i][1])
        scenarios = [self._scenario(runs[points[i][0]][0], points[i][1]) for i in order]
        found: dict[int, Outcome] = dict(zip(order, self.run(scenarios) if scenarios else [], strict=True))
        outcomes: list[list[Outcome]] = [[] for _ in runs]
        for number, (place, _) in enumerate(points):
            outcomes[place].append(found[number])
        return outcomes

    def _scenario(self, admitted: Admitted, steps: int) -> Scenario:
        run = run_of(admitted.simulation.scenario, steps, self.question.until_accuracy)
        if not self.question.until_accuracy:
            return run
        assert self.question.target is not None
        return run.override({"learning.target_accuracy": self.question.target.value})

    def _evaluated(self, admitted: Admitted, outcomes: Sequence[Outcome]) -> Evaluation:
        for outcome in outcomes:
            if outcome.result is None:
                return RuledOut(admitted.candidate, "failed", outcome.message, "simulation")
        results = [outcome.result for outcome in outcomes if outcome.result is not None]
        last = results[-1]
        if self.question.until_accuracy:
            learned = last["learning"]
            reached = learned["reached_at_s"]
            if reached is None:
                return _not_accurate(admitted.candidate, self.question, last)
            time, step = float(reached), float(last["step_time_s"]["mean"])
        else:
            length = scaled(results, admitted.steps)
            time, step = length.time, length.step_time
        share = time / last["time_s"] if last["time_s"] else 0.0
        cost, energy = (None if last[key] is None else last[key] * share for key in ("cost_usd", "energy_j"))
        try:
            failing = with_failures(admitted.simulation, time, admitted.steps, cost, energy)
        except InputError as error:
            return RuledOut(admitted.candidate, "failures", str(error).partition("reliability: ")[2], "simulation")
        batch = admitted.simulation.scenario.tables.workload.batch_size
        configuration = Configuration(
            candidate=admitted.candidate,
            workers=admitted.workers,
            steps=last["steps"] if self.question.until_accuracy else admitted.steps,
            time=time if failing is None else failing["expected_time_s"],
            training_time=time,
            step_time=step,
            throughput=admitted.workers * batch / step if step else float("inf"),
            cost=cost if failing is None else failing["cost_usd"],
            energy=energy if failing is None else failing["energy_j"],
            ideal_share=admitted.least_time / time if admitted.least_time and time else None,
            simulated_steps=int(last["simulation"]["simulated_steps"]),
            reliability=failing,
            result=last,
        )
        return judged(configuration, self.question)


def with_failures(
    simulation: Simulation, time: float, steps: int, cost: float | None, energy: float | None
) -> dict[str, Any] | None:
    """What failures and checkpoints make of a training; None where the scenario says nothing of them."""
    if simulation.reliability is None:
        return None
    return simulation.reliability.assess(time, steps).to_dict(energy, cost)


def judged(configuration: Configuration, question: Question) -> Evaluation:
    """The configuration, or why it will not do."""

    def ruled_out(kind: Reason, reason: str) -> RuledOut:
        return RuledOut(configuration.candidate, kind, reason, "simulation", configuration)

    time, cost, wanted = configuration.time, configuration.cost, question.least_throughput
    if question.deadline is not None and time > question.deadline:
        return ruled_out("deadline", deadline_words(time, question.deadline))
    if wanted is not None and configuration.throughput < wanted:
        return ruled_out("throughput", throughput_words(configuration.throughput, wanted))
    if cost is None and (question.budget is not None or question.objective == "cost"):
        return ruled_out("price", f"the profile of {configuration.candidate.system} states no price")
    if question.budget is not None and cost is not None and cost > question.budget:
        return ruled_out("budget", budget_words(cost, question.budget))
    return configuration


def _not_accurate(candidate: Candidate, question: Question, result: dict[str, Any]) -> RuledOut:
    assert question.target is not None
    best = result["learning"]["best_accuracy"]
    found = "no evaluation" if best is None else f"{best:.1%}"
    reason = f"{found} of {question.target.value:.1%} in {result['steps']:,} steps"
    return RuledOut(candidate, "accuracy", reason, "simulation")
