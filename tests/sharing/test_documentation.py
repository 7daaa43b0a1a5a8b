"""docs/shared-clusters.md: what stands below a command is what it prints, and the table shown is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from simulator.sharing.tables import BackgroundTable

TEXT = (Path(__file__).parents[2] / "docs" / "shared-clusters.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\nclustersim (.*?)\n```\n\n```text\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("command", "shown"),
    # Comparing loads takes its time.
    [pytest.param(*pair, id=str(i), marks=[pytest.mark.slow] * ("load" in pair[0])) for i, pair in enumerate(COMMANDS)],
)
def test_the_output_shown_is_what_the_command_prints(clustersim, command, shown):
    code, out, _ = clustersim(*command.split())
    assert code == 0
    assert [line.rstrip() for line in out.splitlines()] == shown.splitlines()


def test_there_are_such_commands():
    assert len(COMMANDS) == 3


def test_the_table_shown_is_a_background():
    (shown,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    table = BackgroundTable.model_validate(tomllib.loads(shown)["background"])
    assert table.jobs[0].override == {"cluster.nodes": 8}
    assert set(table.model_fields_set) >= {"placement", "machine_nodes", "load", "nodes", "flow_size", "jobs"}
