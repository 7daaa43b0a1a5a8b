"""A platform of 10,000 accelerators: what grows with it grows in proportion, and what is alike is worked out once."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from platform_laws import assert_connected

import simulator.memory_plan
import simulator.simulation
from simulator.hardware import load_system
from simulator.platform import Platform, build_platform
from simulator.platform.node_paths import NodePaths
from simulator.scenario import Scenario
from simulator.simulation import Simulation

SCENARIO = """
[cluster]
system = "dgx-h100"
nodes = 1250
[workload]
network = "synthetic:parameters=250000000,flops=8e9,layers=50"
dataset = "imagenet"
batch_size = 64
steps = 100
[algorithm]
name = "sync-sgd"
"""


def dgx(nodes: int) -> Platform:
    return build_platform(load_system("dgx-h100"), nodes)


def ring(platform: Platform) -> list[tuple[str, str]]:
    names = [device.name for device in platform.accelerators]
    return list(zip(names, [*names[1:], names[0]], strict=True))


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Counter[str]:
    """How often a function is called from here on."""
    calls, real = Counter[str](), getattr(owner, name)

    def call(*args: Any, **options: Any) -> Any:
        calls[name] += 1
        return real(*args, **options)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_ten_thousand_accelerators_and_a_thousand_routes_in_two_seconds() -> None:
    start = time.process_time()
    platform = dgx(1250)
    choice = random.Random(1).choice
    names = [device.name for device in platform.accelerators]
    for _ in range(1000):
        assert_connected(platform, choice(names), choice(names))
    assert len(names) == 10_000
    assert time.process_time() - start < 2.0


def test_ways_inside_nodes_are_searched_for_once_however_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = counted(monkeypatch, NodePaths, "_quickest")

    def needed(nodes: int) -> int:
        searches.clear()
        platform = dgx(nodes)
        for pair in ring(platform):
            platform.route(*pair)
        for device in platform.accelerators:
            platform.near_memory(device.name)
        return searches["_quickest"]

    assert needed(200) == needed(2) > 0


def test_a_ring_has_as_many_links_as_the_parts_that_it_crosses() -> None:
    """Seven routes of two NVLinks in each node; one more out over PCIe and the fabric and in over PCIe."""
    platform = dgx(40)
    routes = [platform.route(*pair) for pair in ring(platform)]
    assert Counter(len(route.links) for route in routes)[2] == 7 * 40
    links = {id(link) for route in routes for link in route.links}
    longest = max(len(route.links) for route in routes)
    assert 40 * 2 * 7 < len(links) < 40 * (2 * 7 + longest)


def peak(of: Callable[[], object]) -> int:
    """Memory that it takes at most [bytes]."""
    tracemalloc.start()
    try:
        of()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def routed(nodes: int) -> Platform:
    platform = dgx(nodes)
    for pair in ring(platform):
        platform.route(*pair)
    return platform


def test_memory_grows_in_proportion_to_the_machine_and_stays_small() -> None:
    routed(1)  # what is read once is read before
    quarter, whole = peak(lambda: routed(312)), peak(lambda: routed(1250))
    assert whole < 4.5 * quarter
    assert whole < 60e6


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "large.toml"
    path.write_text(SCENARIO)
    return Scenario.load(path, {})


def test_what_a_device_holds_is_worked_out_as_often_for_ten_thousand_as_for_eight(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = counted(monkeypatch, simulator.memory_plan, "memory_needed")
    Simulation(scenario.override({"cluster.nodes": 1}))
    once = needs.total()
    plan = Simulation(scenario).memory_plan
    assert needs.total() == 2 * once
    assert len({worker.name for worker in plan.workers}) == 10_000
    assert {worker.need for worker in plan.workers} == {plan.worker}


def test_without_randomness_no_streams_are_made(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = counted(monkeypatch, simulator.simulation, "stream")
    few = scenario.override({"cluster.nodes": 1})
    setups = Simulation(few).setups()
    assert not streams
    assert {setup.jitter() * setup.update_jitter() for setup in setups} == {1.0}
    Simulation(few.override({"simulation.jitter": 0.1})).setups()
    assert streams.total() == 2 * len(setups)


def test_ranks_are_told_apart_by_their_routes_and_categories(scenario: Scenario) -> None:
    """What a run asks for between ranks is what the platform says of their devices."""
    simulation = Simulation(scenario.override({"cluster.nodes": 3}))
    platform, devices = simulation.platform, simulation.devices
    categories = {"gpu-gpu": "gpu_gpu_parameters", "node-node": "node_node_parameters"}
    for source, target in ((0, 1), (7, 8), (23, 0)):
        names = devices[source].name, devices[target].name
        assert simulation._route(source, target) is platform.route(*names)
        assert simulation.category(source, target) == categories[platform.link_class(*names)]
