"""What docs/studies.md tells people to type works, and what it says of files is so."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from simulator.planning.store import APPLICATION, SCHEMA_VERSION, ResultStore
from simulator.planning.study import Row

TEXT = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line]


def columns(heading: str) -> list[str]:
    """The names in the first column of the first table after a text."""
    table = TEXT[TEXT.index(heading) :].split("\n\n")[1]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_commands_and_the_python_work(tmp_path: Path, clustersim, monkeypatch):
    pytest.importorskip("pandas", reason="shows DataFrames, which need the extra 'notebook'")
    monkeypatch.chdir(tmp_path)
    ran = 0
    for command in commands():
        if command[0] == "clustersim" and "--dask" not in command:
            code, _, error = clustersim(*command[1:], "--jobs", 1)
            assert code == 0, error
            ran += 1
    assert ran == 3
    assert {path.name for path in Path("study").iterdir()} >= {"points.sqlite", "rows.csv", "scaling.svg"}
    query = next(command[2] for command in commands() if command[0] == "sqlite3")
    with closing(sqlite3.connect("study/points.sqlite")) as database:
        assert len(database.execute(query).fetchall()) == 9
    output = io.StringIO()
    for block in blocks("python"):
        with warnings.catch_warnings(), contextlib.redirect_stdout(output):
            warnings.simplefilter("ignore", ResourceWarning)  # a connection that a short example leaves open
            exec(compile(block, "studies.md", "exec"), {})
    assert "27 points, 27 with their traffic" in output.getvalue()
    assert "sync-easgd3 1 100%" in output.getvalue()


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs the extra 'dask'")
def test_the_commands_of_dask_are_known():
    from click.testing import CliRunner
    from distributed.cli import dask_scheduler, dask_worker

    from simulator.cli.sweep import sweep

    for command in commands():
        if command[:2] == ["dask", "scheduler"]:
            known = dask_scheduler.main
        elif command[:2] == ["dask", "worker"]:
            known = dask_worker.main
        elif "--dask" in command:
            known = sweep
        else:
            continue
        options = {option for parameter in known.params for option in parameter.opts}
        assert {word for word in command if word.startswith("--")} <= options
    assert CliRunner().invoke(sweep, ["--help"]).exit_code == 0


def test_the_schema_is_the_one_stated(tmp_path: Path):
    path = tmp_path / "points.sqlite"
    ResultStore(path).close()
    with closing(sqlite3.connect(path)) as database:
        points = [row[1] for row in database.execute("PRAGMA table_info(points)")]
        runs = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
    assert columns("Table `points`") == points
    view = TEXT[TEXT.index("The view `runs`") :].split(". Anybody")[0]
    assert re.findall(r"`([^`]+)`", view)[1:] == runs
    assert f"0x{APPLICATION:X}".lower() in TEXT.lower()
    assert f"version, {SCHEMA_VERSION}, as `user_version`" in TEXT


def test_the_keys_of_a_row_are_the_ones_stated():
    keys = [key for key in Row({}, "done", "", {}, "").record() if not key.endswith("_half_width")]
    assert sorted(columns("A row has the varied keys")) == sorted(keys)
