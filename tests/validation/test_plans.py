"""Sizes that plans choose against sizes that were measured: by hand on made-up series, and on the published ones."""

from dataclasses import replace
from math import sqrt

import pytest

from simulator.planning.candidates import Candidate
from simulator.planning.configuration import Configuration
from simulator.scenario import Scenario
from validation.plans import findings as plans
from validation.plans.findings import answers, verdicts
from validation.plans.series import PlannedRuns, Run, Series, series_of
from validation.published.fitting import Case
from validation.published.jobs import Job, Simulated

SCENARIO = Scenario.load("m40x4-lenet")


def series(measured, predicted, fitted=(), section="Made up: here"):
    runs = []
    for place, (truth, guess) in enumerate(zip(measured, predicted, strict=True)):
        candidate = Candidate(SCENARIO, "m40x4", 1, "sync-sgd", 64)
        configuration = Configuration(candidate, 1, 1, 1.0, 1.0, 1.0, guess, None, None, None, 1, None, {})
        runs.append(Run(2**place, truth, configuration, 2**place in fitted))
    return Series(section, "net", "ring", tuple(runs))


def test_a_perfect_model_is_always_right():
    found = answers(series([10.0, 18.0, 30.0], [10.0, 18.0, 30.0]))
    assert [one.steps for one in found] == [0] * 5
    assert [one.measured for one in found] == [2, 4, 1, 2, 4]
    assert all(verdict.passed for verdict in verdicts(found))


def test_a_model_that_is_little_too_slow_is_one_size_off_only_where_there_is_no_margin():
    found = answers(series([10.0, 18.0, 30.0], [9.9, 17.8, 29.7]))
    assert [(one.way, one.steps) for one in found] == [
        ("between two sizes", 0),
        ("between two sizes", 0),
        ("as measured", 1),
        ("as measured", 1),
        ("as measured", 1),
    ]
    # Where no size reaches it, the answer is as if the next one did.
    assert found[-1].predicted == 8


def test_a_wrong_model_fails():
    found = answers(series([10.0, 18.0, 30.0], [30.0, 30.0, 30.0]))
    assert [one.steps for one in found if one.way == "between two sizes"] == [-1, -2]
    assert not any(verdict.passed for verdict in verdicts(found))


def test_answers_that_a_fit_saw_and_runs_on_real_data_are_not_judged():
    found = answers(series([10.0, 18.0], [10.0, 18.0], fitted=(2,)))
    assert [one.judged for one in found] == [False, True, False]
    read = answers(series([10.0, 18.0], [10.0, 18.0], section="Made up: here, real data"))
    assert not any(one.judged for one in read)


def test_throughput_that_does_not_grow_asks_no_question_between():
    found = answers(series([10.0, 9.0], [10.0, 9.0]))
    assert {one.way for one in found} == {"as measured"}
    assert found[-1].measured == 1


def test_questions_between_two_sizes_are_their_geometric_mean():
    assert answers(series([10.0, 40.0], [10.0, 40.0]))[0].wanted == pytest.approx(sqrt(400.0))


def test_series_are_runs_that_differ_in_size_alone():
    planned = PlannedRuns()
    planned.last = series([1.0], [1.0]).runs[0].configuration

    def case(name, **changes):
        return replace(Case("s", name, 5.0, lambda parameters: 7.0, series="ring"), **changes)

    cases = [
        case("net, 4 GPUs"),
        case("net, 1 GPU"),
        case("net, 1 GPU", series="tree"),
        case("other, 2 GPUs"),
        case("x"),
    ]
    (found,) = series_of(cases, {}, planned)
    assert [(run.size, run.configuration.throughput) for run in found.runs] == [(1, 7.0), (4, 7.0)]


def test_a_plan_makes_of_a_job_what_its_simulation_does():
    job = Job("dgx1-p100", "alexnet", 2, 16, "ddp-msgd", dataset="cifar10")
    planned = PlannedRuns()
    assert planned.step_time(job, {}) == pytest.approx(Simulated().step_time(job, {}))
    assert planned.last is not None
    assert planned.last.workers == 2


def test_without_the_tables_the_part_says_so(tmp_path):
    assert "expected the published tables" in plans.findings(tmp_path / "nowhere").missing


def test_rows_say_by_how_much_they_are_off():
    row = answers(series([10.0, 18.0, 30.0], [30.0, 30.0, 30.0]))[1].check()
    assert (row.predicted, row.measured, row.note) == (1, 4, "2 sizes too small")
    assert row.error == pytest.approx(-0.75)
