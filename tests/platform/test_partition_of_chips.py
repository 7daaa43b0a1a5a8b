"""Groups of cores as places for ranks, and the memory they copy through."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InfeasibleError, InputError, UnknownNameError
from simulator.hardware import load_system
from simulator.platform import Platform, build_platform
from simulator.platform.partition import group_cores

CORI = load_system("cori-knl")
COPY = 475e9 / 2


def cori(partitions: int, nodes: int = 1, **settings) -> Platform:
    return build_platform(CORI, nodes, partitions=partitions, **settings)


@given(st.integers(1, 68))
def test_shares_sum_to_the_chip_and_differ_by_one_core_at_most(groups):
    shares = group_cores(68, groups)
    assert len(shares) == groups
    assert sum(shares) == 68
    assert max(shares) - min(shares) <= 1
    assert min(shares) >= 1
    placed = cori(groups).accelerators
    assert sum(group.cores or 68 for group in placed) == 68


def test_one_group_is_the_chip():
    undivided, one = build_platform(CORI, 2), cori(1, nodes=2)
    assert [device.name for device in one.accelerators] == [device.name for device in undivided.accelerators]
    assert one.hosts == one.accelerators
    assert one.accelerators[0].cores is None
    assert one.accelerators[0].vertex == one.accelerators[0].name


def test_groups_are_numbered_node_by_node_and_belong_to_their_chip():
    platform = cori(4, nodes=2)
    assert [group.name for group in platform.accelerators] == [f"n{n}.knl.group{g}" for n in (0, 1) for g in range(4)]
    assert {group.vertex for group in platform.accelerators} == {"n0.knl", "n1.knl"}
    assert [host.name for host in platform.hosts] == ["n0.knl", "n1.knl"]
    assert platform.near_memory("n1.knl.group2") is platform.device("n1.knl.group2")


def test_copies_inside_a_chip_share_one_link_of_half_the_memory_bandwidth():
    platform = cori(4)
    names = [group.name for group in platform.accelerators] + ["n0.knl"]
    links = {link for pair in itertools.permutations(names, 2) for link in platform.route(*pair).links}
    (link,) = links
    assert link.bandwidth == pytest.approx(COPY)
    assert link.latency == pytest.approx(150.9e-9)
    for pair in itertools.permutations(names, 2):
        assert len(platform.route(*pair).links) == 1
        assert platform.link_class(*pair) == "local"
        assert platform.route(*pair).overhead == pytest.approx(100e-9)
    assert platform.route("n0.knl.group1", "n0.knl.group1").links == ()


def test_a_copy_alone_is_bounded_by_the_receiver_s_cores():
    platform = cori(16)
    assert [group.cores for group in platform.accelerators[3:5]] == [5, 4]
    # One core reads at 13 GB/s, so it reads and writes 6.5.
    assert platform.route("n0.knl.group0", "n0.knl.group3").bandwidth == pytest.approx(5 * 6.5e9)
    assert platform.route("n0.knl.group3", "n0.knl.group4").bandwidth == pytest.approx(4 * 6.5e9)
    assert cori(1).route("n0.knl", "n0.knl").bandwidth == float("inf")


def test_the_bandwidth_is_asked_for_when_the_first_route_is():
    asked = []
    platform = cori(2, memory_bandwidth=lambda device: asked.append(device.name) or 100e9)
    assert asked == []
    route = platform.route("n0.knl.group0", "n0.knl.group1")
    platform.route("n0.knl.group1", "n0.knl.group0")
    assert asked == ["knl-7250"]
    assert route.links[0].bandwidth == 50e9


def test_groups_of_different_nodes_meet_over_the_fabric_like_their_chips():
    divided, whole = cori(4, nodes=2), cori(1, nodes=2)
    between = divided.route("n0.knl.group3", "n1.knl.group0")
    assert [link.name for link in between.links] == [link.name for link in whole.route("n0.knl", "n1.knl").links]
    assert between.overhead == whole.route("n0.knl", "n1.knl").overhead
    assert divided.link_class("n0.knl.group3", "n1.knl.group0") == "node-node"


def test_nobody_calls_a_library_inside_one_chip():
    system = load_system("deepbench-knl-opa")
    inside, between = build_platform(system, 1, partitions=4), build_platform(system, 2, partitions=4)
    assert inside.collective_overhead(250e6) == 0.0
    assert between.collective_overhead(250e6) == build_platform(system, 2).collective_overhead(250e6) > 0.0


@pytest.mark.parametrize(
    ("system", "groups", "error", "message"),
    [
        ("m40x4", 4, InputError, "partitions: m40 is not a many-core chip; expected 1, got 4"),
        ("cori-knl", 69, InfeasibleError, "partitions: expected 1 to 68, the cores of a knl-7250, got 69"),
        ("cori-knl", 0, InfeasibleError, "partitions: expected at least 1, got 0"),
    ],
)
def test_what_cannot_be_divided_is_refused(system, groups, error, message):
    with pytest.raises(error, match=message):
        build_platform(load_system(system), 1, partitions=groups)


def test_groups_that_are_not_there_are_unknown():
    with pytest.raises(UnknownNameError, match="group4"):
        cori(4).route("n0.knl.group0", "n0.knl.group4")
