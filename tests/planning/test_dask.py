"""A study on a Dask cluster: a scheduler and two workers, each a process, as the documentation starts them."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from study_cases import ROOT, content_of, quick, repeatable, rows_in

from simulator.errors import InputError, RunError
from simulator.planning.runner import iterate_points, run_points
from simulator.planning.store import ResultStore

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask distributed, the extra 'dask', is not installed"
)


class Cluster:
    """A scheduler and two workers of one thread each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
        self.address = self._address(file)
        options = ("--nthreads", "1", "--no-nanny")
        self.workers = [self._start("worker", self.address, *options, name=f"worker{n}") for n in range(2)]

    def _start(self, role, *arguments, name=None):
        with (self.folder / f"{name or role}.log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", role, *map(str, arguments), "--no-dashboard"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def _address(self, file: Path) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                return json.loads(file.read_text())["address"]
            except (OSError, ValueError):
                time.sleep(0.02)
        raise AssertionError((self.folder / "scheduler.log").read_text())

    def wait(self) -> None:
        """Until both workers are there."""
        deadline = time.monotonic() + 60
        logs = [self.folder / f"worker{n}.log" for n in range(2)]
        while not all("Registered to" in log.read_text() for log in logs):
            assert time.monotonic() < deadline, [log.read_text() for log in logs]
            time.sleep(0.02)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path):
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.close()


def test_a_study_goes_on_when_a_worker_is_killed_and_stops_when_the_scheduler_is(cluster: Cluster, tmp_path: Path):
    scenarios = [quick(**{"simulation.seed": seed}) for seed in range(60)]
    scenarios += [quick(**{"workload.batch_size": 10**8}), quick(**{"cluster.memory_mode": "flat"})]
    cluster.wait()

    def kill_a_worker(state) -> None:
        if state.simulated == 15:
            cluster.workers[0].send_signal(signal.SIGKILL)

    with ResultStore(tmp_path / "dask.sqlite") as store:
        there = run_points(scenarios, dask=cluster.address, store=store, progress=kill_a_worker)
    with ResultStore(tmp_path / "here.sqlite") as store:
        here = run_points(scenarios, jobs=1, store=store)
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert [(o.status, o.message, repeatable(o.result)) for o in there] == [
        (o.status, o.message, repeatable(o.result)) for o in here
    ]
    assert [outcome.status for outcome in there] == ["done"] * 60 + ["infeasible", "failed"]
    assert content_of(tmp_path / "dask.sqlite") == content_of(tmp_path / "here.sqlite")
    assert rows_in(tmp_path / "dask.sqlite") == 62

    more = [quick(**{"simulation.seed": seed}) for seed in range(60, 1000)]
    with ResultStore(tmp_path / "dask.sqlite") as store:
        points = iterate_points(more, dask=cluster.address, store=store)
        for _ in range(5):
            next(points)
        cluster.scheduler.send_signal(signal.SIGKILL)
        with pytest.raises(RunError, match=r"the scheduler at .* is lost; what was finished before is kept"):
            list(points)
    assert rows_in(tmp_path / "dask.sqlite") >= 67


def test_a_scheduler_without_workers_is_said(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("simulator.planning.dask_cluster.FIRST_WORKER", 0.2)
    cluster = Cluster.__new__(Cluster)
    cluster.folder, file = tmp_path, tmp_path / "scheduler.json"
    cluster.scheduler = cluster._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
    try:
        address = cluster._address(file)
        with pytest.raises(InputError, match=f"scheduler at {address} has no workers"):
            run_points([quick()], dask=address)
    finally:
        cluster.scheduler.kill()
        cluster.scheduler.wait()


def test_a_missing_scheduler_is_one_line(clustersim, monkeypatch):
    monkeypatch.setattr("simulator.planning.dask_cluster.CONNECT", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    code, out, error = clustersim("sweep", "m40x4-lenet", "--vary", "workload.batch_size=1,2", "--dask", address)
    assert (code, out) == (2, "")
    assert error.startswith(f"clustersim: dask: no scheduler answers at {address}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("address", ["here", "tcp://", "nothing://here:1"])
def test_an_address_that_is_none_is_one_line(clustersim, address):
    code, _, error = clustersim("sweep", "m40x4-lenet", "--vary", "workload.batch_size=1,2", "--dask", address)
    assert code == 2
    assert "dask: " in error
    assert error.count("\n") == 1


def test_a_missing_package_is_one_line(clustersim, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, error = clustersim("sweep", "m40x4-lenet", "--vary", "workload.batch_size=1,2", "--dask", "tcp://a:1")
    assert code == 2
    assert error == "clustersim: a Dask cluster needs Dask distributed: pip install 'clustersim[dask]'\n"


@pytest.mark.parametrize("address", ["", "here", "http://here:8786", "tcp://here"])
def test_an_address_that_is_none_leaves_nothing_behind(address, monkeypatch):
    def made(*arguments, **options):
        raise AssertionError("a client was made")

    monkeypatch.setattr("distributed.Client", made)
    with pytest.raises(InputError, match=f"expected the address of a scheduler, .* got {address!r}$"):
        run_points([quick()], dask=address)
