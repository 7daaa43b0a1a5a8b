"""clustersim calibrate: tables, files and JSON of a calibration, and one line for what cannot be."""

from __future__ import annotations

import json
import re

import pytest

from simulator.calibration.overlay import load_overlay
from simulator.scenario import Scenario
from simulator.simulation import simulate
from simulator.trace.chrome import write_trace

FIT = "compute.scale,compute.fixed,overhead.peer,jitter"


@pytest.fixture(scope="module")
def traces(lenet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    paths = []
    for batch in (32, 256):
        scenario = lenet.override({"workload.batch_size": batch, "simulation.jitter": 0.05})
        calibrated = scenario.override({"calibration.parameters": {"compute.scale": 1.2, "overhead.peer": 1.2e-5}})
        paths.append(folder / f"batch-{batch}.json")
        write_trace(simulate(calibrated).trace, paths[-1])
    return paths


def test_a_calibration_from_traces_to_a_prediction(clustersim, traces, tmp_path):
    out, plot, document = tmp_path / "box.toml", tmp_path / "residuals.svg", tmp_path / "calibration.json"
    code, printed, err = clustersim(
        "calibrate", *traces, "--fit", FIT, "--out", out, "--plot", plot, "--json", document, "--starts", 2
    )
    assert code == 0, err
    for words in ("compute.scale", "standard error", "strongest correlation", "degrees of freedom", "model's own"):
        assert words in printed
    overlay = load_overlay(out)
    assert (overlay.name, overlay.system) == ("box", "m40x4")
    assert overlay.values["compute.scale"] == pytest.approx(1.2, rel=0.05)
    assert overlay.values["jitter.compute"] == pytest.approx(0.05, rel=0.3)
    assert [source.file for source in overlay.traces] == [path.name for path in traces]
    assert plot.read_text().startswith("<?xml")
    written = json.loads(document.read_text())
    assert written["schema"] == "clustersim/calibration/1"
    assert written["overlay"]["parameters"]["compute.scale"]["value"] == overlay.values["compute.scale"]
    assert {"measured_s", "before_s", "after_s", "part", "file"} <= written["observations"][0].keys()

    code, printed, _ = clustersim(
        "run", "m40x4-lenet", "--set", "workload.steps=8", "--set", f"calibration.overlay={out}"
    )
    assert code == 0
    assert "with 90%)" in printed
    assert "uncertainty" in printed
    code, printed, _ = clustersim(
        "run", "m40x4-lenet", "--set", "workload.steps=8", "--set", f"calibration.overlay={out}", "--no-interval"
    )
    assert "with 90%)" not in printed


def test_the_same_files_and_seed_give_the_same_overlay(clustersim, traces, tmp_path):
    for name in ("a.toml", "b.toml"):
        assert clustersim("calibrate", *traces, "--fit", FIT, "--out", tmp_path / name, "--seed", 3)[0] == 0
    first, second = ((tmp_path / name).read_text().splitlines() for name in ("a.toml", "b.toml"))
    assert [line for line in first if "name =" not in line] == [line for line in second if "name =" not in line]


def test_tables_need_a_scenario(clustersim, tmp_path):
    table = tmp_path / "steps.csv"
    table.write_text("devices,batch_size,step_time_s\n1,64,0.001\n2,64,0.0012\n4,64,0.0013\n")
    code, _, err = clustersim("calibrate", table, "--out", tmp_path / "out.toml")
    assert code == 2
    assert "steps.csv: holds times but not what was run; name its scenario with --scenario" in err
    code, printed, err = clustersim(
        "calibrate", table, "--scenario", "m40x4-lenet", "--fit", "compute.scale", "--out", tmp_path / "out.toml",
        "--starts", 1,
    )  # fmt: skip
    assert code == 0, err
    assert "step" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.json"], "missing.json: no such file"),
        (["TRACE", "--fit", "computing"], "--fit: unknown calibration parameter 'computing'"),
        (["TRACE", "--profile", "m41x4"], "unknown systems? profile 'm41x4'; did you mean 'm40x4'"),
        (["TRACE", "--profile", "dgx1-v100"], "expected the .* ranks of"),
        (["TRACE", "--plot", "residuals.txt"], "residuals.txt: expected a file name that ends in"),
    ],
    ids=["missing", "group", "profile", "other-profile", "plot"],
)
def test_what_cannot_be_is_said_in_one_line(arguments, message, clustersim, traces, tmp_path):
    given = [traces[0] if argument == "TRACE" else argument for argument in arguments]
    code, out, err = clustersim("calibrate", *given, "--out", tmp_path / "out.toml")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert re.search(message, err), err
    assert not (tmp_path / "out.toml").exists()


def test_an_output_in_no_folder_is_refused_before_work(clustersim, traces, tmp_path):
    code, _, err = clustersim("calibrate", traces[0], "--out", tmp_path / "nowhere" / "out.toml")
    assert code == 2
    assert "there is no folder" in err


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("m40x4-lenet", {"what_if": {"device.m40.compute": 2.0}}, "what_if: an overlay is of the machine as it is"),
        (
            "ethernet-resnet50",
            {"cluster.nodes": 2, "background.load": 0.1},
            "background: what others on the machine cost would be taken for slow links",
        ),
    ],
    ids=["what-if", "background"],
)
def test_another_machine_and_other_jobs_are_not_fitted_to(name, changes, message, clustersim, tmp_path):
    write_trace(simulate(Scenario.load(name, {"workload.steps": 4, **changes})).trace, tmp_path / "trace.json")
    code, out, err = clustersim("calibrate", tmp_path / "trace.json", "--out", tmp_path / "out.toml")
    assert (code, out) == (2, "")
    assert f"trace.json: {message}" in err
    assert err.count("\n") == 1
