"""Any topology can be written as a list of links; and the list is checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from platform_laws import assert_connected, made_system

from simulator.errors import InputError, UnknownNameError
from simulator.platform import build_platform

TWO_LEAVES = """kind = "links"
switches = ["leaf[0-1]", "spine[0-1]"]
links = [
    { from = "n[0-3].nic0", to = "leaf0", link = "infiniband-edr" },
    { from = "n[4-7].nic0", to = "leaf1", link = "infiniband-edr" },
    { from = "leaf[0-1]", to = "spine[0-1]", link = "infiniband-edr", count = 2, pairing = "all-to-all" },
]
"""


def test_routes_are_shortest_and_spread_by_target(tmp_path: Path) -> None:
    platform = build_platform(made_system(tmp_path, TWO_LEAVES, max_nodes=8), 8)
    for first in range(8):
        for last in range(8):
            assert_connected(platform, f"n{first}.cpu", f"n{last}.cpu")
    near, far = platform.route("n0.cpu", "n3.cpu"), platform.route("n0.cpu", "n4.cpu")
    assert (len(near.links), len(far.links)) == (4, 6)
    spines = {platform.route("n0.cpu", f"n{last}.cpu").links[2].target for last in range(4, 8)}
    assert spines == {"spine0", "spine1"}


def test_parallel_cables_are_one_fatter_link(tmp_path: Path) -> None:
    platform = build_platform(made_system(tmp_path, TWO_LEAVES, max_nodes=8), 8)
    up = platform.route("n0.cpu", "n4.cpu").links
    assert up[2].bandwidth == 2 * up[1].bandwidth


def test_adapters_of_nodes_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    platform = build_platform(made_system(tmp_path, TWO_LEAVES, max_nodes=8), 5)
    assert not any("n5." in link.name for link in platform.links)
    assert platform.fabric.layers() == {"leaf0": 1, "leaf1": 1, "spine0": 2, "spine1": 2}


def test_a_ring_of_adapters_does_not_let_adapters_forward(tmp_path: Path) -> None:
    text = 'kind = "links"\nswitches = []\nlinks = [{ from = "n0.nic0", to = "n1.nic0", link = "infiniband-edr" },'
    text += ' { from = "n1.nic0", to = "n2.nic0", link = "infiniband-edr" }]\n'
    platform = build_platform(made_system(tmp_path, text, max_nodes=3), 3)
    assert_connected(platform, "n0.cpu", "n1.cpu")
    with pytest.raises(InputError, match="no way leads from"):
        platform.route("n0.cpu", "n2.cpu")


@pytest.mark.parametrize(
    ("before", "after", "kind", "message"),
    [
        ('to = "leaf1"', 'to = "laef1"', UnknownNameError, r"fabric.links\[1\].to: unknown vertex 'laef1'.*'leaf1'"),
        ("n[4-7].nic0", "n[4-6].nic0", InputError, r"fabric.links: no link leads from 'n0.nic0' to n7.nic0"),
        ("n[4-7].nic0", "n[4-9].nic0", UnknownNameError, r"fabric.links\[1\].from: unknown vertex 'n8.nic0'"),
        ("n[4-7].nic0", "n[7-4].nic0", InputError, r"fabric.links\[1\].from: expected a range that runs upwards"),
        ("n[4-7].nic0", "n[3-7].nic0", None, ""),
        ('to = "leaf0"', 'to = "leaf[0-1]"', InputError, r"fabric.links\[0\]: 4 names on one side and 2 on the other"),
    ],
)
def test_a_wrong_list_is_one_line(
    tmp_path: Path, before: str, after: str, kind: type[InputError] | None, message: str
) -> None:
    text = TWO_LEAVES.replace(before, after)
    assert text != TWO_LEAVES
    if kind is None:  # an adapter on two switches is a legal machine
        assert_connected(build_platform(made_system(tmp_path, text, max_nodes=8), 8), "n3.cpu", "n7.cpu")
        return
    with pytest.raises(kind, match=message) as raised:
        made_system(tmp_path, text, max_nodes=8)
    assert "\n" not in str(raised.value)
