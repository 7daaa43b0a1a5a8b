"""What the README shows is what the commands print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from simulator import cli
from simulator.scenario import Scenario

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_prints_what_stands_below_it():
    ((code, shown),) = re.findall(r"```python\n(.*?)```\s+```text\n(.*?)```", README, flags=re.DOTALL)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "README.md", "exec"), {})
    assert output.getvalue() == shown


def test_the_first_table_is_what_the_first_command_prints(capsys):
    with pytest.raises(SystemExit):
        cli.main(["compare", "m40x4-lenet"])
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed == blocks("text")[0].splitlines()


def test_the_scenario_shown_is_valid(tmp_path: Path):
    path = tmp_path / "s.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")
    assert Scenario.load(path).tables.algorithm.name == "sync-easgd3"


def test_files_that_the_readme_points_to_exist():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
