"""The map in `simulator.planning`: every module is on it, and imports go the way it says."""

import re
from pathlib import Path

import pytest

import simulator.planning

FOLDER = Path(simulator.planning.__file__).parent
MODULES = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
#: What runs and keeps points.
BELOW = ["runner", "processes", "worker", "dask_cluster", "outcome", "progress", "store", "keys", "lock"]


def test_every_module_is_on_the_map():
    named = re.findall(r"`([a-z_]+)`", simulator.planning.__doc__)
    assert set(named) == MODULES


@pytest.mark.parametrize("module", BELOW)
def test_what_runs_and_keeps_points_knows_nothing_of_what_they_are_for(module):
    imported = re.findall(r"from simulator\.planning\.(\w+) import", (FOLDER / f"{module}.py").read_text())
    assert set(imported) <= set(BELOW)
