"""Small machines whose shared links are known, and small jobs on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.scenario import Scenario

_SYSTEM = """schema = "clustersim/system/1"
name = "{name}"
title = "Made for a test"
topology_sources = "here"
max_nodes = {nodes}
[sources]
here = "this test"
[node]
host = "cpu"
accelerators = "gpu0"
links = [
    {{ from = "cpu", to = "gpu0", link = "pcie3-x16" }},
    {{ from = "cpu", to = "nic0", link = "pcie3-x16" }},
]
[node.vertices]
cpu = {{ device = "xeon-2s" }}
gpu0 = {{ device = "m40" }}
nic0 = {{ kind = "nic" }}
[fabric]
{fabric}
"""

#: Two switches with half of the nodes each, and one thin link between them: ten times as slow as the others.
DUMBBELL = """kind = "links"
switches = ["left", "right"]
links = [
    {{ from = "n[0-{last_left}].nic0", to = "left", link = "infiniband-edr" }},
    {{ from = "n[{first_right}-{last}].nic0", to = "right", link = "infiniband-edr" }},
    {{ from = "left", to = "right", link = "ethernet-10g-tcp" }},
]"""
STAR = 'kind = "star"\ninjection = "ethernet-10g-tcp"'
#: Leaves of six nodes and two up-links.
TREE = 'kind = "fat-tree"\nlevels = 2\nradix = 8\noversubscription = 3\ninjection = "ethernet-10g-tcp"'


class Machines:
    """Writes systems, and scenarios on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dumbbell = self._system("dumbbell", 8, DUMBBELL.format(last_left=3, first_right=4, last=7))
        self.star = self._system("star", 16, STAR)
        self.tree = self._system("tree", 24, TREE)

    def _system(self, name: str, nodes: int, fabric: str) -> str:
        path = self.folder / f"{name}.toml"
        path.write_text(_SYSTEM.format(name=name, nodes=nodes, fabric=fabric))
        return str(path)

    def job(self, system: str, nodes: int = 2, elements: float = 1e6, **changes: Any) -> Scenario:
        """A job that computes next to nothing and all-reduces so many elements; two exchange them in one round."""
        data = {
            "cluster": {"system": system, "nodes": nodes},
            "workload": {
                "network": f"synthetic:parameters={elements:.0f},flops=1e6",
                "dataset": "mnist",
                "batch_size": 1,
                "steps": 1,
            },
            "algorithm": {"name": "sync-sgd", "collectives": {"all_reduce": "recursive-doubling"}},
        }
        return Scenario.from_dict(data, f"job-{nodes}.toml", self.folder).override(
            {key.replace("__", "."): value for key, value in changes.items()}
        )


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """Systems called dumbbell, star and tree, and jobs on them."""
    return Machines(tmp_path_factory.mktemp("machines"))
