"""A store gives back what it was given, and says in one line what is wrong with it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from study_cases import quick

from simulator.errors import InputError, RunError
from simulator.planning.outcome import Outcome
from simulator.planning.store import APPLICATION, SCHEMA_VERSION, ResultStore, scenario_key
from simulator.scenario import Scenario
from simulator.simulation import load


def test_outcomes_come_back_and_failures_are_asked_again(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    done, infeasible, failed = (quick(**{"simulation.seed": seed}) for seed in range(3))
    with ResultStore(path) as store:
        store.add(done, Outcome("done", {"time_s": 1.5, "learning": None}))
        store.add(infeasible, Outcome("infeasible", None, "needs 17 GB of 16"))
        store.add(failed, Outcome("failed", None, "died"))
        assert len(store) == 3
    with ResultStore(path) as store:
        assert store.get(done) == Outcome("done", {"time_s": 1.5, "learning": None}, "")
        assert store.get(infeasible) == Outcome("infeasible", None, "needs 17 GB of 16")
        assert store.get(failed) is None
        store.add(failed, Outcome("done", {}))
        assert len(store) == 3
        assert store.get(failed) == Outcome("done", {}, "")


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


def fill(store: ResultStore, points: int = 100) -> None:
    for seed in range(points):
        store.add(quick(**{"simulation.seed": seed}), Outcome("done", {"filling": "x" * 1000}))


def filled(path: Path, points: int = 40) -> Path:
    with ResultStore(path) as store:
        fill(store, points)
    return path


def refused(path: Path) -> str:
    """The one line that says why a store is not opened; the file is left as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(InputError) as caught:
        ResultStore(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert before is None or path.read_bytes() == before
    return str(caught.value)


def test_lines_of_json_as_earlier_versions_wrote_are_named(tmp_path: Path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"schema": "clustersim/store/1", "key": "k", "result": {}}\n')
    assert "lines of JSON, as earlier versions" in refused(path)


def test_other_files_are_refused(tmp_path: Path):
    path = tmp_path / "text"
    path.write_text("a letter to somebody")
    assert "no SQLite file" in refused(path)
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE music (title TEXT)")
        database.commit()
    assert "another program's" in refused(path)
    assert "cannot be" in refused(tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path):
    path = filled(tmp_path / "points.sqlite", 1)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert "from a newer clustersim" in refused(path)


@pytest.mark.parametrize("where", ["middle", "half", "header"])
def test_a_damaged_store_is_refused_and_left_alone(tmp_path: Path, where):
    path = filled(tmp_path / "points.sqlite")
    data = bytearray(path.read_bytes())
    if where == "middle":
        # A page's own header, and pointers to its cells.
        for page in range(4096 * 3, len(data), 4096):
            data[page : page + 64] = b"\x5a" * 64
    elif where == "half":
        del data[len(data) // 2 + 1000 :]
    else:
        data[20:100] = bytes(80)
    path.write_bytes(data)
    assert "damaged" in refused(path) or "cannot be used" in refused(path)


def test_a_result_that_is_no_result_is_damage(tmp_path: Path):
    path = filled(tmp_path / "points.sqlite", 1)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE points SET result = '{\"filling\":'")
        database.commit()
    with ResultStore(path) as store, pytest.raises(InputError, match="is damaged: point"):
        store.get(quick(**{"simulation.seed": 0}))


def test_an_empty_file_becomes_a_store(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    path.touch()
    with ResultStore(path) as store:
        assert len(store) == 0


def test_one_study_writes_at_a_time_and_readers_may_look(tmp_path: Path):
    path = filled(tmp_path / "points.sqlite", 2)
    with ResultStore(path):
        assert "another study is writing" in refused(path)
        with closing(sqlite3.connect(path)) as reader:
            assert reader.execute("SELECT count(*) FROM runs WHERE status = 'done'").fetchone()[0] == 2
    ResultStore(path).close()


def test_a_place_that_is_not_there_is_refused(tmp_path: Path):
    assert "cannot be written" in refused(tmp_path / "none" / "points.sqlite")


def test_what_was_added_before_the_disk_was_full_is_kept(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    with ResultStore(path) as store:
        store._database.execute("PRAGMA max_page_count = 20")  # of 4 kB: what SQLite does where a disk ends
        with pytest.raises(RunError, match=r"full\W+what was finished before is kept$"):
            fill(store)
        kept = len(store)
    assert 10 < kept < 100
    with ResultStore(path) as store:
        assert len(store) == kept
        assert all(store.get(quick(**{"simulation.seed": seed})) is not None for seed in range(kept))


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 128 kB; gives the folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs the rights of root")
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, clustersim):
    sweep = ["sweep", "m40x4-lenet", "--set", "workload.steps=1", "--jobs", 1, "--out", small_disk / "study"]
    code, _, error = clustersim(*sweep, "--vary", "workload.batch_size=1..100")
    assert code == 1
    assert error.strip().endswith("what was finished before is kept")
    assert error.count("\n") == 1
    with ResultStore(small_disk / "study" / "points.sqlite") as store:
        assert 5 < len(store) < 100


def test_a_disk_that_may_only_be_read(small_disk: Path, clustersim):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, _, error = clustersim("sweep", "m40x4-lenet", "--vary", "workload.batch_size=1,2", "--out", small_disk)
    assert code == 2
    assert "Read-only file system" in error
    assert error.count("\n") == 1
