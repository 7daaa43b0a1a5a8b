"""Real processes over MPI, two ranks and a few steps: what they do is what the simulator says they do."""

import importlib.util
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict

import numpy as np
import pytest

from simulator.algorithms import algorithm_names, load_algorithm
from simulator.errors import InputError, RunError
from simulator.scenario import Scenario
from simulator.simulation import Simulation, load, simulate
from simulator.trace import breakdown
from simulator.trace.chrome import read_trace
from validation.training.recording import real_scenario, record

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None,
    reason="mpi4py is not installed: pip install 'clustersim[training]'",
)

#: Algorithms whose result does not depend on who comes first.
SYNCHRONOUS = tuple(
    name for name in algorithm_names() if load_algorithm(name).server is None and name not in ("ad-psgd", "ssp")
)
ASYNCHRONOUS = (
    "async-sgd",
    "async-msgd",
    "async-easgd",
    "async-measgd",
    "hogwild-sgd",
    "hogwild-easgd",
    "ad-psgd",
    "ssp",
)
STEPS = 6
#: Much like another one that is run by default; each run starts two or three processes.
ALIKE = {
    *("sync-easgd1", "sync-easgd2", "knl-sync-easgd", "topk-sgd", "8bit-sgd", "diloco"),
    *("async-msgd", "async-measgd", "hogwild-sgd", "ssp"),
}


def marked(algorithms):
    """The same, those that are much like others marked as slow."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in algorithms]


def scenario(algorithm, workers=2, steps=STEPS, **changes):
    learns = {"learning.model": "mlp", "learning.options": {"hidden": [16]}, "learning.evaluate_every": 3}
    base = load("m40x4-digits", **{"algorithm.name": algorithm, **learns, **changes})
    return real_scenario(base, workers, steps=steps)


def messages(trace):
    """Name and size of every message, in order, by sender and receiver."""
    found = defaultdict(list)
    for span in trace.spans:
        if span.name.startswith("send "):
            found[span.rank, span.peer].append((span.name, span.bytes))
    return found


@pytest.mark.parametrize("algorithm", marked(SYNCHRONOUS))
def test_a_synchronous_run_is_the_simulated_one_but_for_its_times(algorithm, tmp_path):
    what = scenario(algorithm)
    real, simulated = record(what, tmp_path), Simulation(what).run()
    np.testing.assert_allclose(real.weights, simulated.weights, rtol=0, atol=1e-9)
    assert messages(real.trace) == messages(simulated.trace)


@pytest.mark.parametrize("algorithm", marked(ASYNCHRONOUS))
def test_an_asynchronous_run_ends_and_every_worker_does_its_steps(algorithm, tmp_path):
    real = record(scenario(algorithm), tmp_path)
    done = [(span.rank, span.step) for span in real.trace.spans if span.name == "gradient"]
    assert sorted(done) == [(rank, step) for rank in (0, 1) for step in range(STEPS)]
    assert np.isfinite(real.weights).all()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [3, 4])
@pytest.mark.parametrize("algorithm", SYNCHRONOUS)
def test_more_workers_than_cores_change_nothing_but_times(algorithm, workers, tmp_path):
    what = scenario(algorithm, workers)
    real, simulated = record(what, tmp_path), Simulation(what).run()
    np.testing.assert_allclose(real.weights, simulated.weights, rtol=0, atol=1e-9)
    assert messages(real.trace) == messages(simulated.trace)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    return folder, record(scenario("sync-easgd3"), folder)


def test_what_is_left_can_be_read_again(recorded):
    folder, recording = recorded
    assert read_trace(folder / "trace.json") == recording.trace
    assert np.array_equal(np.load(folder / "weights.npy"), recording.weights)
    document = json.loads((folder / "recording.json").read_text())
    assert document["schema"] == "clustersim/recording/1"
    assert document["machine"]["cores"] >= 1
    assert document["complete"] is True
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["recording.json", "scenario.toml", "trace.json", "weights.npy"]


def test_the_recorded_scenario_predicts_the_run(recorded):
    folder, recording = recorded
    simulated = simulate(Scenario.load(folder / "scenario.toml"))
    assert np.array_equal(simulated.weights, recording.weights)


def test_the_trace_describes_itself(recorded):
    _, recording = recorded
    metadata = recording.trace.metadata
    assert metadata["execution"] == "real"
    assert metadata["scenario"]["algorithm"]["name"] == "sync-easgd3"
    assert len(metadata["clocks"]) == 2


def test_processes_use_no_more_than_the_cores_have(recorded):
    folder, recording = recorded
    cores, lasted = recording.machine["cores"], recording.trace.duration
    used = recording.processor_times
    assert len(used) == 2
    assert all(seconds > 0.0 for seconds in used)
    assert sum(used) < 1.1 * cores * lasted + 0.05  # clocks of processors tick every 4 to 10 ms
    assert json.loads((folder / "recording.json").read_text())["processor_times_s"] == used


def test_no_message_arrives_before_it_is_sent_and_lanes_do_one_thing_at_a_time(recorded):
    _, recording = recorded
    lanes = defaultdict(list)
    for span in recording.trace.spans:
        assert 0.0 <= span.start <= span.end
        lanes[span.rank, span.lane].append(span)
    for spans in lanes.values():
        alone = [span for span in spans if span.peer < 0]
        alone.sort(key=lambda span: span.start)
        assert all(before.end <= after.start for before, after in itertools.pairwise(alone))


def test_the_breakdown_adds_up_to_the_run(recorded):
    _, recording = recorded
    assert sum(breakdown(recording.trace).values()) == pytest.approx(recording.trace.duration, rel=1e-9)


def test_accuracy_is_evaluated_along_the_way(recorded):
    _, recording = recorded
    curve = recording.curve
    assert [point["gradients"] for point in curve] == sorted(point["gradients"] for point in curve)
    assert len(curve) >= 2
    assert curve[-1]["gradients"] == 2 * STEPS
    assert curve[-1]["accuracy"] == Simulation(recording.scenario).run().learning["final_accuracy"]


def test_layers_may_travel_one_by_one(tmp_path):
    what = scenario("original-easgd", **{"algorithm.packed": False})
    real, simulated = record(what, tmp_path), Simulation(what).run()
    np.testing.assert_allclose(real.weights, simulated.weights, rtol=0, atol=1e-9)
    assert messages(real.trace) == messages(simulated.trace)


def test_a_rank_that_is_killed_ends_the_run_and_the_trace_so_far_is_kept(tmp_path):
    code = "from pathlib import Path; from tests_scenario import run; run(Path('{folder}'))".replace(
        "{folder}", str(tmp_path)
    )
    (tmp_path / "tests_scenario.py").write_text(
        "from simulator.simulation import load\n"
        "from validation.training.recording import real_scenario, record\n"
        "from simulator.errors import RunError\n"
        "def run(folder):\n"
        "    base = load('m40x4-digits', **{'algorithm.name': 'sync-sgd', 'learning.model': 'mlp'})\n"
        "    try:\n"
        "        record(real_scenario(base, 2, steps=10**6), folder / 'out')\n"
        "    except RunError as error:\n"
        "        print(error)\n"
    )
    root = str(__import__("pathlib").Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"}
    running = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        pid = _wait_for(lambda: next(iter((tmp_path / "out").glob("run-*/pid-1")), None), 60)
        _wait_for(lambda: _step(pid.parent / "journal-1") > 20, 60)
        os.kill(int(pid.read_text()), signal.SIGKILL)
        begun = time.monotonic()
        told, _ = running.communicate(timeout=30)
        assert time.monotonic() - begun < 15
    finally:
        running.kill()
    assert told.startswith("rank 1 was killed (SIGKILL) in step ")
    kept = read_trace(tmp_path / "out" / "trace.json")
    assert max(span.step for span in kept.spans) >= 20
    assert kept.metadata["incomplete"]


def _step(journal):
    from validation.training.journal import read_step

    return read_step(journal)


def _wait_for(condition, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_an_error_in_a_rank_is_told_and_ends_the_run(tmp_path):
    (tmp_path / "broken.py").write_text(
        '"""Fails in its third step."""\n'
        "from simulator.algorithms.registry import Algorithm\n"
        "def worker(rank):\n"
        "    weights = rank.replica()\n"
        "    for step in rank.steps():\n"
        "        batch = yield rank.load_batch()\n"
        "        gradient = yield rank.gradient(weights, batch)\n"
        "        if step == 3 and rank.index == 1:\n"
        "            raise ArithmeticError('no more')\n"
        "        yield rank.all_reduce(gradient)\n"
        "ALGORITHM = Algorithm(name='broken', title='Fails', source='a test', worker=worker, learns='replica',\n"
        "                      collectives={'all_reduce': 'ring'})\n"
    )
    with pytest.raises(RunError, match=r"rank 1 failed \(ArithmeticError: no more\) in step 3 of 6; the trace so far"):
        record(scenario(str(tmp_path / "broken.py")), tmp_path / "out")


def test_a_run_that_takes_too_long_is_ended(tmp_path):
    with pytest.raises(RunError, match=r"had not come to its end after 2 s"):
        record(scenario("sync-sgd", steps=10**6), tmp_path, time_limit=2.0)


def test_a_scenario_that_learns_nothing_is_refused():
    with pytest.raises(InputError, match=r"m40x4-lenet: learning: missing"):
        real_scenario(load("m40x4-lenet"), 2)
