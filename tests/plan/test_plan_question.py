"""Reading what a plan is asked, and saying what was found, in the units it was asked in."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from simulator.errors import InputError, UnknownNameError
from simulator.planning.question import objective_of, parse_budget, parse_deadline, parse_target
from simulator.planning.wording import budget_words, deadline_words, duration
from simulator.planning.work import Work, parse_work, work_of
from simulator.scenario import Scenario


def test_limits_with_units_and_without():
    assert parse_deadline("12h") == parse_deadline(43_200) == 43_200.0
    assert parse_budget("2000") == parse_budget("2e3") == parse_budget("2000 USD") == parse_budget(2000) == 2000.0
    assert parse_deadline(None) is None
    assert parse_budget(None) is None


@pytest.mark.parametrize("text", ["12", "0h", "-1h", "soon", "", "inf s"])
def test_deadlines_that_are_none(text):
    with pytest.raises(InputError, match=r"^deadline: [^\n]+$"):
        parse_deadline(text)


@pytest.mark.parametrize("text", ["0", "-5", "5 EUR", "cheap", "1e400", "", "nan", "1,000"])
def test_budgets_that_are_none(text):
    with pytest.raises(InputError, match=r"^budget: [^\n]+$"):
        parse_budget(text)


def test_a_limit_below_nothing_is_told_as_it_was_written():
    with pytest.raises(InputError, match=r"^budget: expected US dollars such as 2000, above 0, got '-5'$"):
        parse_budget("-5")
    with pytest.raises(InputError, match=r"^deadline: expected a time such as 12h, above 0, got '-3h'$"):
        parse_deadline("-3h")


@pytest.mark.parametrize("text", ["accuracy=1.5", "accuracy=0", "throughput=-1", "throughput=fast", "speed=1", "x"])
def test_targets_that_are_none(text):
    with pytest.raises(InputError, match=r"^target: expected [^\n]+$"):
        parse_target(text)


def test_the_objective_left_open_is_cost_where_there_is_a_deadline():
    assert (objective_of(None, None), objective_of(None, 1.0), objective_of("energy", 1.0)) == (
        "time",
        "cost",
        "energy",
    )
    with pytest.raises(UnknownNameError, match="did you mean 'energy'"):
        objective_of("energi", None)


def test_work_is_samples_whoever_does_it():
    scenario = Scenario.load("m40x4-lenet", {"workload.steps": 10, "workload.batch_size": 8})
    assert work_of(scenario).samples == 10 * 8 * 4
    epochs = scenario.override({"workload.steps": None, "workload.epochs": 3})
    assert work_of(epochs).samples == parse_work("epochs=3", scenario).samples == 3 * 60_000
    assert parse_work("samples=1e6", scenario).samples == 1e6


def test_work_of_a_batch_that_does_not_fit_is_still_known():
    scenario = Scenario.load("m40x4-alexnet", {"workload.steps": 10, "workload.batch_size": 10**6})
    assert work_of(scenario).samples == 10 * 10**6 * 4


@pytest.mark.parametrize("text", ["epochs=0", "samples=-1", "steps=5", "epochs=many", "epochs=true", "90"])
def test_work_that_is_none(text):
    with pytest.raises(InputError, match=r"^work: expected epochs=N[^\n]+$"):
        parse_work(text, Scenario.load("m40x4-lenet"))


@given(st.floats(1, 1e12), st.integers(1, 1000), st.integers(1, 1000))
def test_steps_do_the_work_and_one_less_would_not(samples, workers, batch):
    steps = Work(samples, "").steps(workers, batch)
    assert steps * workers * batch >= samples
    assert (steps - 1) * workers * batch < samples


@given(st.floats(1e-3, 1e7), st.floats(1.0000001, 1e3))
def test_what_is_above_a_limit_never_reads_as_if_it_kept_it(limit, factor):
    for words in (deadline_words(limit * factor, limit), budget_words(limit * factor, limit)):
        found, _, allowed = words.partition(" of ")
        numbers = [float(text.split()[0].replace(",", "")) for text in (found, allowed)]
        assert numbers[0] >= numbers[1] * (1 - 1e-6)


def test_durations_are_in_units_that_suit_them():
    assert [duration(seconds) for seconds in (0.25, 90, 7200, 100_000, 1e6)] == [
        "250 ms",
        "1.50 min",
        "2.00 h",
        "27.8 h",
        "11.6 d",
    ]
