"""What is known of a configuration before anything is simulated: whether it can exist, and what it takes at least."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import InfeasibleError, InputError
from simulator.planning.bounds import least_step_time
from simulator.planning.candidates import Candidate
from simulator.planning.question import Question
from simulator.planning.ruled_out import Reason, RuledOut
from simulator.planning.wording import budget_words, deadline_words, throughput_words
from simulator.simulation import Simulation

__all__ = ["Admitted", "admit", "beyond_bounds", "least_cost"]

#: Keys at which a refusal begins, and what it is then about; every other refusal is of parts that do not go together.
_KINDS: tuple[tuple[str, Reason], ...] = (
    ("workload.batch_size", "memory"),
    ("cluster.master: the master", "memory"),
    ("workload.precision", "precision"),
)


@dataclass(frozen=True)
class Admitted:
    """A configuration that can exist.

    Attributes
    ----------
    candidate : Candidate
        With its batch divided, where it has a global one.
    simulation : Simulation
        Its scenario, resolved.
    workers, steps : int
        How many compute, and the gradients that each of them computes.
    least_step : float
        No step is shorter, on average over a run [s]; 0 where that is not known.
    """

    candidate: Candidate
    simulation: Simulation
    workers: int
    steps: int
    least_step: float

    @property
    def least_time(self) -> float:
        """No run is shorter [s]."""
        return self.steps * self.least_step

    @property
    def most_throughput(self) -> float:
        """No run gets through more samples a second."""
        samples = self.workers * self.simulation.scenario.tables.workload.batch_size
        return samples / self.least_step if self.least_step else float("inf")


def admit(candidate: Candidate, question: Question, global_batch: int | None = None) -> Admitted | RuledOut:
    """The configuration resolved, or why it is none."""
    simulation = _resolved(candidate, global_batch)
    if isinstance(simulation, RuledOut):
        return simulation
    workload, workers = simulation.scenario.tables.workload, len(simulation.workers)
    candidate = candidate.with_batch(workload.batch_size) if global_batch is not None else candidate
    steps = simulation.steps if question.work is None else question.work.steps(workers, workload.batch_size)
    step = 0.0 if question.until_accuracy else least_step_time(simulation)
    admitted = Admitted(candidate, simulation, workers, steps, step)
    return beyond_bounds(admitted, question) or admitted


def _resolved(candidate: Candidate, global_batch: int | None) -> Simulation | RuledOut:
    """The candidate's scenario, resolved, its batch divided."""
    scenario = candidate.scenario
    try:
        if global_batch is None:
            return Simulation(scenario)
        # The number of workers does not depend on the batch, and a batch of one is the least to fail for it.
        workers = len(Simulation(candidate.with_batch(1).scenario).workers)
        if global_batch % workers:
            reason = f"{global_batch:,} samples are no multiple of {workers:,} workers"
            return RuledOut(candidate, "batch", reason)
        return Simulation(candidate.with_batch(global_batch // workers).scenario)
    except InputError as error:
        return _refused(candidate, error)


def _refused(candidate: Candidate, error: InputError) -> RuledOut:
    text = str(error).removeprefix(f"{candidate.scenario.where}: ")
    for start, kind in _KINDS:
        if text.startswith(start):
            return RuledOut(candidate, kind, text.partition(": ")[2])
    if isinstance(error, InfeasibleError):
        return RuledOut(candidate, "nodes", text.rpartition("nodes: ")[2])
    return RuledOut(candidate, "setup", text)


def beyond_bounds(admitted: Admitted, question: Question) -> RuledOut | None:
    """Why even perfect scaling would not do; None if it would."""
    candidate, time = admitted.candidate, admitted.least_time
    if question.deadline is not None and time > question.deadline:
        return RuledOut(candidate, "deadline", f"at least {deadline_words(time, question.deadline)}", "bound")
    cost = least_cost(admitted)
    if question.budget is not None and cost is not None and cost > question.budget:
        return RuledOut(candidate, "budget", f"at least {budget_words(cost, question.budget)}", "bound")
    wanted, throughput = question.least_throughput, admitted.most_throughput
    if wanted is not None and throughput < wanted:
        return RuledOut(candidate, "throughput", f"at most {throughput_words(throughput, wanted)}", "bound")
    return None


def least_cost(admitted: Admitted) -> float | None:
    """What the nodes cost for the least time [USD]; None where no price is known."""
    price = admitted.simulation.node_price
    nodes = admitted.simulation.scenario.tables.cluster.nodes
    return None if price is None else price.value * nodes * admitted.least_time
