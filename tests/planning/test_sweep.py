"""Sweeps as rows: what each point gives, intervals over seeds, efficiency, and the same from the command line."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path

import pytest
from study_cases import quick

import simulator
from simulator.errors import InputError
from simulator.planning.axes import latin_hypercube, parse_vary
from simulator.planning.replicates import interval
from simulator.planning.scaling import efficiencies
from simulator.simulation import simulate

pandas = pytest.importorskip("pandas", reason="DataFrames need pandas, the extra 'notebook'")


def test_a_row_is_what_its_point_gives_alone():
    base = quick(**{"simulation.jitter": 0.0})
    study = simulator.sweep(base, {"cluster.workers": [1, 4], "workload.batch_size": [16, 64]}, jobs=1)
    assert [(row["cluster.workers"], row["workload.batch_size"]) for row in study.rows()] == [
        (1, 16),
        (1, 64),
        (4, 16),
        (4, 64),
    ]
    for row in study.rows():
        alone = simulate(base.override({key: row[key] for key in study.keys}))
        assert row["time_s"] == alone.time
        assert row["throughput_samples_per_s"] == alone.throughput
        assert row["energy_j"] == alone.energy
        assert row["memory_bytes"] == alone.memory[0].needed
        assert row["bounded_by"] == alone.bounded_by[0]
        assert row["time_s_half_width"] is None


def test_replicates_are_seeds_upwards_and_give_student_s_interval():
    base = quick(**{"simulation.seed": 7})
    study = simulator.sweep(base, {"cluster.workers": [2]}, replicates=4, jobs=1)
    times = [simulate(base.override({"cluster.workers": 2, "simulation.seed": 7 + n})).time for n in range(4)]
    expected = interval(times)
    (row,) = study.rows()
    assert (row["replicates"], row["time_s"], row["time_s_half_width"]) == (4, expected.mean, expected.half_width)
    assert expected.half_width > 0


def test_efficiency_is_throughput_a_worker_over_that_of_the_fewest_all_else_equal():
    axes = {"algorithm.name": ["sync-sgd", "original-easgd:overlap=false"], "cluster.workers": [4, 1, 2]}
    rows = simulator.sweep(quick(), axes, jobs=1).rows()
    for name in axes["algorithm.name"]:
        series = {row["workers"]: row for row in rows if row["algorithm.name"] == name}
        for workers, row in series.items():
            a_worker = row["throughput_samples_per_s"] / workers
            assert row["efficiency"] == pytest.approx(a_worker / series[1]["throughput_samples_per_s"])
    assert {row["efficiency"] for row in simulator.sweep(quick(), {"workload.batch_size": [1, 2]}, jobs=1).rows()} == {
        None
    }


def test_what_is_tied_to_a_count_does_not_divide_its_series():
    axes = {"cluster.workers": [1, 2, 4], "workload.batch_size": [64, 32, 16]}
    rows = simulator.sweep(quick(), axes, tied=[tuple(axes)], jobs=1).rows()
    assert [(row["cluster.workers"], row["workload.batch_size"]) for row in rows] == [(1, 64), (2, 32), (4, 16)]
    assert rows[0]["efficiency"] == 1.0
    assert all(0 < row["efficiency"] < 1 for row in rows[1:])


def test_rows_without_a_result_have_no_efficiency_and_are_nobody_s_measure():
    one, two = ({"workers": interval([n]), "throughput_samples_per_s": interval([100.0 * n])} for n in (2.0, 4.0))
    points = [{"cluster.nodes": nodes} for nodes in (1, 2, 4)]
    assert efficiencies([(points[0], {}), (points[1], one), (points[2], two)]) == [None, 1.0, 1.0]


def test_points_that_are_refused_are_rows_that_say_so():
    study = simulator.sweep(quick(), {"workload.batch_size": [64, 10**8]}, jobs=1)
    fits, not_fitting = study.rows()
    assert (fits["status"], not_fitting["status"]) == ("done", "infeasible")
    assert "the largest batch that fits" in not_fitting["message"]
    assert not_fitting["time_s"] is None
    frame = study.to_frame()
    assert list(frame["status"]) == ["done", "infeasible"]
    assert math.isnan(frame["time_s"][1])
    json.dumps(study.to_dict(), allow_nan=False)


def test_a_sample_of_points():
    axes = [parse_vary("cluster.workers=1..4", sampled=True), parse_vary("simulation.jitter=0.0..0.3", sampled=True)]
    points = latin_hypercube(axes, 12)
    study = simulator.sweep(quick(), points=points, jobs=1)
    assert [{key: row[key] for key in study.keys} for row in study.rows()] == points
    assert isinstance(study.to_frame(), pandas.DataFrame)


def test_a_store_may_be_given_as_a_file(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    first = simulator.sweep(quick(), {"cluster.workers": [1, 2]}, store=path, jobs=1)
    more = simulator.sweep(quick(), {"cluster.workers": [1, 2, 3]}, store=str(path), jobs=1)
    assert (more.progress.found, more.progress.simulated) == (2, 1)
    assert [row["time_s"] for row in more.rows()[:2]] == [row["time_s"] for row in first.rows()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "what to vary, or the points"),
        ({"vary": {"a.b": [1]}, "points": [{"a.b": 1}]}, "what to vary, or the points"),
        ({"points": []}, "at least one point"),
        ({"vary": {"cluster.workers": []}}, "at least one value"),
        ({"points": [{"cluster.workers": 1}, {"cluster.nodes": 1}]}, "the same keys at every point"),
        ({"vary": {"cluster.workerss": [1, 2]}}, "unknown key; did you mean 'workers'?"),
        ({"vary": {"cluster.workers": [1, 0]}}, "cluster.workers: input should be greater than or equal to 1"),
        ({"vary": {"simulation.seed": [1, 2]}, "replicates": 2}, "is varied, and by replicates too"),
    ],
)
def test_a_wrong_study_is_refused_before_it_begins(options, expected):
    with pytest.raises(InputError) as caught:
        simulator.sweep(quick(), jobs=1, progress=lambda state: pytest.fail("began"), **options)
    assert expected in str(caught.value)


def test_a_wrong_base_is_refused_before_the_study_begins():
    base = quick(**{"workload.network": "lennet"})
    with pytest.raises(InputError, match="unknown network 'lennet'"):
        simulator.sweep(base, {"cluster.workers": [1, 2]}, jobs=1)
    assert simulator.sweep(base, {"workload.network": ["lenet"]}, jobs=1).rows()[0]["status"] == "done"


SWEEP = ("sweep", "m40x4-lenet", "--set", "workload.steps=2", "--jobs", 1)


def test_the_command_prints_the_table_and_writes_json_csv_and_a_plot(tmp_path: Path, clustersim):
    outputs = [
        f"--{kind}={tmp_path / name}" for kind, name in (("json", "s.json"), ("csv", "s.csv"), ("plot", "s.svg"))
    ]
    vary = ["--vary", "cluster.workers=1..4*2", "--vary", "algorithm.name=sync-sgd,original-easgd:overlap=false"]
    code, out, error = clustersim(*SWEEP, *vary, "--set", "simulation.jitter=0.1", "--replicates", 2, *outputs)
    assert code == 0
    for text in ("lenet on 1 × m40x4", "original-easgd:overlap=false", "efficiency", "±", "samples/s"):
        assert text in out
    assert "12 different points: 12 simulated in" in error
    document = json.loads((tmp_path / "s.json").read_text())
    assert document["schema"] == "clustersim/study/1"
    assert document["keys"] == ["cluster.workers", "algorithm.name"]
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["time_s"]) for row in rows] == [row["time_s"] for row in document["rows"]]
    assert len(rows) == 6
    drawing = (tmp_path / "s.svg").read_text()
    assert "sync-sgd" in drawing
    assert "ideal" in drawing


def test_json_alone_on_standard_output(clustersim):
    code, out, _ = clustersim(*SWEEP, "--vary", "cluster.workers=1,2", "--json", "-")
    assert code == 0
    assert len(json.loads(out)["rows"]) == 2


def test_points_without_a_result_are_named_below_the_table(clustersim):
    code, out, error = clustersim(*SWEEP, "--vary", "cluster.workers=2,8", "--vary", "workload.batch_size=8")
    assert code == 0
    assert "infeasible: workers=8, batch_size=8: " in out
    assert "1 infeasible" in error


def test_replicates_that_cannot_differ_are_said_to_be_equal(clustersim):
    _, out, _ = clustersim(*SWEEP, "--vary", "cluster.workers=2", "--replicates", 2)
    assert "nothing in these scenarios is random" in out


@pytest.mark.parametrize(
    ("varied", "text"),
    [
        (["cluster.workers=1,2"], "throughput a worker"),
        (["workload.batch_size=1..64*2", "algorithm.name=sync-sgd,async-sgd"], "workload.batch_size"),
        (["algorithm.name=sync-sgd,async-sgd"], "async-sgd"),
    ],
    ids=["scaling", "curves", "bars"],
)
def test_each_kind_of_study_has_its_figure(tmp_path: Path, clustersim, varied, text):
    path = tmp_path / "s.svg"
    code, _, _ = clustersim(*SWEEP, *(part for vary in varied for part in ("--vary", vary)), "--plot", path)
    assert code == 0
    assert text in path.read_text()


def test_a_sample_has_a_panel_for_each_key(tmp_path: Path, clustersim):
    path = tmp_path / "s.svg"
    vary = ["--vary", "workload.batch_size=1..512:log", "--vary", "simulation.jitter=0.0..0.3"]
    code, out, _ = clustersim(*SWEEP, "--sample", 10, *vary, "--plot", path)
    assert code == 0
    assert "simulation.jitter" in path.read_text()
    assert len(out.splitlines()) >= 14


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--vary", "cluster.workers=1,2", "--jobs", "2", "--dask", "tcp://a:1"], "--jobs and --dask exclude"),
        (["--vary", "cluster.workers=1,2", "--sample-seed", "2"], "only with --sample"),
        (["--vary", "cluster.workers=1,2", "--set", "cluster.workers=3"], "cluster.workers: is set and varied"),
        (["--vary", "simulation.seed=1,2", "--seed", "3"], "simulation.seed: is set and varied"),
        (["--vary", "a=1..4", "--vary", "b=1..4", "--zip", "a,b", "--sample", "3"], "--zip and --sample exclude"),
        (["--vary", "cluster.workers=1,2", "--zip", "cluster.nodes,cluster.workers"], "cluster.nodes is not varied"),
        (["--vary", "simulation.jitter=0.0..0.3"], "expected a step"),
        (["--vary", "cluster.workers=1,2", "--vary", "cluster.workers=3"], "is varied twice"),
        (["--vary", "cluster.workers=1,2", "--plot", "s.docx"], "ends in .svg"),
        (["--vary", "cluster.workers=1,2", "--out", "/dev/null/study"], "cannot be made a folder"),
        (["--vary", "cluster.workers=1,2", "--csv", "none/s.csv"], "cannot be written"),
        (["--vary", "cluster.workers=1,2", "--csv", "s.txt", "--json", "./s.txt"], "is to be written twice"),
        (["--vary", "algorithm.name=sync-sgd,nope"], "algorithm.name: unknown algorithm 'nope'"),
        (["--vary", "algorithm.name=sync-sgd,sync-sgd:foo=1"], "unknown option of sync-sgd 'foo'"),
        (["--vary", "algorithm.name=sync-sgd:"], "expected NAME or NAME:OPTION=VALUE"),
        (["--vary", "cluster.system=m40x4,m41x4"], "cluster.system: unknown system profile 'm41x4'"),
        (["--vary", "workload.network=lenet,lenett"], "workload.network: unknown network 'lenett'"),
        (["--vary", "workload.dataset=mnist,minst"], "workload.dataset: unknown dataset 'minst'"),
    ],
)
def test_wrong_requests_are_one_line(options, expected, clustersim):
    code, out, error = clustersim("sweep", "m40x4-lenet", *options)
    assert (code, out) == (2, "")
    assert expected in error
    assert error.count("\n") == 1


def test_a_study_is_not_overwritten_by_what_is_written_of_it(tmp_path: Path, clustersim):
    study = [*SWEEP, "--vary", "cluster.workers=1,2", "--out", tmp_path]
    assert clustersim(*study)[0] == 0
    for option in ("--csv", "--json"):
        code, _, error = clustersim(*study, option, tmp_path / "points.sqlite")
        assert code == 2
        assert "points.sqlite: is to be written twice" in error
    assert "2 found in the store" in clustersim(*study)[2]


def test_outputs_may_share_what_is_no_file(clustersim):
    assert clustersim(*SWEEP, "--vary", "cluster.workers=1", "--csv", os.devnull, "--json", os.devnull)[0] == 0


def test_a_study_without_any_result_has_not_worked(tmp_path: Path, clustersim):
    modes = [*SWEEP, "--vary", "cluster.memory_mode=flat,cache", "--csv", tmp_path / "rows.csv"]
    code, out, error = clustersim(*modes)
    assert code == 1
    assert "m40 has no memory modes" in out
    assert error.splitlines()[-1] == "clustersim: every point failed: there is no result"
    assert (tmp_path / "rows.csv").read_text().count("failed") == 2
    assert clustersim(*SWEEP, "--vary", "cluster.workers=8,16")[0] == 0  # infeasible is an answer
