"""docs/uncertainty.md: its commands run, its program runs, its figures are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from simulator.planning.model_error import SHARED
from simulator.planning.uncertain_case import SEEDS

TEXT = (Path(__file__).parents[2] / "docs" / "uncertainty.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("command", blocks("sh"))
def test_commands_run_and_print_a_line_a_pair(command, clustersim):
    code, out, error = clustersim(*shlex.split(command)[1:], "--set", "workload.steps=10", "--jobs", "1")
    assert code == 0, error
    assert out.count(" beats ") == blocks("text")[0].count(" beats ")


@pytest.mark.parametrize("program", blocks("python"))
def test_programs_run(program, capsys):
    exec(compile(program.replace('"workload.steps": 100', '"workload.steps": 10'), "docs/uncertainty.md", "exec"), {})
    assert capsys.readouterr().out


def test_figures_are_those_of_the_code():
    words = {0.1: "one tenth", 0.4: "four tenths"}
    assert f"{words[SHARED.setting]} of the variance is taken to be common to a setting" in TEXT.replace("\n", " ")
    assert f"{words[SHARED.algorithm]} to an algorithm" in TEXT.replace("\n", " ")
    assert f"the same {SEEDS} seeds" in TEXT
