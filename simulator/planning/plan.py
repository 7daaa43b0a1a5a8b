"""Capacity planning: which cluster, how big, with which algorithm, by when and for how much.

`plan` tries systems × node counts × algorithms × batches for the same work. What cannot exist (memory, nodes,
arithmetic, a batch that cannot be divided) and what misses a deadline or budget even with perfect scaling is ruled out
without a simulation; all else is simulated for a few steps, which are scaled up to the work
(`simulator.planning.short_runs`). What is left is ranked. Pruning never changes what is left: it rests on a bound that
holds for every simulation (`simulator.planning.bounds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError
from simulator.planning.candidates import Choices, candidate, check_choices, named
from simulator.planning.configuration import Configuration
from simulator.planning.evaluation import Evaluation, Evaluator, Runner
from simulator.planning.limits import MOST_WORKERS, Certainty, Limits, certainty_of, limits_of
from simulator.planning.node_counts import NodeCounts, parse_nodes
from simulator.planning.outcome import Outcome
from simulator.planning.pareto import pareto_front
from simulator.planning.progress import Report, silent
from simulator.planning.question import Question, objective_of, parse_budget, parse_deadline, parse_target
from simulator.planning.ruled_out import RuledOut
from simulator.planning.runner import run_points
from simulator.planning.smallest import smallest_of_each
from simulator.planning.store import ResultStore
from simulator.planning.work import parse_work, work_of
from simulator.scenario import PlanTable, Scenario

if TYPE_CHECKING:
    import pandas

__all__ = ["PLAN_SCHEMA", "Plan", "comparable", "plan", "ranked_plan"]

PLAN_SCHEMA = "clustersim/plan/1"
DEFAULT_NODES = "1..64"


@dataclass(frozen=True)
class Plan:
    """The answer.

    Attributes
    ----------
    question : Question
    ranked : tuple of Configuration
        All that will do, the best first.
    front : tuple of Configuration
        Those of `ranked` that no other beats in time, cost and energy together; see `simulator.planning.pareto`.
    ruled_out : tuple of RuledOut
        All others, with the reason.
    scenario : Scenario
        What was planned for.
    limits : Limits or None
        What limits the best; None if nothing will do.
    certainty : Certainty or None
        How sure the order of the first few is; None where nobody asked.
    """

    question: Question
    ranked: tuple[Configuration, ...]
    front: tuple[Configuration, ...]
    ruled_out: tuple[RuledOut, ...]
    scenario: Scenario = field(repr=False)
    limits: Limits | None = None
    certainty: Certainty | None = None

    @property
    def best(self) -> Configuration | None:
        """The first of `ranked`; None if nothing will do."""
        return self.ranked[0] if self.ranked else None

    def on_front(self, configuration: Configuration) -> bool:
        """Whether the configuration is on the front."""
        return any(configuration is other for other in self.front)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of a plan, ``clustersim/plan/1``; its keys are documented in docs/planning.md."""
        return {
            "schema": PLAN_SCHEMA,
            "scenario": self.scenario.tables.model_dump(exclude_none=True, exclude={"plan", "compare"}),
            "question": self.question.to_dict(),
            "ranked": [{**one.to_dict(), "on_front": self.on_front(one)} for one in self.ranked],
            "ruled_out": [one.to_dict() for one in self.ruled_out],
            "limits": None if self.limits is None else self.limits.to_dict(),
            "certainty": None if self.certainty is None else self.certainty.to_dict(),
        }

    def records(self) -> list[dict[str, Any]]:
        """A plain record for each configuration, the ranked ones first; `ruled_out` says why another will not do."""
        made = self.to_dict()
        feasible = [{**_flat(one), "ruled_out": ""} for one in made["ranked"]]
        others = [
            {**_flat(one["configuration"] or {}), **_flat(one), "on_front": False, "ruled_out": one["reason"]}
            for one in made["ruled_out"]
        ]
        unwanted = {"kind", "reason", "by", "configuration"}
        return [{key: value for key, value in one.items() if key not in unwanted} for one in (*feasible, *others)]

    def to_frame(self) -> pandas.DataFrame:
        """The `records` as a pandas DataFrame.

        Raises
        ------
        InputError
            If pandas, an extra, is not installed.
        """
        from simulator.frames import frame_of

        return frame_of(self.records())

    def __repr__(self) -> str:
        best = "nothing will do" if self.best is None else f"best {self.best.name}"
        return f"<Plan of {len(self.ranked) + len(self.ruled_out)} configurations: {best}>"

    def _repr_html_(self) -> str:
        from simulator.report.notebook import plan_html

        return plan_html(self)


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """What of a JSON object is a plain value."""
    return {key: value for key, value in table.items() if not isinstance(value, Mapping | list | tuple)}


def plan(
    scenario: Scenario,
    systems: Sequence[str] | None = None,
    nodes: str | Sequence[int] | None = None,
    algorithms: Sequence[str] | None = None,
    *,
    batch_sizes: Sequence[int] | None = None,
    global_batch: int | None = None,
    work: str | None = None,
    deadline: str | float | None = None,
    budget: str | float | None = None,
    objective: str | None = None,
    target: str | None = None,
    prices: Mapping[str, str] | None = None,
    sensitivity: bool | None = None,
    draws: int | None = None,
    model_error: float | None = None,
    prune: bool = True,
    store: ResultStore | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Report = silent,
) -> Plan:
    """Which configurations do a scenario's work, by when and for how much, the best first.

    What is left out is taken from the scenario's table ``[plan]``, and else from the scenario itself.

    Parameters
    ----------
    scenario : Scenario
        States the workload; what it says about cluster and algorithm holds where no other is tried.
    systems : sequence of str, optional
        Names of system profiles, or paths.
    nodes : str or sequence of int, optional
        Counts, or text such as ``"1..64"``; see `simulator.planning.node_counts`. ``"1..64"`` if nobody says.
    algorithms : sequence of str, optional
        ``"name"`` or ``"name:option=value"``; the scenario's ``[compare]`` is asked, too.
    batch_sizes : sequence of int, optional
        Samples a worker and step, each tried.
    global_batch : int, optional
        Samples of all workers a step, divided among them; in place of `batch_sizes`.
    work : str, optional
        ``"epochs=90"`` or ``"samples=1e9"``; the scenario's own epochs or steps if left out.
    deadline : str or float, optional
        The longest time that will do: ``"12h"``, or seconds.
    budget : str or float, optional
        The highest cost that will do [USD].
    objective : {"time", "cost", "energy"}, optional
        What the best has least of; if left out, the cost where there is a deadline, else the time.
    target : str, optional
        ``"throughput=12000"``: samples a second that are the least that will do. ``"accuracy=0.95"``: train until then;
        needs a scenario with a ``[learning]`` table, whose steps are then the most that are tried.
    prices : mapping, optional
        Of a node-hour by system, such as ``"98.32 USD/h"``, over what profiles and the scenario's ``[prices]`` say.
    sensitivity : bool, optional
        Whether to find what would help the best configuration most; if left out, where it has few workers.
    draws : int, optional
        Uncertain worlds in which the first of the ranking are compared; see `simulator.planning.uncertainty`.
    model_error : float, optional
        With `draws`: how far off the model may be.
    prune : bool
        Whether what a bound rules out is left without a simulation.
    store, jobs, dask, progress
        As of `simulator.planning.runner.run_points`.

    Raises
    ------
    InputError
        If a name does not exist, parts of the question do not go together, or no configuration can be built.
    RunError
        If the study cannot go on.
    """
    given = _stated(scenario)
    choices = _choices(scenario, systems, algorithms, batch_sizes, global_batch, prices)
    check_choices(scenario, choices)
    wanted = nodes if nodes is not None else given.nodes or DEFAULT_NODES
    counts = parse_nodes(wanted if isinstance(wanted, str) else ",".join(map(str, wanted)))
    question = _question(
        scenario,
        given.work if work is None else work,
        given.target if target is None else target,
        latest=parse_deadline(given.deadline if deadline is None else deadline),
        most=parse_budget(given.budget if budget is None else budget),
        objective=given.objective if objective is None else objective,
    )

    def run(scenarios: Sequence[Scenario]) -> list[Outcome]:
        return run_points(scenarios, store=store, jobs=jobs, dask=dask, progress=progress)

    evaluations = _evaluate(scenario, choices, counts, question, run, prune)
    _refuse_if_nothing_goes_together(evaluations)
    made = ranked_plan(question, evaluations, scenario)
    if made.best is None:
        return made
    ask = made.best.workers <= MOST_WORKERS if sensitivity is None else sensitivity
    sure = certainty_of(made.ranked, question, draws, model_error, store, jobs, progress) if draws else None
    return replace(made, limits=limits_of(made.best, ask, jobs), certainty=sure)


def ranked_plan(question: Question, evaluations: Sequence[Evaluation], scenario: Scenario) -> Plan:
    """The plan that evaluations make."""
    feasible = [one for one in evaluations if isinstance(one, Configuration)]
    ranked = sorted(feasible, key=lambda one: _rank(one, question))
    places = pareto_front([tuple(map(comparable, (one.time, one.cost, one.energy))) for one in ranked])
    ruled_out = tuple(one for one in evaluations if isinstance(one, RuledOut))
    return Plan(question, tuple(ranked), tuple(ranked[place] for place in places), ruled_out, scenario)


def _rank(one: Configuration, question: Question) -> tuple[float, float, float, float, int, str]:
    """Least of the objective first; then whatever is less of the others, then fewer nodes."""
    figures = [comparable(value) for value in (one.figure(question.objective), one.time, one.cost, one.energy)]
    return figures[0], figures[1], figures[2], figures[3], one.nodes, one.name


def comparable(value: float | None) -> float:
    """A figure to compare by: four digits of it, as work in whole steps rounds the fifth; unknown is worst.

    Examples
    --------
    >>> comparable(77.901), comparable(None)
    (77.9, inf)
    """
    return float("inf") if value is None else float(f"{value:.4g}")


def _stated(scenario: Scenario) -> PlanTable:
    return scenario.tables.plan or PlanTable()


def _choices(
    scenario: Scenario,
    systems: Sequence[str] | None,
    algorithms: Sequence[str] | None,
    batch_sizes: Sequence[int] | None,
    global_batch: int | None,
    prices: Mapping[str, str] | None,
) -> Choices:
    tables, given = scenario.tables, _stated(scenario)
    if batch_sizes is not None and global_batch is not None:
        raise InputError("batch_sizes and global_batch exclude one another: a global batch is divided among workers")
    if batch_sizes is None and global_batch is None:
        batch_sizes, global_batch = given.batch_sizes or None, given.global_batch
    if algorithms is None:
        algorithms = given.algorithms or tables.compare.algorithms or [tables.algorithm.name]
    tried = named(given.systems or [tables.cluster.system] if systems is None else systems)
    # Who asks for other systems than the table does not mean the prices of those in it.
    stated = {name: price for name, price in given.prices.items() if systems is None or name in tried}
    return Choices(
        tried,
        named(algorithms),
        tuple(batch_sizes if batch_sizes is not None else [tables.workload.batch_size]),
        global_batch,
        {**stated, **(prices or {})},
    )


def _question(
    scenario: Scenario,
    work: str | None,
    wanted: str | None,
    *,
    latest: float | None,
    most: float | None,
    objective: str | None,
) -> Question:
    """What is asked, of the work and the target in words; `latest` in seconds, `most` in US dollars."""
    target = None if wanted is None else parse_target(wanted)
    aim = objective_of(objective, latest)
    if target is None or target.kind == "throughput":
        amount = work_of(scenario) if work is None else parse_work(work, scenario)
        return Question(amount, latest, most, aim, target)
    if scenario.tables.learning is None:
        raise InputError(f"{scenario.where}: learning: missing; target accuracy=… needs a scenario that learns")
    if work is not None:
        raise InputError("work and target accuracy=… exclude one another: training goes on until the accuracy")
    return Question(None, latest, most, aim, target)


def _evaluate(
    scenario: Scenario, choices: Choices, counts: NodeCounts, question: Question, run: Runner, prune: bool
) -> list[Evaluation]:
    evaluator = Evaluator(question, run, choices.global_batch, prune)
    families = choices.families()
    if counts.smallest:
        if question.deadline is None and question.least_throughput is None:
            raise InputError("nodes: the smallest that will do needs a deadline, or a target throughput=…")
        return smallest_of_each(scenario, families, counts, evaluator)
    return evaluator([candidate(scenario, family, count) for family in families for count in counts.counts])


def _refuse_if_nothing_goes_together(evaluations: Sequence[Evaluation]) -> None:
    """Where every configuration is refused for something that is wrong with the scenario, that is wrong with it."""
    problems = [one for one in evaluations if isinstance(one, RuledOut) and one.kind == "setup"]
    if problems and len(problems) == len(evaluations):
        raise InputError(f"{problems[0].candidate.scenario.where}: {problems[0].reason}")
