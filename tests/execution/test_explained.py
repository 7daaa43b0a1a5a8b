"""What ``--explain`` and ``--version`` print, and that docs/speed.md shows it."""

from __future__ import annotations

from shown_in_docs import commands, printed_lines, text_of

from simulator.execution.shortcuts import SHORTCUTS
from simulator.network.fair_shares import compiled_version


def test_the_page_shows_what_the_command_prints(clustersim):
    ((command, shown),) = commands("speed.md")
    printed = printed_lines(clustersim, command)
    for line in shown.splitlines():
        assert line in printed


def test_the_page_names_every_shortcut():
    page = text_of("speed.md")
    assert [name for name in SHORTCUTS if f"| `{name}` |" not in page] == []


def test_compared_runs_are_explained_one_by_one(clustersim):
    code, out, _ = clustersim("compare", "m40x4-lenet", "--explain", "--set", "workload.steps=100")
    assert code == 0
    lines = [line for line in out.splitlines() if "lockstep" in line and "│" in line]
    assert len(lines) == 5
    assert "ranks send messages to one another, one by one" in out


def test_explaining_runs_of_unknown_length_is_refused(clustersim):
    code, _, error = clustersim("compare", "m40x4-digits", "--until", "accuracy=0.5", "--explain")
    assert code == 2
    assert error.strip().count("\n") == 0
    assert "--explain" in error


def test_exactly_nothing_is_taken(clustersim):
    code, out, _ = clustersim("run", "dgx1-resnet50", "--exact", "--explain", "--set", "workload.steps=3")
    assert code == 0
    assert "turned off" in out
    assert "yes" not in [cell.strip() for line in out.splitlines() for cell in line.split("│")]


def test_the_version_says_whether_compiled_help_is_in_use(clustersim):
    code, out, _ = clustersim("--version")
    assert code == 0
    expected = "pure Python" if compiled_version() is None else f"compiled help {compiled_version()}"
    assert out.startswith("clustersim ")
    assert out.strip().endswith(expected)
