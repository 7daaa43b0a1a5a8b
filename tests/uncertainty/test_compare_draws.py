"""`clustersim compare --draws`: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json

import pytest

QUICK = ("compare", "m40x4-lenet", "--set", "workload.steps=5", "--algorithms", "sync-easgd3,sync-sgd")


def test_it_says_who_beats_whom_and_how_often(clustersim, tmp_path):
    path = tmp_path / "c.json"
    options = ("--draws", "20", "--model-error", "5%", "--jobs", "1", "--json", str(path))
    code, out, _ = clustersim(*QUICK, *options)
    assert code == 0
    assert "how sure: 20 draws" in out
    document = json.loads(path.read_text())
    sure = document["certainty"]
    assert sure["schema"] == "clustersim/draws/1"
    first, second = (each["name"] for each in sure["ranking"])
    assert f"{first} beats {second} in {round(sure['beats'][first][second] * 20)} of 20 draws" in out
    assert sum(each["best"] for each in sure["ranking"]) == pytest.approx(1.0)
    assert document["schema"] == "clustersim/comparison/1"


def test_json_alone_goes_to_standard_output(clustersim):
    code, out, _ = clustersim(*QUICK, "--draws", "3", "--model-error", "0.05", "--jobs", "1", "--json", "-")
    assert code == 0
    assert json.loads(out)["certainty"]["draws"] == 3


def test_jitter_is_something_to_draw(clustersim):
    code, out, _ = clustersim(*QUICK, "--set", "simulation.jitter=0.1", "--draws", "4", "--jobs", "1")
    assert code == 0
    assert "± chance" in out
    assert "no calibration" in out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--draws", "10"), "clustersim calibrate"),
        (("--draws", "10", "--model-error", "lots"), "expected a share such as 5%"),
        (("--draws", "10", "--model-error", "500%"), "expected a share such as 5%"),
        (("--model-error", "5%"), "only with --draws"),
        (("--draws", "1", "--model-error", "5%"), "--draws"),
        (("--jobs", "2"), "--draws"),
        (("--draws", "5", "--until", "accuracy=0.9"), "--replicates"),
        (("--draws", "5", "--model-error", "5%", "--algorithms", "sync-sgd,sync-sgd"), "called 'sync-sgd'"),
    ],
    ids=["nothing", "words", "much", "error alone", "one draw", "jobs alone", "until", "names"],
)
def test_wrong_requests_are_one_line(options, expected, clustersim):
    code, out, error = clustersim(*QUICK, *options)
    assert code == 2
    assert expected in error
    assert error.count("\n") == 1
    assert out == ""
