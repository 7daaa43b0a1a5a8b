"""--report of every command: a page that repeats the command, and refusals before any work is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_tree import Page

COMMANDS = {
    "run": ("run", "m40x4-lenet", "--set", "workload.steps=3"),
    "compare": ("compare", "m40x4-lenet", "--set", "workload.steps=3", "--algorithms", "sync-sgd,sync-easgd3"),
    "until": (
        *("compare", "m40x4-digits", "--until", "accuracy=0.2", "--algorithms", "sync-sgd", "--jobs", "1"),
        *("--set", "workload.steps=20"),
    ),
    "sweep": ("sweep", "m40x4-lenet", "--set", "workload.steps=3", "--vary", "cluster.workers=1,2", "--jobs", "1"),
    "plan": ("plan", "m40x4-lenet", "--nodes", "1", "--algorithms", "sync-sgd", "--jobs", "1", "--no-sensitivity"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_write_a_page_that_repeats_them(clustersim, tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.html"
    code, out, err = clustersim(*COMMANDS[name], "--report", path)
    assert code == 0, err
    assert out
    assert f"report: {path}" in err
    page = Page(path.read_text(encoding="utf-8"))
    assert page.texts("code")[0] == " ".join(("clustersim", *COMMANDS[name], "--report", str(path)))
    assert len(page.texts("p", "answer")) == 1
    assert page.all("svg")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("path", "words"),
    [("out.pdf", "ends in .html"), ("nowhere/out.html", "there is no folder"), ("folder.html", "it is a folder")],
    ids=["ending", "no folder", "a folder"],
)
def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    clustersim, tmp_path: Path, monkeypatch, name: str, path: str, words: str
) -> None:
    (tmp_path / "folder.html").mkdir()

    def worked(*arguments: object, **options: object) -> None:
        raise AssertionError("something was simulated")

    monkeypatch.setattr("simulator.simulation.Simulation.run", worked)
    code, out, err = clustersim(*COMMANDS[name], "--report", tmp_path / path)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err


def test_nothing_but_json_is_on_standard_output_when_it_is_asked_for(clustersim, tmp_path: Path) -> None:
    import json

    code, out, _ = clustersim(*COMMANDS["compare"], "--json", "-", "--report", tmp_path / "out.html")
    assert code == 0
    assert json.loads(out)["results"]
