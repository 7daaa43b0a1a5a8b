"""Laws that every system profile of the package obeys, at one, two and more nodes."""

from __future__ import annotations

import itertools

import pytest
from platform_laws import assert_connected

from simulator.errors import InfeasibleError
from simulator.hardware import load_system, names
from simulator.platform import Platform, build_platform

SYSTEMS = names("systems")
PLACES = [
    (name, nodes)
    for name in SYSTEMS
    for nodes in sorted({1, 2, min(5, load_system(name).max_nodes)})
    if nodes <= load_system(name).max_nodes
]


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: f"{place[0]}-{place[1]}")
def platform(request: pytest.FixtureRequest) -> Platform:
    name, nodes = request.param
    return build_platform(load_system(name), nodes)


def devices(platform: Platform) -> list[str]:
    return list(dict.fromkeys(device.name for device in (*platform.accelerators, *platform.hosts)))


def test_the_promised_systems_are_there() -> None:
    promised = {
        "m40x4",
        "k80-fdr",
        "cori-knl",
        "dgx1-p100",
        "dgx1-v100",
        "dgx2",
        "dgx-a100",
        "dgx-h100",
        "aws-p2-16xlarge",
        "aws-p3-16xlarge",
        "ethernet-cluster",
    }
    assert promised <= set(SYSTEMS)


def test_every_pair_has_a_connected_route_both_ways(platform: Platform) -> None:
    for source, destination in itertools.product(devices(platform), repeat=2):
        assert_connected(platform, source, destination)


def test_routes_use_only_links_of_the_platform(platform: Platform) -> None:
    known = {id(link) for link in platform.links}
    assert len(known) == len(platform.links)
    for source, destination in itertools.product(devices(platform), repeat=2):
        assert {id(link) for link in platform.route(source, destination).links} <= known


def test_the_way_back_is_of_the_same_kind_length_and_cost(platform: Platform) -> None:
    for source, destination in itertools.combinations(devices(platform), 2):
        there, back = platform.route(source, destination), platform.route(destination, source)
        assert platform.link_class(source, destination) == platform.link_class(destination, source)
        assert len(there.links) == len(back.links)
        assert (there.overhead, there.rate_cap, there.bandwidth) == (back.overhead, back.rate_cap, back.bandwidth)
        assert there.latency == pytest.approx(back.latency, rel=1e-12)


def test_the_graph_has_one_typed_link_an_edge(platform: Platform) -> None:
    graph = platform.graph
    assert graph.number_of_edges() == len(platform.links)
    for source, target, link in graph.edges(data="link"):
        assert (link.source, link.target) == (source, target)
    assert all("kind" in attributes for _, attributes in graph.nodes(data=True))


def test_every_link_runs_both_ways_and_the_directions_are_different_links(platform: Platform) -> None:
    by_ends = {(link.source, link.target): link for link in platform.links}
    for (source, target), link in by_ends.items():
        back = by_ends[target, source]
        assert back is not link
        assert (back.bandwidth, back.latency) == (link.bandwidth, link.latency)


def test_asking_again_gives_the_same_route_and_building_again_an_equal_one(platform: Platform) -> None:
    again = build_platform(platform.system, platform.nodes)
    source, destination = platform.hosts[0].name, platform.accelerators[-1].name
    route = platform.route(source, destination)
    assert platform.route(source, destination) is route
    assert [link.name for link in again.route(source, destination).links] == [link.name for link in route.links]


def test_names_and_indices_of_devices_say_where_they_are(platform: Platform) -> None:
    per_node = platform.system.accelerators_per_node
    assert len(platform.accelerators) == per_node * platform.nodes
    for index, device in enumerate(platform.accelerators):
        assert (device.node, device.local_index) == divmod(index, per_node)
        assert device.name.startswith(f"n{device.node}.")
    assert [host.node for host in platform.hosts] == list(range(platform.nodes))


@pytest.mark.parametrize("name", [name for name in SYSTEMS if load_system(name).max_nodes > 1])
def test_messages_between_nodes_have_plausible_costs(name: str) -> None:
    platform = build_platform(load_system(name), 2)
    first, last = platform.hosts[0].name, platform.hosts[-1].name
    route = platform.route(first, last)
    assert platform.link_class(first, last) == "node-node"
    assert 0.1e-6 < route.overhead + route.latency < 60e-6
    assert 1e8 < route.bandwidth < 1e11


def test_description_counts_every_link_once(platform: Platform) -> None:
    description = platform.describe()
    assert 2 * sum(row.cables for row in description.cables) == len(platform.links)
    listed: list[str] = []
    frontier = list(description.trees)
    while frontier:
        branch = frontier.pop()
        listed.append(branch.name)
        frontier.extend(branch.below)
    assert sorted(listed) == sorted(platform.system.node.vertices)
    assert len(description.meshed) == len(platform.system.node.cables) - (len(listed) - len(description.trees))


@pytest.mark.parametrize("name", SYSTEMS)
def test_node_counts_that_do_not_exist_are_refused(name: str) -> None:
    system = load_system(name)
    for nodes in (0, -3, system.max_nodes + 1):
        with pytest.raises(InfeasibleError, match=rf"{name}: nodes: expected .*1.*, got {nodes}"):
            build_platform(system, nodes)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_whole_machine_can_be_set_up_and_crossed(name: str) -> None:
    system = load_system(name)
    platform = build_platform(system, system.max_nodes)
    assert_connected(platform, platform.accelerators[0].name, platform.accelerators[-1].name)
