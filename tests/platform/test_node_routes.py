"""Routes inside a node: PCIe trees, NVLink meshes, NVSwitch planes, sockets; overheads and limits as profiles say."""

from __future__ import annotations

from itertools import combinations
from math import inf
from pathlib import Path

import pytest
from platform_laws import made_system

from simulator.errors import UnknownNameError
from simulator.hardware import load_link, load_system
from simulator.platform import Platform, build_platform

# The adjacency lists of the project's hardware notes (nvidia-smi topology listings), pair: links.
P100_MESH = (
    "0-1:1, 0-2:1, 0-3:1, 0-4:1, 1-2:1, 1-3:1, 1-5:1, 2-3:1, 2-6:1, 3-7:1, 4-5:1, 4-6:1, 4-7:1, 5-6:1, 5-7:1, 6-7:1"
)
V100_MESH = (
    "0-1:1, 0-2:1, 0-3:2, 0-4:2, 1-2:2, 1-3:1, 1-5:2, 2-3:2, 2-6:1, 3-7:1, 4-5:1, 4-6:1, 4-7:2, 5-6:2, 5-7:1, 6-7:2"
)


def platform_of(name: str, nodes: int = 1, pinned: bool = True) -> Platform:
    return build_platform(load_system(name), nodes, pinned=pinned)


def hops(platform: Platform, source: str, destination: str) -> list[str]:
    return [source, *(link.target for link in platform.route(source, destination).links)]


def listed(text: str) -> dict[tuple[int, int], int]:
    rows = (item.split(":") for item in text.split(", "))
    return {(int(pair[0]), int(pair[2])): int(count) for pair, count in rows}


@pytest.mark.parametrize(
    ("name", "mesh", "profile", "links_a_gpu"),
    [
        ("dgx1-p100", P100_MESH, "nvlink1", 4),
        ("dgx1-v100", V100_MESH, "nvlink2", 6),
        ("aws-p3-16xlarge", V100_MESH, "nvlink2", 6),
    ],
)
def test_hybrid_cube_mesh_is_exactly_as_listed(name: str, mesh: str, profile: str, links_a_gpu: int) -> None:
    platform, one_link = platform_of(name), load_link(profile).bandwidth.value
    found = {
        (int(link.source[-1]), int(link.target[-1])): link.bandwidth / one_link
        for link in platform.links
        if "gpu" in link.source and "gpu" in link.target and link.source < link.target
    }
    assert found == pytest.approx(listed(mesh))
    for gpu in range(8):
        assert sum(count for pair, count in found.items() if gpu in pair) == pytest.approx(links_a_gpu)


@pytest.mark.parametrize(("name", "mesh"), [("dgx1-p100", P100_MESH), ("dgx1-v100", V100_MESH)])
def test_mesh_routes_are_direct_or_over_one_common_neighbour(name: str, mesh: str) -> None:
    platform, direct = platform_of(name), listed(mesh)
    for first, last in combinations(range(8), 2):
        passed = hops(platform, f"n0.gpu{first}", f"n0.gpu{last}")
        if (first, last) in direct:
            assert len(passed) == 2
        else:
            relay = int(passed[1].removeprefix("n0.gpu"))
            assert len(passed) == 3
            assert tuple(sorted((first, relay))) in direct
            assert tuple(sorted((relay, last))) in direct


def test_a_relay_is_the_widest_there_is() -> None:
    # From 0 to 7 the relays are 3 (two links, then one) and 4 (two links, then two).
    assert hops(platform_of("dgx1-v100"), "n0.gpu0", "n0.gpu7") == ["n0.gpu0", "n0.gpu4", "n0.gpu7"]


def test_host_copies_never_pass_a_gpu() -> None:
    for name in ("dgx1-v100", "dgx2", "dgx-a100", "aws-p2-16xlarge"):
        platform = platform_of(name)
        for gpu in platform.accelerators:
            interior = hops(platform, "n0.cpu0", gpu.name)[1:-1]
            assert not any("gpu" in name or "plane" in name for name in interior)


def test_nvswitch_wins_over_pcie() -> None:
    platform = platform_of("dgx2")
    assert hops(platform, "n0.gpu0", "n0.gpu1") == ["n0.gpu0", "n0.plane0", "n0.gpu1"]
    assert hops(platform, "n0.gpu0", "n0.gpu15") == ["n0.gpu0", "n0.plane0", "n0.plane1", "n0.gpu15"]
    # 300 GB/s for any pair, both ways together, is the maker's figure; the link profile holds what was achieved.
    assert 0.9 * 300e9 < 2 * platform.route("n0.gpu0", "n0.gpu15").bandwidth < 300e9


def test_dgx2_bisection_is_the_makers() -> None:
    between = [link for link in platform_of("dgx2").links if {link.source, link.target} == {"n0.plane0", "n0.plane1"}]
    assert sum(link.bandwidth for link in between) == pytest.approx(2.4e12)


def test_peers_under_a_switch_leave_the_uplink_alone() -> None:
    platform = platform_of("m40x4")
    assert hops(platform, "n0.gpu1", "n0.gpu2") == ["n0.gpu1", "n0.plx", "n0.gpu2"]
    assert hops(platform, "n0.cpu", "n0.gpu2") == ["n0.cpu", "n0.plx", "n0.gpu2"]


def test_overheads_are_the_profiles() -> None:
    platform, overheads = platform_of("m40x4"), load_system("m40x4").profile.overheads
    assert overheads.peer is not None
    assert platform.route("n0.gpu0", "n0.gpu3").overhead == overheads.peer.value
    copy = load_link("pcie3-x16").message_overhead
    assert copy is not None
    for source, destination in (("n0.cpu", "n0.gpu0"), ("n0.gpu0", "n0.cpu")):
        assert platform.link_class(source, destination) == "cpu-gpu"
        assert platform.route(source, destination).overhead == copy.value


def test_pageable_memory_caps_host_copies_only() -> None:
    pinned, pageable = platform_of("m40x4"), platform_of("m40x4", pinned=False)
    limit = load_link("pcie3-x16").pageable_bandwidth
    assert limit is not None
    assert pinned.route("n0.cpu", "n0.gpu0").rate_cap == inf
    assert pageable.route("n0.cpu", "n0.gpu0").rate_cap == limit.value
    assert pageable.route("n0.gpu0", "n0.cpu").rate_cap == limit.value
    assert pageable.route("n0.gpu0", "n0.gpu1").rate_cap == inf


def test_staged_transfers_pay_two_copies_and_pass_host_memory() -> None:
    platform, staging = platform_of("deepbench-m40x8"), load_system("deepbench-m40x8").profile.overheads.staging
    assert staging is not None
    route = platform.route("n0.gpu0", "n0.gpu1")
    assert hops(platform, "n0.gpu0", "n0.gpu1") == ["n0.gpu0", "n0.plx0", "n0.cpu0", "n0.plx0", "n0.gpu1"]
    assert route.overhead == 2 * staging.value


def test_staged_pairs_under_one_switch_share_its_uplink() -> None:
    # Two GPUs exchange: both messages go up to the host and down again, so each direction of the uplink carries two,
    # and either gets half of an x16 link. DeepBench measured 5.97 (M40), 6.16 (Titan X) and 5.88 GB/s (P100),
    # additions included, which take a few per cent.
    platform = platform_of("deepbench-m40x8")
    there, back = platform.route("n0.gpu0", "n0.gpu1"), platform.route("n0.gpu1", "n0.gpu0")
    shared = {link.resource for link in there.links} & {link.resource for link in back.links}
    assert shared == {"n0.plx0->n0.cpu0", "n0.cpu0->n0.plx0"}
    assert there.links[1].bandwidth / 2 == pytest.approx(6.0e9 * 1.04, rel=0.05)


TWO_SOCKETS = """
[overheads]
copy = { value = "10 us", kind = "assumed", source = "here", note = "for the test" }
peer = { value = "2 us", kind = "assumed", source = "here", note = "for the test" }
[node]
host = "cpu0"
accelerators = "gpu[0-3]"
links = [
    { from = "cpu0", to = "gpu[0-1]", link = "pcie3-x16" },
    { from = "cpu1", to = "gpu[2-3]", link = "pcie3-x16" },
    { from = "cpu0", to = "cpu1", link = "qpi" },
]
[node.vertices]
cpu0 = { device = "xeon-2s" }
cpu1 = { kind = "socket" }
"gpu[0-3]" = { device = "m40" }
[node.peer]
socket_bandwidth = { value = "8 GB/s", kind = "assumed", source = "here", note = "for the test" }
"""


@pytest.mark.parametrize(
    ("staging", "same_socket", "across"),
    [("never", 2e-6, 2e-6), ("across-sockets", 2e-6, 20e-6), ("always", 20e-6, 20e-6)],
)
def test_transfers_are_staged_where_the_profile_says(
    tmp_path: Path, staging: str, same_socket: float, across: float
) -> None:
    node = TWO_SOCKETS + f'staging = "{staging}"\n'
    platform = build_platform(made_system(tmp_path, 'kind = "none"\n', node=node), 1)
    assert platform.route("n0.gpu0", "n0.gpu1").overhead == pytest.approx(same_socket)
    assert platform.route("n0.gpu0", "n0.gpu3").overhead == pytest.approx(across)
    # The limit of the root complex is one of direct transfers.
    assert platform.route("n0.gpu0", "n0.gpu1").rate_cap == (inf if staging == "always" else 8e9)


def test_memory_near_an_accelerator_is_on_its_own_socket() -> None:
    platform = platform_of("dgx1-v100", nodes=2)
    assert [platform.near_memory(f"n1.gpu{index}").name for index in (0, 3, 4, 7)] == [
        "n1.cpu0",
        "n1.cpu0",
        "n1.cpu1",
        "n1.cpu1",
    ]
    near = platform.near_memory("n1.gpu5")
    assert platform.link_class(near.name, "n1.gpu5") == "cpu-gpu"
    assert hops(platform, near.name, "n1.gpu5") == ["n1.cpu1", "n1.plx2", "n1.gpu5"]
    assert near not in platform.hosts


def test_a_self_hosted_device_is_host_and_accelerator_at_once() -> None:
    platform = platform_of("cori-knl", nodes=3)
    assert platform.hosts == platform.accelerators
    assert all(host is device for host, device in zip(platform.hosts, platform.accelerators, strict=True))
    route = platform.route("n1.knl", "n1.knl")
    assert (route.links, route.overhead) == ((), 0.0)
    assert platform.link_class("n1.knl", "n1.knl") == "local"


def test_what_is_not_a_device_has_no_route() -> None:
    platform = platform_of("m40x4")
    for name in ("n0.plx", "n0.gpu4", "n1.gpu0", ""):
        with pytest.raises(UnknownNameError, match="m40x4: unknown device"):
            platform.route("n0.cpu", name)
    with pytest.raises(UnknownNameError, match=r"did you mean 'n0.gpu3'"):
        platform.route("n0.cpu", "n0.gpu3x")
