"""What the platform tests share: how to write a system of their own, and the law every route obeys."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from simulator.hardware import System, load_system
from simulator.platform import Platform, Route

HEAD = """schema = "clustersim/system/1"
name = "made"
title = "Made for a test"
topology_sources = "here"
max_nodes = {max_nodes}
[sources]
here = "this test"
"""

NODE = """
[node]
host = "cpu"
accelerators = "gpu0"
links = [
    { from = "cpu", to = "gpu0", link = "pcie3-x16" },
    { from = "cpu", to = "nic[0-NICS]", link = "pcie3-x16" },
]
[node.vertices]
cpu = { device = "xeon-2s" }
gpu0 = { device = "m40" }
"nic[0-NICS]" = { kind = "nic" }
"""


def write_system(folder: Path, fabric: str, max_nodes: int = 1, nics: int = 1, node: str = NODE) -> Path:
    """A system file of small nodes (one GPU, unless `node` says otherwise) on the fabric that the text describes."""
    path = folder / "made.toml"
    path.write_text(HEAD.format(max_nodes=max_nodes) + node.replace("NICS", str(nics - 1)) + "[fabric]\n" + fabric)
    return path


def made_system(folder: Path, fabric: str, max_nodes: int = 1, nics: int = 1, node: str = NODE) -> System:
    """The same, loaded."""
    return load_system(write_system(folder, fabric, max_nodes, nics, node))


def assert_connected(platform: Platform, source: str, destination: str) -> Route:
    """The route leads from source to destination without a gap, and passes no link twice."""
    route = platform.route(source, destination)
    if source == destination:
        assert route.links == ()
        return route
    assert route.links[0].source == source
    assert route.links[-1].target == destination
    for before, after in pairwise(route.links):
        assert before.target == after.source
    assert len({link.name for link in route.links}) == len(route.links)
    return route
