"""The tutorial's algorithm runs as it says: from a file, in time and in accuracy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from simulator import cli
from simulator.algorithms import load_algorithm
from simulator.errors import InputError
from simulator.learning import Sampler, load_data, load_learner
from simulator.randomness import stream
from simulator.simulation import load, simulate

TUTORIAL = (Path(__file__).parents[1] / "docs" / "adding-an-algorithm.md").read_text(encoding="utf-8")


@pytest.fixture
def pipe_sgd(tmp_path: Path) -> Path:
    path = tmp_path / "pipe_sgd.py"
    path.write_text(re.findall(r"```python\n(.*?)```", TUTORIAL, flags=re.DOTALL)[0], encoding="utf-8")
    return path


def test_it_is_a_short_file(pipe_sgd):
    assert len(pipe_sgd.read_text().splitlines()) < 60


def test_the_commands_shown_run(pipe_sgd, capsys, monkeypatch):
    monkeypatch.chdir(pipe_sgd.parent)
    shown = re.findall(r"```sh\n(.*?)```", TUTORIAL, flags=re.DOTALL)[0].strip().splitlines()
    for line in shown:
        name, *arguments = line.split()
        assert name == "clustersim"
        quick = ["--set", "workload.steps=400", "--set", "learning.model=mlp"] if "--until" in arguments else []
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, *quick, "--json", "-"])
        assert caught.value.code == 0
        document = json.loads(capsys.readouterr().out)
        if "--until" in arguments:
            assert [row["reached"] for row in document["rows"]] == [1, 1]
        else:
            plain, pipelined = (row["time_per_gradient_s"] for row in document["results"])
            assert pipelined < plain


def test_one_worker_is_sgd_with_a_delay_of_one_step(pipe_sgd):
    name, steps, rate, seed = "synthetic:classes=3,shape=1x4x4,samples=300,noise=0.3", 9, 0.05, 4
    data = load_data(name)
    learner = load_learner("softmax", data)
    weights, sampler = learner.initial(stream(seed, "initial weights")), Sampler(len(data.train_labels), 1, 8, seed)
    late = None
    for step in range(steps):
        chosen = sampler.indices(0, step)
        gradient = learner.gradient(weights, data.train_inputs[chosen], data.train_labels[chosen])[1]
        if late is not None:
            weights = weights - rate * late
        late = gradient
    weights = weights - rate * late
    result = simulate(
        load(
            "m40x4-digits",
            **{
                "algorithm.name": str(pipe_sgd),
                "cluster.workers": 1,
                "workload.steps": steps,
                "simulation.seed": seed,
                "learning.data": name,
                "learning.model": "softmax",
                "learning.batch_size": 8,
                "learning.learning_rate": rate,
                "learning.target_accuracy": None,
            },
        )
    )
    np.testing.assert_allclose(result.weights, weights, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("x = 1\n", "expected exactly one Algorithm, found none"),
        ("def broken(:\n", "cannot be executed: SyntaxError"),
        ("import nothing_of_that_name\n", "cannot be executed: ModuleNotFoundError"),
        ("from simulator.algorithms.sync_sgd import SYNC_SGD\n", "expected exactly one Algorithm, found none"),
        (
            "from simulator.algorithms.sync_sgd import SYNC_SGD as S\nfrom dataclasses import replace\n"
            "A, B = replace(S, name='a'), replace(S, name='b')\n",
            "found a, b",
        ),
    ],
)
def test_a_file_that_is_no_algorithm_is_one_clear_line(tmp_path: Path, content, message):
    path = tmp_path / "mine.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        load_algorithm(str(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_may_build_on_a_bundled_algorithm(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import replace\nfrom simulator.algorithms.sync_sgd import SYNC_SGD\n"
        "MINE = replace(SYNC_SGD, name='mine', collectives={'all_reduce': 'flat'})\n"
    )
    assert load_algorithm(str(path)).name == "mine"
