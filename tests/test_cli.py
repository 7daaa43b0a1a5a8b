"""The command line: output where it belongs, exit codes, one-line errors, JSON and traces that read back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.cli.compare import COMPARISON_SCHEMA
from simulator.trace.chrome import read_trace

QUICK = ["--set", "workload.steps=3"]


def test_compare_prints_the_paper_s_columns(clustersim):
    code, out, err = clustersim("compare", "m40x4-lenet", *QUICK)
    assert (code, err) == (0, "")
    for method in ("original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3"):
        assert method in out
    for column in ("gpu-gpu", "cpu-gpu", "forward/", "device", "host", "comm", "speed-up"):
        assert column in out


def test_json_on_standard_output_is_alone_there(clustersim):
    code, out, err = clustersim("compare", "m40x4-lenet", *QUICK, "--json", "-")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["schema"] == COMPARISON_SCHEMA
    assert document["results"][0]["name"] == "original-easgd:overlap=false"


def test_vary_multiplies_the_runs(clustersim):
    code, out, _ = clustersim(
        "compare", "m40x4-lenet", *QUICK, "--algorithms", "sync-sgd,sync-easgd2",
        "--vary", "cluster.workers=1,2", "--vary", "workload.batch_size=16,32", "--json", "-",
    )  # fmt: skip
    names = [row["name"] for row in json.loads(out)["results"]]
    assert code == 0
    assert len(names) == 8
    assert names[0] == "sync-sgd workers=1 batch_size=16"


def test_run_writes_a_result_and_a_trace_that_read_back(clustersim, tmp_path: Path):
    trace, result = tmp_path / "t.json", tmp_path / "r.json"
    code, out, err = clustersim("run", "m40x4-lenet", *QUICK, "--seed", 3, "--trace", trace, "--json", result)
    assert code == 0
    assert "bounded by" in out
    assert str(trace) in err
    document = json.loads(result.read_text())
    assert document["seed"] == 3
    loaded = read_trace(trace)
    assert loaded.duration == document["time_s"]
    code, out, _ = clustersim("trace", trace, "--json", "-")
    assert json.loads(out)["breakdown_s"] == pytest.approx(document["breakdown_s"])


@pytest.mark.parametrize("command", ["profiles", "networks", "algorithms"])
def test_lists_print_and_give_json(clustersim, command):
    code, out, _ = clustersim(command)
    assert code == 0
    assert len(out.splitlines()) > 8
    code, out, _ = clustersim(command, "--json", "-")
    assert code == 0
    assert json.loads(out)


@pytest.mark.parametrize("name", ["m40x4", "cori-knl", "dgx1-v100", "knl-7250", "nvlink2"])
def test_one_profile_shows_numbers_with_their_sources(clustersim, name):
    code, out, _ = clustersim("profiles", name)
    assert code == 0
    assert name in out
    assert "sources" in out


def test_one_network_shows_its_layers(clustersim):
    code, out, _ = clustersim("networks", "lenet", "--json", "-")
    layers = json.loads(out)["layers"]
    assert code == 0
    assert sum(layer["parameters"] for layer in layers) == 431_080


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_systems_can_be_drawn(clustersim, tmp_path: Path, ending):
    path = tmp_path / f"m40x4.{ending}"
    code, _, err = clustersim("profiles", "m40x4", "--draw", path)
    assert code == 0, err
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "m40x4-lenett"], "did you mean 'm40x4-lenet'"),
        (["run", "none.toml"], "none.toml: no such file"),
        (["run", "m40x4-lenet", "--set", "cluster.nodes=0"], "cluster.nodes"),
        (["run", "m40x4-lenet", "--set", "workload.batch_size=-1"], "workload.batch_size"),
        (["run", "m40x4-lenet", "--set", "cluster.node=1"], "did you mean 'nodes'"),
        (["run", "m40x4-lenet", "--set", "cluster.nodes"], "KEY=VALUE"),
        (["run", "m40x4-lenet", "--seed", "-1"], "--seed"),
        (["run", "m40x4-lenet", "--bogus"], "--bogus"),
        (["rum"], "rum"),
        (["run", "m40x4-lenet", "--set", "workload.steps=1", "--json", "/nowhere/r.json"], "/nowhere/r.json"),
        (["run", "m40x4-lenet", "--set", "workload.steps=1", "--trace", "/nowhere/t.json"], "/nowhere/t.json"),
        (["compare", "m40x4-lenet", "--plot", "x.gif"], "ends in .svg, .png, .pdf"),
        (["trace", "none.json", "--plot", "x.gif"], "ends in .svg, .png, .pdf"),
        (["profiles", "m40x44"], "did you mean 'm40x4'"),
        (["profiles", "m40", "--draw", "x.svg"], "only systems can be drawn"),
        (["profiles", "m40x4", "--nodes", "2"], "expected 1 node, got 2"),
        (["networks", "lenett"], "did you mean 'lenet'"),
        (["trace", "none.json"], "none.json: no such file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(clustersim, arguments, expected):
    code, out, err = clustersim(*arguments)
    assert code == 2
    assert expected in err
    assert err.count("\n") == 1
    assert err.startswith("clustersim: ")
    assert "Traceback" not in out + err


def test_an_unwritable_output_is_found_before_the_run(clustersim, tmp_path: Path):
    code, out, _ = clustersim("run", "m40x4-lenet", *QUICK, "--json", tmp_path / "no" / "r.json")
    assert code == 2
    assert out == ""


def test_help_lists_every_command(clustersim):
    code, out, _ = clustersim("--help")
    assert code == 0
    for command in ("run", "compare", "profiles", "networks", "algorithms", "trace", "examples"):
        assert command in out


def test_text_in_brackets_is_shown_as_it_is_written(clustersim):
    """Units in headings and names of the user's own must not be taken for markup."""
    _, out, _ = clustersim("compare", "m40x4-lenet", *QUICK)
    assert "time [s]" in out
    _, out, _ = clustersim("profiles", "cori-knl")
    assert "node.links[0].latency" in out


@pytest.mark.parametrize(
    ("varied", "title"),
    [
        ("algorithm.packed=true,false", "resnet-50 on 1 × dgx1-v100, batch 64 a worker"),
        ("cluster.nodes=1,2", "resnet-50 on dgx1-v100, batch 64 a worker"),
        ("cluster.system=dgx1-v100,dgx2", "resnet-50 on 2 systems, batch 64 a worker"),
        ("workload.batch_size=32,64", "resnet-50 on 1 × dgx1-v100"),
        ("workload.network=resnet-50,resnet-18", "2 networks on 1 × dgx1-v100, batch 64 a worker"),
    ],
    ids=["common", "nodes", "systems", "batches", "networks"],
)
def test_the_title_of_a_comparison_says_what_its_runs_have_in_common(varied, title, clustersim):
    code, out, _ = clustersim("compare", "dgx1-resnet50", "--vary", varied, "--set", "workload.steps=1")
    assert code == 0
    assert out.splitlines()[0].rstrip() == title


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to write to")
@pytest.mark.parametrize(
    "arguments",
    [["examples"], ["memory", "m40x4-lenet"], ["memory", "m40x4-lenet", "--json", "-"]],
    ids=["short", "table", "json"],
)
def test_a_standard_output_that_takes_no_more_is_one_line(arguments):
    program = f"import simulator.cli; simulator.cli.main({arguments!r})"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr == "clustersim: standard output: cannot be written (No space left on device)\n"


def test_a_machine_whose_memory_is_full_is_said_in_one_line(clustersim, monkeypatch):
    def full(*arguments):
        raise MemoryError

    monkeypatch.setattr("simulator.simulation.Simulation.run", full)
    assert clustersim("run", "m40x4-lenet") == (
        1,
        "",
        "clustersim: this machine has not enough memory for what was asked\n",
    )
