"""What tests of plans share: small workloads, and runs that are kept, so that many plans cost little."""

from collections.abc import Sequence

from simulator.planning.candidates import Choices, Family, candidate
from simulator.planning.evaluation import Evaluator
from simulator.planning.keys import scenario_key
from simulator.planning.outcome import Outcome, outcome_of, simulated
from simulator.planning.plan import Plan, ranked_plan
from simulator.planning.question import Question
from simulator.scenario import Scenario

#: A network of 2 million parameters whose gradient takes about a millisecond.
NETWORK = "synthetic:parameters=2e6,flops=2e9"
STEPS = 24


def scenario(**changes: object) -> Scenario:
    """A small job; what others cost and take is the same for every plan."""
    tables = {
        "cluster": {"system": "dgx1-p100", "nodes": 1},
        "workload": {"network": NETWORK, "dataset": "cifar10", "batch_size": 16, "steps": STEPS},
        "algorithm": {"name": "sync-sgd"},
        "prices": {"node_hour": "10 USD/h"},
    }
    return Scenario.from_dict(tables, "small").override(changes)


class Kept:
    """Runs scenarios in this process, each once; counts those it ran."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}

    def __call__(self, scenarios: Sequence[Scenario]) -> list[Outcome]:
        keys = [scenario_key(one) for one in scenarios]
        for key, one in zip(keys, scenarios, strict=True):
            if key not in self.outcomes:
                self.outcomes[key] = outcome_of(simulated(one.data, one.where, str(one.directory)))
        return [self.outcomes[key] for key in keys]


def planned(
    base: Scenario, choices: Choices, counts: Sequence[int], question: Question, run: Kept, prune: bool = True
) -> Plan:
    """A plan of every count of every family."""
    evaluator = Evaluator(question, run, choices.global_batch, prune)
    members: list[tuple[Family, int]] = [(family, count) for family in choices.families() for count in counts]
    return ranked_plan(question, evaluator([candidate(base, family, count) for family, count in members]), base)
