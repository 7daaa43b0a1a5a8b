"""docs/what-if.md: what stands below a command is what it prints, and the table shown is one."""

import tomllib

import pytest
from shown_in_docs import blocks, commands, printed_lines

import simulator
from simulator.simulation import Simulation

PAGE = "what-if.md"
COMMANDS = commands(PAGE)


@pytest.mark.parametrize(
    ("command", "shown"),
    [pytest.param(*pair, id=pair[0].split()[1], marks=[pytest.mark.slow] * (i > 0)) for i, pair in enumerate(COMMANDS)],
)
def test_the_output_shown_is_what_the_command_prints(clustersim, command, shown):
    assert printed_lines(clustersim, command) == shown.splitlines()


def test_there_are_such_commands():
    assert len(COMMANDS) == 3


def test_the_table_shown_has_effect():
    (shown,) = blocks(PAGE, "toml")
    scenario = simulator.load("m40x4-lenet", **tomllib.loads(shown))
    assert Simulation(scenario).what_if.factors == tomllib.loads(shown)["what_if"]
    assert simulator.simulate(scenario).time < simulator.simulate(simulator.load("m40x4-lenet")).time
