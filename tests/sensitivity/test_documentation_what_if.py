"""docs/what-if.md: what stands below a command is what it prints, and the table shown is one."""

import re
import tomllib
from pathlib import Path

import pytest

import simulator
from simulator.simulation import Simulation

TEXT = (Path(__file__).parents[2] / "docs" / "what-if.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\nclustersim (.*?)\n```\n\n```text\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("command", "shown"),
    [pytest.param(*pair, id=pair[0].split()[1], marks=[pytest.mark.slow] * (i > 0)) for i, pair in enumerate(COMMANDS)],
)
def test_the_output_shown_is_what_the_command_prints(clustersim, command, shown):
    code, out, _ = clustersim(*command.split())
    assert code == 0
    assert [line.rstrip() for line in out.splitlines()] == shown.splitlines()


def test_there_are_such_commands():
    assert len(COMMANDS) == 3


def test_the_table_shown_has_effect():
    (shown,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    scenario = simulator.load("m40x4-lenet", **tomllib.loads(shown))
    assert Simulation(scenario).what_if.factors == tomllib.loads(shown)["what_if"]
    assert simulator.simulate(scenario).time < simulator.simulate(simulator.load("m40x4-lenet")).time
