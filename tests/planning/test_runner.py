"""Points run once each, in the order given, whoever runs them; what kills its process is that point's failure only."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from study_cases import ROOT, content_of, quick, repeatable, rows_in

from simulator.errors import InputError
from simulator.planning.processes import ATTEMPTS
from simulator.planning.runner import iterate_points, run_points
from simulator.planning.store import ResultStore
from simulator.simulation import load, simulate


def seeds(count, **changes):
    return [quick(**changes, **{"simulation.seed": seed}) for seed in range(count)]


def test_outcomes_are_what_the_scenarios_give_in_their_order():
    scenarios = seeds(6)
    outcomes = run_points(scenarios, jobs=1)
    assert [outcome.status for outcome in outcomes] == ["done"] * 6
    assert [outcome.result["seed"] for outcome in outcomes] == list(range(6))
    assert [outcome.result["time_s"] for outcome in outcomes] == [simulate(scenario).time for scenario in scenarios]
    assert len({outcome.result["time_s"] for outcome in outcomes}) == 6


def test_equal_contents_are_simulated_once():
    seen = []
    same = quick(**{"simulation.seed": 3})
    outcomes = run_points([*seeds(4), same, same], jobs=1, progress=seen.append)
    assert (seen[-1].points, seen[-1].simulated, seen[-1].found) == (4, 4, 0)
    assert outcomes[3] is outcomes[4] is outcomes[5]


def test_what_is_stored_is_not_simulated_again(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    with ResultStore(path) as store:
        first = run_points(seeds(3), jobs=1, store=store)
    seen = []
    with ResultStore(path) as store:
        more = run_points(seeds(5), jobs=1, store=store, progress=seen.append)
    assert more[:3] == first
    assert [(state.found, state.simulated) for state in seen] == [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2)]
    assert [state.seconds_left is None for state in seen] == [True, True, True, False, False]
    assert seen[-1].seconds_left == 0


def test_a_point_that_is_refused_is_an_outcome_and_the_others_go_on(tmp_path: Path):
    scenarios = [quick(), quick(**{"workload.batch_size": 10**8}), quick(**{"cluster.memory_mode": "flat"})]
    seen = []
    with ResultStore(tmp_path / "points.sqlite") as store:
        done, infeasible, failed = run_points(scenarios, jobs=1, store=store, progress=seen.append)
        assert store.get(scenarios[1]) == infeasible
        assert store.get(scenarios[2]) is None
    assert (done.status, infeasible.status, failed.status) == ("done", "infeasible", "failed")
    assert "the largest batch that fits is" in infeasible.message
    assert "m40 has no memory modes" in failed.message
    assert (seen[-1].infeasible, seen[-1].failed) == (1, 1)


def test_outcomes_are_stored_before_they_are_handed_on(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    with ResultStore(path) as store:
        points = iterate_points(seeds(5), jobs=1, store=store)
        for count, _ in enumerate(points, start=1):
            assert rows_in(path) == count
            if count == 3:
                break
        points.close()
    assert rows_in(path) == 3


def test_jobs_and_dask_exclude_one_another():
    with pytest.raises(InputError, match="exclude one another"):
        run_points(seeds(1), jobs=2, dask="tcp://127.0.0.1:1")


#: An algorithm that ends its process the first time it runs, or every time.
DEADLY = """
import os, signal
from contextlib import closing
from pathlib import Path
from simulator.algorithms import Algorithm, rules

def _worker(rank):
    mark = Path({mark!r})
    if {always} or not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    weights = rank.replica()
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        yield rank.apply(rules.gradient_step, weights, gradient, contributions=1)

DEADLY = Algorithm(name="deadly", title="kills", source="none", worker=_worker)
"""


def deadly(folder: Path, *, always: bool):
    folder.mkdir()
    algorithm = folder / "deadly.py"
    algorithm.write_text(DEADLY.format(mark=str(folder / "mark"), always=always))
    return quick(**{"algorithm.name": str(algorithm)})


def test_a_point_whose_process_dies_is_tried_again_and_fails_only_if_it_dies_again_and_again(tmp_path: Path):
    once, always = deadly(tmp_path / "once", always=False), deadly(tmp_path / "always", always=True)
    outcomes = run_points([*seeds(6), once, always, *seeds(9)[6:]], jobs=2)
    assert [outcome.status for outcome in outcomes] == ["done"] * 7 + ["failed"] + ["done"] * 3
    assert f"by signal 9, {ATTEMPTS} times in a row" in outcomes[7].message
    # Which process it was, and what happened to others, has no influence on a result.
    alone = run_points(seeds(9), jobs=1)
    assert [repeatable(outcomes[place].result) for place in (*range(6), 8, 9, 10)] == [
        repeatable(outcome.result) for outcome in alone
    ]


SCRIPT = """
import simulator
base = simulator.load("m40x4-lenet", **{"workload.steps": 1})
print(len(simulator.sweep(base, {"workload.batch_size": [1, 2, 3]}, jobs=2).rows()))
"""


def test_a_script_needs_no_main_guard(tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-W", "error", str(tmp_path / "script.py")]
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("3\n", "")


def started(arguments, *, after=None, **options):
    """A command line in a process of its own, and the processes that it starts.

    Parameters
    ----------
    after : (int, str), optional
        A number of stored outcomes and a signal. The process signals itself from a thread some milliseconds after it
        stored that many, wherever it then is; the pids of what it started stand on standard output. (Whoever
        looks at the store from outside may wait long for its lock, and find the study at its end.)
    """
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from simulator.cli import main; main(sys.argv[1:])"
    )
    if after is not None:
        program = SIGNALLED.format(count=after[0], signal=after[1]) + program
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


SIGNALLED = """
import os, random, signal, subprocess, threading
from simulator.planning.store import ResultStore

class Started(subprocess.Popen):
    pids = []

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.pids.append(self.pid)

subprocess.Popen = Started
stored, put = 0, ResultStore.put

def put_and_count(*arguments):
    global stored
    put(*arguments)
    stored += 1
    if stored == {count}:
        print(*Started.pids, flush=True)
        threading.Timer(random.uniform(0, 0.03), os.kill, (os.getpid(), signal.{signal})).start()

ResultStore.put = put_and_count
"""


def status(pid):
    """State, parent and so on of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def rows_left(study, copy):
    """Outcomes in the store of a study that was killed, perhaps in the middle of a transaction, which is undone in a
    copy: it must be left to whoever goes on."""
    shutil.copytree(study, copy)
    with closing(sqlite3.connect(copy / "points.sqlite")) as database:
        return database.execute("SELECT count(*) FROM points").fetchone()[0]


def gone(pid):
    return status(pid)[:1] in ([], ["Z"])


#: Points of some milliseconds each, a hundred in each replicate.
STUDY = (
    *("sweep", "m40x4-lenet", "--set", "workload.steps=1", "--set", "simulation.jitter=0.1", "--jobs", 2),
    *("--vary", "cluster.workers=1,2", "--vary", "workload.batch_size=8..400+8"),
)


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks for processes in /proc")
@pytest.mark.parametrize("points", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_a_study_killed_midway_goes_on_and_ends_as_an_undisturbed_one(tmp_path: Path, clustersim, points):
    whole = [*STUDY, "--replicates", points // 100]
    early = 3 * points // 10
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    study = started([*whole, "--out", killed], after=(early, "SIGKILL"))
    try:
        workers, said = study.communicate(timeout=120)
    finally:
        study.kill()
    assert study.returncode == -signal.SIGKILL, said
    workers = [int(pid) for pid in workers.split()]
    survived = rows_left(killed, tmp_path / "copy")
    assert early <= survived < points, said
    assert len(workers) == 2, said
    wait_for(lambda: all(gone(pid) for pid in workers), seconds=60)

    code, _, error = clustersim(*whole, "--out", killed, "--csv", tmp_path / "killed.csv")
    assert code == 0
    assert f"{points} different points: {survived} found in the store, {points - survived} simulated" in error
    assert clustersim(*whole, "--out", undisturbed, "--csv", tmp_path / "undisturbed.csv")[0] == 0
    contents = content_of(killed / "points.sqlite")
    assert len(contents) == points
    assert contents == content_of(undisturbed / "points.sqlite")
    assert (tmp_path / "killed.csv").read_text() == (tmp_path / "undisturbed.csv").read_text()

    code, _, error = clustersim(*whole, "--out", killed)
    assert f"{points} different points: {points} found in the store\n" in error


def test_an_interrupted_study_ends_at_once_in_one_line_and_keeps_what_is_finished(tmp_path: Path):
    command = ["sweep", "m40x4-lenet", "--vary", "simulation.seed=1..2000", "--set", "simulation.jitter=0.1"]
    study = started([*command, "--jobs", 2, "--out", tmp_path], after=(2, "SIGINT"))
    try:
        _, error = study.communicate(timeout=60)
    finally:
        study.kill()
    assert study.returncode == 130
    assert error.splitlines()[-1] == "clustersim: interrupted"
    assert "Traceback" not in error
    with ResultStore(tmp_path / "points.sqlite") as store:
        assert 2 <= len(store) < 2000
        assert store.get(load("m40x4-lenet", **{"simulation.seed": 1, "simulation.jitter": 0.1})).status == "done"
