"""Finished runs survive a kill, are found again by content, and a damaged store is refused with its line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.planning.replicates import run_replicates
from simulator.planning.store import ResultStore, scenario_key
from simulator.scenario import Scenario
from simulator.simulation import load

QUICK = {
    "learning.data": "synthetic:classes=3,shape=1x4x4,samples=300,noise=0.5",
    "learning.model": "softmax",
    "learning.target_accuracy": 1.0,
    "learning.learning_rate": 1e-4,
    "workload.steps": 150,
}
METHODS = ("sync-sgd", "async-sgd", "hogwild-sgd")


def scenarios():
    return [(name, load("m40x4-digits", **QUICK, **{"algorithm.name": name})) for name in METHODS]


def content(results):
    return {
        name: [{key: value for key, value in result.items() if key != "simulation"} for result in found]
        for name, found in results.items()
    }


def test_a_key_is_the_content_of_the_scenario_and_nothing_else(tmp_path: Path):
    base = load("m40x4-digits")
    path = tmp_path / "copy.toml"
    path.write_text(json_to_toml(base.data))
    assert scenario_key(load(path)) == scenario_key(base)
    assert scenario_key(base.override({"simulation.seed": 1})) != scenario_key(base)
    assert scenario_key(base.override({"simulation.seed": 0})) == scenario_key(base)


def json_to_toml(data) -> str:
    lines = []
    for table, values in data.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines)


def test_what_is_stored_is_not_run_again(tmp_path: Path):
    path, ran = tmp_path / "runs.jsonl", []
    first = run_replicates(scenarios(), 2, jobs=1, store=ResultStore(path))
    again = run_replicates(scenarios(), 2, jobs=1, finished=lambda *done: ran.append(done), store=ResultStore(path))
    assert again == first
    assert ran == []
    assert len(ResultStore(path)) == 6


STUDY = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_store import scenarios
from simulator.planning.replicates import run_replicates
from simulator.planning.store import ResultStore
run_replicates(scenarios(), 4, jobs=1, store=ResultStore(Path({path!r})))
"""


def test_a_killed_study_resumes_and_ends_as_an_undisturbed_one(tmp_path: Path):
    path, root = tmp_path / "runs.jsonl", Path(__file__).parents[2]
    program = STUDY.format(tests=str(Path(__file__).parent), path=str(path))
    study = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    try:
        deadline = time.monotonic() + 60
        while study.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 3):
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        study.send_signal(signal.SIGKILL)
        study.wait()
    with path.open("a") as file:
        file.write('{"schema": "clustersim/sto')  # as if the kill had come in the middle of a line
    survived = len(ResultStore(path))
    assert 3 <= survived < 12
    ran = []
    resumed = run_replicates(scenarios(), 4, jobs=1, finished=lambda *done: ran.append(done), store=ResultStore(path))
    assert len(ran) == 12 - survived
    assert content(resumed) == content(run_replicates(scenarios(), 4, jobs=1))
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 12


@pytest.mark.parametrize("damage", ["not json\n", '{"schema": "other"}\n', "[1]\n"])
def test_a_damaged_store_is_refused_with_its_line(tmp_path: Path, damage):
    path = tmp_path / "runs.jsonl"
    path.write_text(damage)
    with pytest.raises(InputError, match="line 1 is no finished run") as caught:
        ResultStore(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_that_cannot_be_written_is_refused(tmp_path: Path):
    store = ResultStore(tmp_path / "none" / "runs.jsonl")
    with pytest.raises(InputError, match="cannot be written"):
        store.add(load("m40x4-digits"), {})


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests may have had it ignored
from simulator.cli import main
if __name__ == "__main__":
    main(sys.argv[1:])
"""


def test_an_interrupted_study_ends_at_once_in_one_line_and_keeps_what_is_finished(tmp_path: Path):
    program, store, root = tmp_path / "study.py", tmp_path / "runs.jsonl", Path(__file__).parents[2]
    program.write_text(INTERRUPTED)
    settings = [argument for key, value in QUICK.items() for argument in ("--set", f"{key}={value}")]
    command = ["compare", "m40x4-digits", *settings, "--until", "accuracy=1.0", "--replicates", "50", "--jobs", "2"]
    study = subprocess.Popen(
        [sys.executable, str(program), *command, "--algorithms", "sync-sgd", "--store", str(store)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while study.poll() is None and (not store.exists() or not store.read_bytes().count(b"\n")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        study.send_signal(signal.SIGINT)
        _, error = study.communicate(timeout=20)
    finally:
        study.kill()
    assert study.returncode == 130
    assert error.strip() == "clustersim: interrupted"
    assert len(ResultStore(store)) >= 1


def test_a_file_counts_by_what_is_in_it(tmp_path):
    system = tmp_path / "machine.toml"
    system.write_text('device = "device.toml"\n')
    (tmp_path / "device.toml").write_text("flops = 1\n")
    tables = {**load("m40x4-lenet").data, "cluster": {"system": "machine.toml"}}
    scenario = Scenario.from_dict(tables, "s", tmp_path)
    first = scenario_key(scenario)
    assert scenario_key(Scenario.from_dict(tables, "elsewhere", tmp_path)) == first
    (tmp_path / "device.toml").write_text("flops = 2\n")
    second = scenario_key(scenario)
    system.write_text('device = "device.toml" # other\n')
    assert len({first, second, scenario_key(scenario)}) == 3
