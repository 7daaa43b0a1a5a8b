"""Plans against brute force, and the laws that they obey."""

from itertools import pairwise, product

import hypothesis.strategies as st
import pytest
from hypothesis import given
from plan_cases import STEPS, Kept, planned, scenario

from simulator.algorithms import algorithm_names
from simulator.errors import InputError
from simulator.planning.admission import Admitted, admit, beyond_bounds
from simulator.planning.candidates import Choices, Family, candidate
from simulator.planning.configuration import Configuration
from simulator.planning.evaluation import Evaluator, judged
from simulator.planning.node_counts import NodeCounts
from simulator.planning.pareto import dominates
from simulator.planning.plan import comparable, plan, ranked_plan
from simulator.planning.question import Question, Target
from simulator.planning.ruled_out import RuledOut
from simulator.planning.smallest import smallest_of_each
from simulator.planning.work import Work
from simulator.simulation import simulate

SYSTEMS, ALGORITHMS, COUNTS = ("dgx1-p100", "dgx1-v100"), ("sync-sgd", "ddp-msgd"), (1, 2)
CHOICES = Choices(SYSTEMS, ALGORITHMS, (16,))
SAMPLES = STEPS * 16 * 8
WORK = Work(SAMPLES, "the work")


@pytest.fixture(scope="module")
def kept():
    """Runs, each made once for all tests."""
    return Kept()


@pytest.fixture(scope="module")
def everything(kept):
    """The plan of the whole grid, without limits."""
    return planned(scenario(), CHOICES, COUNTS, Question(WORK), kept)


@pytest.fixture(scope="module")
def admitted():
    """The whole grid before anything is simulated, by name."""
    members = [candidate(scenario(), family, count) for family in CHOICES.families() for count in COUNTS]
    return {member.name: admit(member, Question(WORK)) for member in members}


@pytest.fixture(scope="module")
def whole_runs():
    """By brute force: seconds of every configuration of the grid, simulated from its first step to its last."""
    times = {}
    for system, algorithm, nodes in product(SYSTEMS, ALGORITHMS, COUNTS):
        member = candidate(scenario(), Family(system, algorithm, 16), nodes)
        steps = {"workload.steps": WORK.steps(8 * nodes, 16), "simulation.exact": True}
        times[member.name] = simulate(member.scenario.override(steps)).time
    return times


def _names(configurations):
    return [one.name for one in configurations]


def _under(everything, question):
    """The plan under other limits, of the same simulations."""
    return ranked_plan(question, [judged(one, question) for one in everything.ranked], everything.scenario)


def test_the_plan_is_that_of_whole_simulations(everything, whole_runs):
    assert sorted(_names(everything.ranked)) == sorted(whole_runs)
    for one in everything.ranked:
        assert one.time == pytest.approx(whole_runs[one.name], rel=1e-3)
        assert one.cost == pytest.approx(whole_runs[one.name] * one.nodes * 10.0 / 3600.0, rel=1e-3)


@pytest.mark.parametrize("objective", ["time", "cost"])
def test_the_ranking_is_that_of_whole_simulations(everything, whole_runs, objective):
    ranked = _under(everything, Question(WORK, objective=objective)).ranked
    score = [whole_runs[one.name] * (one.nodes if objective == "cost" else 1) for one in ranked]
    for better, worse in pairwise(score):
        assert better <= worse * (1 + 1e-3)


def test_the_front_is_what_no_other_dominates(everything):
    figures = {one.name: tuple(map(comparable, (one.time, one.cost, one.energy))) for one in everything.ranked}
    expected = [name for name in figures if not any(dominates(other, figures[name]) for other in figures.values())]
    assert _names(everything.front) == expected


#: Limits about the figures of the grid: from one that nothing keeps to one that everything keeps.
_SHARES = st.floats(0.4, 4.0)
_OBJECTIVES = st.sampled_from(["time", "cost", "energy"])


def _question(everything, deadline_share, budget_share, objective="time", throughput_share=None):
    fastest, cheapest = everything.ranked[0], min(one.cost for one in everything.ranked)
    target = None if throughput_share is None else Target("throughput", throughput_share * fastest.throughput)
    return Question(WORK, deadline_share * fastest.time, budget_share * cheapest, objective, target)


@given(_SHARES, _SHARES, st.floats(0.2, 1.2))
def test_what_a_bound_rules_out_a_simulation_would(everything, admitted, deadline, budget, throughput):
    question = _question(everything, deadline, budget, "time", throughput)
    for one in everything.ranked:
        if beyond_bounds(admitted[one.name], question) is not None:
            assert isinstance(judged(one, question), RuledOut)


def test_pruning_leaves_the_same_and_spares_simulations(everything):
    question = _question(everything, 1.3, 1e3)
    whole, pruned = Kept(), Kept()
    plans = [
        planned(scenario(), CHOICES, COUNTS, question, run, prune) for run, prune in ((whole, False), (pruned, True))
    ]
    assert _names(plans[0].ranked) == _names(plans[1].ranked)
    assert _names(plans[0].front) == _names(plans[1].front)
    assert 0 < len(pruned.outcomes) < len(whole.outcomes)
    assert {one.by for one in plans[0].ruled_out} == {"simulation"}


@given(_SHARES, _SHARES, st.floats(1.0, 3.0), st.floats(1.0, 3.0), _OBJECTIVES)
def test_looser_limits_never_make_the_best_worse(everything, deadline, budget, later, richer, objective):
    tight = _under(everything, _question(everything, deadline, budget, objective))
    loose = _under(everything, _question(everything, deadline * later, budget * richer, objective))
    assert set(_names(tight.ranked)) <= set(_names(loose.ranked))
    if tight.best is not None:
        assert comparable(loose.best.figure(objective)) <= comparable(tight.best.figure(objective))


@given(_SHARES, _SHARES, _OBJECTIVES)
def test_everything_is_ranked_or_ruled_out_and_what_is_ranked_keeps_the_limits(everything, deadline, budget, objective):
    question = _question(everything, deadline, budget, objective)
    found = _under(everything, question)
    names = _names(found.ranked) + [one.candidate.name for one in found.ruled_out]
    assert sorted(names) == sorted(_names(everything.ranked))
    assert all(one.time <= question.deadline and one.cost <= question.budget for one in found.ranked)
    assert found.best is None or any(found.on_front(one) for one in found.ranked)


@pytest.mark.parametrize("name", [name for name in algorithm_names() if name != "chip-partition"])
def test_no_simulation_beats_the_bound(name):
    one = admit(candidate(scenario(), Family("pcie-8gpu-2s", name, 16), 1), Question(WORK))
    assert isinstance(one, Admitted)
    result = simulate(one.simulation.scenario.override({"workload.steps": 6}))
    assert 0 < one.least_step * 6 <= result.time


@pytest.mark.parametrize("name", [name for name in algorithm_names() if name not in ("chip-partition", "diloco")])
def test_short_runs_tell_the_time_of_long_ones(name):
    # ad-psgd meets partners at random, threads at a master meet as they come: those settle on average only.
    allowed = 0.08 if name == "ad-psgd" else 0.02
    base, family = scenario(**{"cluster.workers": None}), Family("m40x4", name, 16)
    found = planned(base, Choices(("m40x4",), (name,), (16,)), [1], Question(Work(100 * 4 * 16, "")), Kept()).best
    whole = simulate(candidate(base, family, 1).scenario.override({"workload.steps": 100}))
    assert found.simulated_steps < found.steps == 100
    assert found.time == pytest.approx(whole.time, rel=allowed)


@pytest.mark.parametrize("share", [0.2, 0.4, 1.1])
def test_the_smallest_meets_the_deadline_and_one_less_does_not(everything, kept, share):
    alone = next(one for one in everything.ranked if one.name == "1 × dgx1-p100, ddp-msgd, batch 16")
    question = Question(WORK, share * alone.time)
    evaluator = Evaluator(question, kept)
    family = Family("dgx1-p100", "ddp-msgd", 16)
    found = smallest_of_each(scenario(), [family], NodeCounts((1, 8), smallest=True), evaluator)
    will_do = [one.nodes for one in found if isinstance(one, Configuration)]
    every = planned(scenario(), Choices(("dgx1-p100",), ("ddp-msgd",), (16,)), range(1, 9), question, kept)
    fewest = min(one.nodes for one in every.ranked)
    assert min(will_do) == fewest
    others = {one.candidate.nodes: one.kind for one in found if isinstance(one, RuledOut)}
    assert fewest == 1 or others[fewest - 1] == "deadline"


def test_a_global_batch_is_divided_or_ruled_out(kept):
    choices = Choices(("dgx1-p100",), ("sync-sgd",), (16,), global_batch=128)
    found = planned(scenario(), choices, (1, 2, 3), Question(WORK), kept)
    assert {one.nodes: one.candidate.batch_size for one in found.ranked} == {1: 16, 2: 8}
    (other,) = found.ruled_out
    assert (other.candidate.nodes, other.kind) == (3, "batch")
    assert "128" in other.reason
    assert "24" in other.reason


def test_reasons_come_with_their_numbers(kept):
    base = scenario(**{"workload.network": "vgg-16", "workload.dataset": "imagenet", "prices": None})
    choices = Choices(("k80-fdr", "h100x4-ib"), ("sync-sgd",), (8, 4096))
    found = planned(base, choices, (1, 10_000), Question(WORK, deadline=1e-6, budget=1.0), kept)
    reasons = {(one.candidate.system, one.candidate.nodes, one.candidate.batch_size): one for one in found.ruled_out}
    assert not found.ranked
    memory = reasons["k80-fdr", 1, 4096]
    assert memory.kind == "memory"
    assert "4096 samples a worker needs" in memory.reason
    assert "largest batch that fits" in memory.reason
    nodes = reasons["k80-fdr", 10_000, 8]
    assert nodes.kind == "nodes"
    assert nodes.reason.endswith("got 10000")
    late = reasons["k80-fdr", 1, 8]
    assert (late.kind, late.by) == ("deadline", "bound")


def test_a_budget_needs_a_price():
    base = scenario(prices=None)
    choices = Choices(("dgx1-p100",), ("sync-sgd",), (16,))
    family = Family("dgx1-p100", "sync-sgd", 16)
    priced = admit(candidate(base, family, 1), Question(WORK)).simulation.node_price
    found = planned(base, choices, (1,), Question(WORK, budget=1e9), Kept())
    kinds = [one.kind for one in found.ruled_out]
    assert kinds == ([] if priced else ["price"])
    assert len(found.ranked) == (1 if priced else 0)


def test_a_price_of_ones_own_counts():
    base = scenario()
    cheap, dear = (
        plan(base, ["dgx1-p100"], "1", ["sync-sgd"], prices={"dgx1-p100": price}, jobs=1, sensitivity=False).best
        for price in ("5 USD/h", "20 USD/h")
    )
    assert dear.cost == pytest.approx(4 * cheap.cost)
    assert dear.time == cheap.time


def test_failures_lengthen_what_is_planned(kept):
    base = scenario()
    failing = base.override(
        {
            "reliability": {"mtbf": "1 h", "restart": "10 s", "checkpoint": "none", "trials": 50},
            "workload.steps": 10_000,
        }
    )
    calm = planned(failing.override({"reliability": None}), CHOICES, (1,), Question(WORK), kept)
    found = planned(failing, CHOICES, (1,), Question(WORK), kept)
    for one in found.ranked:
        (same,) = [other for other in calm.ranked if other.name == one.name]
        assert one.training_time == pytest.approx(same.time)
        assert one.time == one.reliability["expected_time_s"] > one.training_time


def test_throughput_as_a_target(everything):
    rates = sorted(one.throughput for one in everything.ranked)
    found = plan(scenario(), SYSTEMS, COUNTS, ALGORITHMS, target=f"throughput={rates[-2]}", jobs=1, sensitivity=False)
    assert {one.throughput for one in found.ranked} == {rate for rate in rates if rate >= rates[-2]}
    assert {one.kind for one in found.ruled_out} == {"throughput"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"systems": ["dgx1-p10"]}, "unknown system"),
        ({"algorithms": ["sync-sdg"]}, "unknown algorithm"),
        ({"algorithms": ["sync-sgd:periood=2"]}, "unknown option of sync-sgd"),
        ({"systems": ["dgx1-p100", "dgx1-p100"]}, "systems: dgx1-p100 is there twice"),
        ({"systems": []}, "systems: expected at least one"),
        ({"batch_sizes": [0]}, "batch sizes: expected at least 1"),
        ({"batch_sizes": [8], "global_batch": 8}, "exclude one another"),
        ({"nodes": "1..4:smallest"}, "needs a deadline"),
        ({"target": "accuracy=0.9"}, "learning: missing"),
        ({"prices": {"dgx2": "1 USD/h"}}, "unknown system with a price 'dgx2'"),
        ({"objective": "speed"}, "unknown objective"),
        ({"algorithms": ["sync-sgd:"]}, "expected NAME or NAME:OPTION=VALUE"),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=f"^[^\n]*{message}[^\n]*$"):
        plan(scenario(), jobs=1, **changes)


def test_what_is_wrong_with_every_configuration_is_wrong_with_the_scenario():
    with pytest.raises(InputError, match=r"^small: workload.network: unknown network"):
        plan(scenario(**{"workload.network": "lenett"}), nodes="1..4", work="samples=1e6", jobs=1)
    with pytest.raises(InputError, match="unknown precision 'fp17'"):
        plan(scenario(**{"workload.precision": "fp17"}), nodes="1", work="samples=1e6", jobs=1)


def test_the_table_of_the_scenario_is_taken_where_nothing_is_said():
    table = {"systems": ["dgx1-v100"], "nodes": "2", "algorithms": ["ddp-msgd"], "work": "samples=5e4"}
    found = plan(scenario(plan=table), jobs=1, sensitivity=False)
    (one,) = found.ranked
    assert one.name == "2 × dgx1-v100, ddp-msgd, batch 16"
    assert found.question.work.samples == 5e4
    other = plan(scenario(plan=table), nodes="1", jobs=1, sensitivity=False)
    assert isinstance(other.best, Configuration)
    assert other.best.nodes == 1


@pytest.mark.parametrize("key", ["deadline", "budget", "work", "target", "objective"])
def test_what_is_said_to_be_nothing_is_not_taken_from_the_table(key):
    table = {"deadline": "1 h", "budget": "5", "work": "samples=5e4", "target": "throughput=1", "objective": "energy"}
    with pytest.raises(InputError, match=f"^{key}: "):
        plan(scenario(plan=table), nodes="1", jobs=1, **{key: ""})


def test_prices_of_systems_that_are_not_tried_are_left_in_the_table():
    table = {"systems": ["dgx1-p100", "dgx1-v100"], "prices": {"dgx1-p100": "7 USD/h", "dgx1-v100": "9 USD/h"}}
    found = plan(scenario(plan=table), ["dgx1-p100"], "1", jobs=1, sensitivity=False)
    (one,) = found.ranked
    assert one.cost == pytest.approx(7 * one.time / 3600)


def test_training_until_an_accuracy():
    learning = {"data": "synthetic:classes=2,shape=1x4x4,samples=256", "model": "softmax", "evaluate_every": 4}
    base = scenario(learning=learning, **{"workload.steps": 40})
    found = plan(base, ["dgx1-p100"], "1,2", ["sync-sgd"], target="accuracy=0.6", jobs=1, sensitivity=False)
    for one in found.ranked:
        assert one.time == one.result["learning"]["reached_at_s"]
    missed = plan(base, ["dgx1-p100"], "1", ["sync-sgd"], target="accuracy=1.0", jobs=1, sensitivity=False)
    assert found.ranked
    assert all(one.kind == "accuracy" for one in missed.ruled_out)
