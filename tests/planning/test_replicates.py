"""Replicates: intervals by the book, results independent of processes, tables and plots of what came out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulator import cli
from simulator.errors import InfeasibleError, InputError
from simulator.planning.replicates import interval, run_replicates, time_to_accuracy
from simulator.planning.store import ResultStore
from simulator.simulation import load

QUICK = {
    "learning.data": "synthetic:classes=3,shape=1x4x4,samples=300,noise=0.2",
    "learning.model": "softmax",
    "learning.learning_rate": 0.5,
    "learning.target_accuracy": 0.8,
    "learning.evaluate_every": 2,
    "workload.steps": 60,
}


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30))
def test_intervals_are_student_s(values):
    found = interval(values)
    error = stats.sem(values) if len(set(values)) > 1 else 0.0
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert found.half_width == pytest.approx(stats.t.ppf(0.975, len(values) - 1) * error, abs=1e-7)


def test_one_value_has_no_interval_and_none_has_no_mean():
    assert math.isnan(interval([3.0]).half_width)
    assert math.isnan(interval([]).mean)


def scenarios():
    return [(name, load("m40x4-digits", **QUICK, **{"algorithm.name": name})) for name in ("sync-sgd", "async-sgd")]


def test_replicates_are_seeds_from_the_scenario_s_upwards_and_are_kept(tmp_path: Path):
    seen: list[int] = []
    with ResultStore(tmp_path / "runs.sqlite") as store:
        first = run_replicates(scenarios(), 2, jobs=1, finished=lambda name, done: seen.append(done), store=store)
        again = run_replicates(scenarios(), 2, jobs=1, store=store)
        assert len(store) == 4
    assert seen == [1, 2, 3, 4]
    assert [result["seed"] for result in first["sync-sgd"]] == [0, 1]
    assert again == first


def test_a_run_without_a_result_says_why():
    too_large = load("m40x4-digits", **{**QUICK, "workload.batch_size": 10**8})
    with pytest.raises(InfeasibleError, match="the largest batch that fits"):
        run_replicates([("too large", too_large)], 1, jobs=1)


def test_runs_of_one_name_are_refused():
    (name, scenario), _ = scenarios()
    with pytest.raises(InputError, match="the same name"):
        run_replicates([(name, scenario), (name, scenario)], 1)


def test_replicates_that_fall_short_are_counted_and_left_out_of_the_mean():
    noisy = "synthetic:classes=3,shape=1x4x4,samples=300,noise=3.0"
    short = load("m40x4-digits", **{**QUICK, "workload.steps": 2, "learning.data": noisy})
    results = run_replicates([("short", short)], 2, jobs=1)["short"]
    row = time_to_accuracy("short", 0.8, results)
    assert (row.reached, row.replicates) == (0, 2)
    assert math.isnan(row.times.mean)
    assert row.best_accuracy.mean < 0.8


def test_the_command_prints_intervals_and_draws_curves(tmp_path: Path, capsys):
    settings = [argument for key, value in QUICK.items() for argument in ("--set", f"{key}={value}")]
    plot, result = tmp_path / "curves.svg", tmp_path / "r.json"
    methods = ["--algorithms", "sync-sgd,hogwild-sgd", "--until", "accuracy=0.8", "--replicates", "2"]
    outputs = ["--jobs", "1", "--plot", str(plot), "--json", str(result)]
    with pytest.raises(SystemExit) as caught:
        cli.main(["compare", "m40x4-digits", *settings, *methods, *outputs])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for text in ("sync-sgd", "hogwild-sgd", "±", "2/2", "lost updates", "times of lenet"):
        assert text in out
    assert "sync-sgd" in plot.read_text()
    document = json.loads(result.read_text())
    assert [row["replicates"] for row in document["rows"]] == [2, 2]
    assert document["rows"][0]["time_s"]["mean"] > 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["compare", "m40x4-digits", "--until", "accuracy=2"], "accuracy=A with 0 < A <= 1"),
        (["compare", "m40x4-digits", "--until", "loss=0.1"], "accuracy=A with 0 < A <= 1"),
        (["compare", "m40x4-lenet", "--until", "accuracy=0.9"], "needs a scenario that learns"),
        (["compare", "m40x4-digits", "--replicates", "3"], "only with --until"),
        (["compare", "m40x4-digits", "--algorithms", "sync-sgd", "--vary", "algorithm.name=ssp"], "varied twice"),
    ],
)
def test_wrong_requests_are_one_line(arguments, expected, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert expected in error
    assert error.count("\n") == 1
