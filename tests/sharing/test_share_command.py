"""``clustersim share``: its table, JSON, trace and plot, and one line for what it cannot do."""

from __future__ import annotations

import json

import pytest

from simulator import share
from simulator.sharing.share import SHARING_SCHEMA
from simulator.simulation import load
from simulator.trace.chrome import read_trace

QUICK = ["--set", "cluster.nodes=8", "--set", "workload.steps=2"]


def test_it_prints_each_job_alone_and_shared_and_the_links(clustersim, tmp_path):
    files = {name: tmp_path / name for name in ("result.json", "trace.json", "times.svg")}
    code, out, err = clustersim(
        "share", "ethernet-resnet50", "ethernet-resnet50", *QUICK, "--set", "2:workload.batch_size=16",
        "--placement", "random", "--machine-nodes", 96, "--json", files["result.json"],
        "--trace", files["trace.json"], "--plot", files["times.svg"],
    )  # fmt: skip
    assert code == 0
    for text in ("ethernet-resnet50 #1", "ethernet-resnet50 #2", "slow-down", "together:", "random"):
        assert text in out
    assert "perfetto" in err
    document = json.loads(files["result.json"].read_text())
    assert document["schema"] == SHARING_SCHEMA
    assert [job["shared"]["scenario"]["workload"]["batch_size"] for job in document["jobs"]] == [32, 16]
    for job in document["jobs"]:
        assert job["slow_down"] == pytest.approx(job["shared"]["time_s"] / job["alone"]["time_s"])
    trace = read_trace(files["trace.json"])
    assert {rank.role for rank in trace.ranks} == {"ethernet-resnet50 #1: worker", "ethernet-resnet50 #2: worker"}
    assert trace.duration == pytest.approx(document["duration_s"])
    assert files["times.svg"].read_text().lstrip().startswith("<?xml")


def test_json_on_standard_output_is_alone_there(clustersim):
    code, out, err = clustersim("share", "ethernet-resnet50", "ethernet-resnet50", *QUICK, "--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["placement"] == "packed"


def test_jobs_may_start_later_and_go_round(clustersim):
    arguments = [
        "share",
        "ethernet-resnet50",
        "ethernet-resnet50",
        *QUICK,
        "--set",
        "1:workload.steps=6",
        "--json",
        "-",
    ]
    _, out, _ = clustersim(*arguments, "--start", "2=0.5", "--repeat")
    first, second = json.loads(out)["jobs"]
    assert (first["start_s"], second["start_s"]) == (0.0, 0.5)
    assert (first["runs_ended"], second["runs_ended"] > 1) == (1, True)


def test_seeds_are_one_apart(clustersim):
    arguments = ["share", "ethernet-resnet50", "ethernet-resnet50", *QUICK, "--seed", 5, "--json", "-"]
    jobs = json.loads(clustersim(*arguments)[1])["jobs"]
    assert [job["shared"]["seed"] for job in jobs] == [5, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m40x4-lenet"], "SCENARIOS: expected two or more"),
        (["cori-vgg", "ethernet-resnet50"], "cluster.system: 'ethernet-cluster' is not the system of cori-vgg"),
        (["m40x4-lenet", "m40x4-lenet"], "1 + 1 make 2 nodes, but the system has 1"),
        (["m40x4-lenet", "m40x4-lenet", "--placement", "colocated"], "other jobs have all accelerators of the nodes"),
        (
            ["cori-vgg", "cori-vgg", "--machine-nodes", "9"],
            "--machine-nodes has an effect only with --placement random",
        ),
        (["cori-vgg", "cori-vgg", "--set", "3:cluster.nodes=2"], "there is no scenario 3; expected 1 to 2"),
        (["cori-vgg", "cori-vgg", "--set", "2:cluster.nodes"], "'cluster.nodes': expected KEY=VALUE"),
        (["cori-vgg", "cori-vgg", "--start", "3=1"], "--start 3=1: expected N=SECONDS with N from 1 to 2"),
        (["cori-vgg", "cori-vgg", "--start", "2=-1"], "--start 2=-1: expected N=SECONDS"),
        (["cori-vgg", "cori-vgg", "--start", "2=1e17"], "--start 2=1e17: expected N=SECONDS"),
        (
            ["cori-vgg", "cori-vgg", "--set", "cluster.nodes=1", "--set", "what_if.nic.latency=0.5"],
            "what_if.nic.latency: no effect here: no message crosses a link",
        ),
        (["cori-vgg", "cori-vgg", "--set", "background.load=0.1"], "background: jobs that are shared have each other"),
        (["cori-vgg", "cori-vgg", "--set", "2:network.model=alpha-beta"], "jobs share links only with 'fluid'"),
        (
            ["cori-vgg", "cori-vgg", "--set", "2:calibration.parameters={'link.aries-electrical.bandwidth' = 0.5}"],
            "cori-vgg: calibration: corrects links otherwise than cori-vgg",
        ),
        (["m40x4-digits", "m40x4-digits"], "learning: sharing compares times; set simulation.timing_only=true"),
        (["cori-vgg", "cori-vgg", "--placement", "spread"], "'spread' is not one of"),
        (["cori-vgg", "cori-vgg", "--plot", "times.gif"], "expected a file name that ends in .svg"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(clustersim, arguments, message):
    code, out, err = clustersim("share", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("clustersim: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_run_with_a_background_prints_who_was_there(clustersim):
    code, out, _ = clustersim(
        "run", "ethernet-resnet50", *QUICK, "--set", "background.load=0.2", "--set", "background.placement=interleaved"
    )
    assert code == 0
    assert "times as long as the" in out
    assert "at a load of" in out


def test_compare_feels_the_background(clustersim):
    code, out, _ = clustersim(
        "compare", "ethernet-resnet50", *QUICK, "--set", "cluster.nodes=24", "--set", "background.placement=random",
        "--set", "background.machine_nodes=96", "--vary", "background.load=0,0.5", "--json", "-",
    )  # fmt: skip
    quiet, busy = json.loads(out)["results"]
    assert code == 0
    assert busy["time_s"] > quiet["time_s"]


def test_what_is_said_of_the_machine_must_concern_one_of_the_jobs(clustersim):
    """A job on one node has no use for a better network, but is on the machine that has it."""
    code, out, err = clustersim(
        "share", "ethernet-resnet50", "ethernet-resnet50", *QUICK, "--set", "1:cluster.nodes=1",
        "--set", "what_if.nic.bandwidth=2", "--json", "-",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert [job["shared"]["nodes"] for job in json.loads(out)["jobs"]] == [1, 8]


def test_from_python():
    """The slow-down of each job, by two lines."""
    scenario = load("ethernet-resnet50", **{"cluster.nodes": 8, "workload.steps": 2})
    assert all(job.slow_down >= 1.0 - 1e-9 for job in share([scenario, scenario], "interleaved").jobs)
