"""docs/shared-clusters.md: what stands below a command is what it prints, and the table shown is one."""

from __future__ import annotations

import tomllib

import pytest
from shown_in_docs import blocks, commands, printed_lines

from simulator.sharing.tables import BackgroundTable

PAGE = "shared-clusters.md"
COMMANDS = commands(PAGE)


@pytest.mark.parametrize(
    ("command", "shown"),
    # Comparing loads takes its time.
    [pytest.param(*pair, id=str(i), marks=[pytest.mark.slow] * ("load" in pair[0])) for i, pair in enumerate(COMMANDS)],
)
def test_the_output_shown_is_what_the_command_prints(clustersim, command, shown):
    assert printed_lines(clustersim, command) == shown.splitlines()


def test_there_are_such_commands():
    assert len(COMMANDS) == 3


def test_the_table_shown_is_a_background():
    (shown,) = blocks(PAGE, "toml")
    table = BackgroundTable.model_validate(tomllib.loads(shown)["background"])
    assert table.jobs[0].override == {"cluster.nodes": 8}
    assert set(table.model_fields_set) >= {"placement", "machine_nodes", "load", "nodes", "flow_size", "jobs"}
