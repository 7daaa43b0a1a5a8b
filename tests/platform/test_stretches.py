"""Ways are put together of stretches: those are shared, fit end to end, and say what their cables say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hardware.cables import CableType
from simulator.hardware.fabric import DragonflyProfile, FatTreeProfile, TorusProfile
from simulator.platform.cabling import LinkBuilder, Step, Stretch
from simulator.platform.corrections import LinkCorrection, PlatformCorrections
from simulator.platform.fabrics.base import Fabric
from simulator.platform.fabrics.dragonfly import Dragonfly
from simulator.platform.fabrics.fat_tree import FatTree
from simulator.platform.fabrics.star import Star
from simulator.platform.fabrics.torus import Torus

KEYS = ("injection", "uplink", "link", "row", "column", "global")
CABLES = {key: CableType(key, key, 1, 1e9, 1e-6) for key in KEYS}


def adapters(count: float) -> list[str]:
    return [f"a{index}" for index in range(int(count))]


def star() -> Fabric:
    return Star(adapters(40), CABLES)


def fat_tree(levels: int, radix: int = 6) -> Fabric:
    table = {"kind": "fat-tree", "injection": "made", "levels": levels, "radix": radix}
    profile = FatTreeProfile.model_validate(table)
    return FatTree(adapters(profile.capacity()), CABLES, profile)


def torus(*shape: int) -> Fabric:
    table = {"kind": "torus", "injection": "made", "link": "made", "shape": shape, "nodes_per_router": 2}
    profile = TorusProfile.model_validate(table)
    return Torus(adapters(profile.capacity()), CABLES, profile)


def dragonfly(routing: str) -> Fabric:
    table = {"groups": 4, "rows": 2, "columns": 3, "nodes_per_router": 2, "connections": 3}
    profile = DragonflyProfile.model_validate(
        {"kind": "dragonfly", "injection": "i", "row": "r", "column": "c", "global": "g", **table}
    )
    return Dragonfly(adapters(profile.capacity()), CABLES, profile, routing, seed=3)


FABRICS: dict[str, Callable[[], Fabric]] = {
    "star": star,
    "two levels": lambda: fat_tree(2),
    "three levels": lambda: fat_tree(3),
    "torus": lambda: torus(3, 4, 2),
    "minimal dragonfly": lambda: dragonfly("minimal"),
    "valiant dragonfly": lambda: dragonfly("valiant"),
}


@pytest.fixture(scope="module", params=FABRICS, ids=lambda name: name.replace(" ", "-"))
def fabric(request: pytest.FixtureRequest) -> Fabric:
    return FABRICS[request.param]()


def test_stretches_fit_end_to_end_from_adapter_to_adapter(fabric: Fabric) -> None:
    for source, target in product(range(len(fabric.adapters)), repeat=2):
        way = fabric.stretches(source, target)
        if source == target:
            assert way == ()
            continue
        assert way[0].vertices[0] == fabric.adapters[source]
        assert way[-1].vertices[-1] == fabric.adapters[target]
        assert all(before.vertices[-1] == after.vertices[0] for before, after in pairwise(way))


def test_the_same_stretch_is_handed_out_every_time_and_a_new_fabric_goes_the_same_way(
    fabric: Fabric, request: pytest.FixtureRequest
) -> None:
    again = FABRICS[request.node.callspec.params["fabric"]]()
    for source, target in product(range(len(fabric.adapters)), repeat=2):
        way = fabric.stretches(source, target)
        assert all(one is other for one, other in zip(way, fabric.stretches(source, target), strict=True))
        assert fabric.path(source, target) == again.path(source, target)


def test_no_two_stretches_are_alike(fabric: Fabric) -> None:
    """So links are looked up once for all ways that have a stretch in common."""
    ways = (fabric.stretches(*pair) for pair in product(range(len(fabric.adapters)), repeat=2))
    distinct = {id(stretch): stretch for way in ways for stretch in way}.values()
    assert len({tuple(stretch.vertices) for stretch in distinct}) == len(distinct)


def test_a_fat_tree_has_far_fewer_stretches_than_ways() -> None:
    """Two for each adapter; from a leaf one to each switch above it, by way of one in the pod; to a leaf as many of
    either kind as it has adapters, since the target's number chooses the switch."""
    tree = fat_tree(3, radix=8)
    count = len(tree.adapters)
    ways = (tree.stretches(*pair) for pair in product(range(count), repeat=2))
    distinct = {id(stretch) for way in ways for stretch in way}
    leaves, half = count // 4, 4
    assert len(distinct) == 2 * count + leaves * (half + half**2) + 2 * leaves * half
    assert len(distinct) < count * (count - 1) / 10


caps = st.sampled_from([1e8, 3e9, inf])


@given(flow_cap=caps, pageable=caps, factor=st.floats(0.5, 2.0), latency=st.floats(0.0, 1e-6), steps=st.integers(1, 4))
def test_a_laid_stretch_is_its_steps_as_corrected(
    flow_cap: float, pageable: float, factor: float, latency: float, steps: int
) -> None:
    cable = CableType("made", "made", 1, 1e9, 1e-6, pageable_bandwidth=pageable, flow_cap=flow_cap)
    stretch = Stretch([f"v{index}" for index in range(steps + 1)], cable)
    builder = LinkBuilder(PlatformCorrections({"made": LinkCorrection(factor, latency)}))
    laid = builder.lay(stretch)
    assert builder.lay(stretch) is laid
    assert laid.links == tuple(builder.link(*step) for step in stretch.steps())
    assert (laid.flow_cap, laid.pageable_bandwidth) == builder.limits(stretch.steps())
    assert (laid.flow_cap, laid.pageable_bandwidth) == (flow_cap * factor, pageable * factor)
    assert {(link.bandwidth, link.latency) for link in laid.links} == {(1e9 * factor, 1e-6 + latency)}


def test_a_link_is_made_once_whatever_it_is_a_step_of() -> None:
    builder, cable = LinkBuilder(), CABLES["link"]
    alone, longer = builder.lay(Stretch(("a", "b"), cable)), builder.lay(Stretch(("a", "b", "c"), cable))
    assert alone.links[0] is longer.links[0] is builder.link(*Step("a", "b", cable))


def test_directions_of_a_half_duplex_cable_are_one_resource() -> None:
    builder, cable = LinkBuilder(), CableType("made", "made", 1, 1e9, 1e-6, half_duplex=True)
    there, back = builder.link("a", "b", cable), builder.link("b", "a", cable)
    assert there is not back
    assert there.resource == back.resource
