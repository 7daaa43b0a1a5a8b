"""docs/planning.md: what stands below a command is what it prints, its table is one, its Python runs."""

import contextlib
import io
import re
import tomllib

import pytest
from shown_in_docs import DOCS, blocks, commands, text_of

from simulator.scenario import Scenario

PAGE = "planning.md"
COMMANDS = commands(PAGE)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_output_shown_is_what_the_command_prints(clustersim, command, shown):
    code, out, _ = clustersim(*command.split())
    assert code == 0
    assert [line.rstrip() for line in out.rstrip().splitlines()] == shown.splitlines()


def test_there_are_such_commands():
    assert len(COMMANDS) == 2


def test_the_table_shown_is_that_of_the_example():
    (shown,) = blocks(PAGE, "toml")
    example = Scenario.load("resnet50-90-epochs").tables.plan
    assert example.model_dump(exclude_defaults=True) == tomllib.loads(shown)["plan"]


def test_keys_that_are_commented_out_are_keys():
    (shown,) = blocks(PAGE, "toml")
    for line in re.findall(r"^# (.*)$", shown, flags=re.MULTILINE):
        Scenario.load("m40x4-lenet", {f"plan.{key}": value for key, value in tomllib.loads(line).items()})


def test_the_python_shown_runs():
    (code,) = blocks(PAGE, "python")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "planning.md", "exec"), {})
    assert "dgx-h100" in output.getvalue()


def test_what_it_points_to_exists():
    for target in re.findall(r"\]\(([^)#:]+)\)", text_of(PAGE)):
        assert (DOCS / target).exists(), target
