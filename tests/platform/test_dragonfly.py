"""Dragonflies against their closed forms, and what minimal and Valiant routes may use."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError, UnknownNameError
from simulator.hardware import load_system
from simulator.hardware.cables import CableType
from simulator.hardware.fabric import DragonflyProfile
from simulator.platform import build_platform
from simulator.platform.fabrics.dragonfly import Dragonfly

CABLES = {name: CableType(name, name, 1, 1e9, 1e-6) for name in ("injection", "row", "column", "global")}


@cache
def dragonfly(
    groups: int, rows: int, columns: int, each: int = 2, connections: int = 1, routing: str = "minimal", seed: int = 0
) -> Dragonfly:
    links = {name: name for name in CABLES}
    shape = {"groups": groups, "rows": rows, "columns": columns, "nodes_per_router": each, "connections": connections}
    profile = DragonflyProfile.model_validate({"kind": "dragonfly", **links, **shape})
    adapters = [f"a{index}" for index in range(int(profile.capacity()))]
    return Dragonfly(adapters, CABLES, profile, routing, seed)


shapes = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(2, 5)).flatmap(
    lambda shape: st.tuples(*map(st.just, shape), st.integers(1, 3), st.integers(1, shape[1] * shape[2]))
)
routings = st.sampled_from(["minimal", "valiant"])


def used(fabric: Dragonfly, source: int, target: int) -> Counter[str]:
    return Counter(step.cable.profile for step in fabric.path(source, target))


@given(shape=shapes, routing=routings, data=st.data())
def test_paths_are_loop_free_and_in_the_list_of_cables(
    shape: tuple[int, ...], routing: str, data: st.DataObject
) -> None:
    fabric = dragonfly(*shape, routing=routing)
    index = st.integers(0, len(fabric.adapters) - 1)
    source, target = data.draw(index), data.draw(index)
    path = fabric.path(source, target)
    names = [fabric.adapters[source], *(step.target for step in path)]
    assert names[-1] == fabric.adapters[target]
    assert len(set(names)) == len(names)
    kinds = {frozenset((cable.source, cable.target)): cable.type for cable in fabric.cables()}
    assert all(kinds[frozenset((step.source, step.target))] == step.cable for step in path)


@given(shape=shapes, data=st.data())
def test_minimal_uses_at_most_one_global_link_and_two_local_ones_on_either_side(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    fabric = dragonfly(*shape)
    index = st.integers(0, len(fabric.adapters) - 1)
    source, target = data.draw(index), data.draw(index)
    count = used(fabric, source, target)
    per_group = len(fabric.adapters) // fabric.profile.groups
    assert count["global"] == int(source // per_group != target // per_group)
    assert count["row"] <= 1 + count["global"]
    assert count["column"] <= 1 + count["global"]


@given(shape=shapes, seed=st.integers(0, 5), data=st.data())
def test_valiant_uses_at_most_two_global_links(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    fabric = dragonfly(*shape, routing="valiant", seed=seed)
    index = st.integers(0, len(fabric.adapters) - 1)
    source, target = data.draw(index), data.draw(index)
    per_group = len(fabric.adapters) // fabric.profile.groups
    count = used(fabric, source, target)
    if source // per_group == target // per_group:
        assert count["global"] == 0
    else:
        assert count["global"] == (2 if fabric.profile.groups > 2 else 1)


@pytest.mark.parametrize(("groups", "rows", "columns", "connections"), [(5, 1, 4, 1), (4, 2, 3, 2), (6, 3, 4, 5)])
def test_cable_counts_follow_from_the_shape(groups: int, rows: int, columns: int, connections: int) -> None:
    fabric = dragonfly(groups, rows, columns, 2, connections)
    count = Counter(cable.type.profile for cable in fabric.cables())
    assert count == Counter(
        {
            "injection": 2 * groups * rows * columns,
            "row": groups * rows * comb(columns, 2),
            "column": groups * columns * comb(rows, 2),
            "global": connections * comb(groups, 2),
        }
    )


@given(shape=shapes)
def test_both_groups_agree_where_a_connection_ends_and_every_router_has_its_share(shape: tuple[int, ...]) -> None:
    fabric = dragonfly(*shape)
    ends: Counter[tuple[int, int]] = Counter()
    for group, other in combinations(range(fabric.profile.groups), 2):
        forwards, backwards = fabric.gateways(group, other), fabric.gateways(other, group)
        assert forwards == [(near, far) for far, near in backwards]
        ends.update(end for pair in forwards for end in pair)
    loads = [ends[group, router] for group in range(fabric.profile.groups) for router in range(fabric.profile.routers)]
    assert max(loads) - min(loads) <= 1


def test_valiant_routes_depend_on_the_pair_and_the_seed_alone() -> None:
    first, again, other = (dragonfly(8, 1, 4, routing="valiant", seed=seed) for seed in (1, 1, 2))
    dragonfly.cache_clear()
    fresh = dragonfly(8, 1, 4, routing="valiant", seed=1)
    pairs = [(source, target) for source in range(0, 64, 5) for target in range(0, 64, 7)]
    backwards = {pair: fresh.path(*pair) for pair in reversed(pairs)}
    assert first is again
    assert all(first.path(*pair) == backwards[pair] for pair in pairs)
    assert any(first.path(*pair) != other.path(*pair) for pair in pairs)


def test_valiant_spreads_the_worst_pattern_over_many_more_global_links() -> None:
    """All of group 0 sends to group 1: minimally over the one link between them, by Valiant over nearly all links."""
    minimal, valiant = dragonfly(9, 1, 4), dragonfly(9, 1, 4, routing="valiant")
    worst = []
    for fabric in (minimal, valiant):
        loads: Counter[str] = Counter()
        for source in range(8):
            path = fabric.path(source, 8 + source)
            loads.update(f"{step.source}{step.target}" for step in path if step.cable.profile == "global")
        worst.append(max(loads.values()))
    assert worst[0] == 8
    assert worst[1] <= 4


def test_a_job_in_one_group_does_not_list_the_rest_of_the_machine() -> None:
    system = load_system("cori-knl")
    for routing in ("minimal", "valiant"):
        assert len(build_platform(system, 64, routing=routing).fabric.layers()) == 96
    assert len(build_platform(system, 500).fabric.layers()) == 2 * 96
    assert len(build_platform(system, 500, routing="valiant").fabric.layers()) == 34 * 96


def test_cori_has_the_published_wiring() -> None:
    """Rank 1: 15 cables a router; rank 2: 5; six optical cables (18.75 GB/s raw each) between two groups."""
    platform = build_platform(load_system("cori-knl"), 2 * 384)
    ends: Counter[tuple[str, str]] = Counter()
    between = 0
    for cable in platform.fabric.cables():
        groups = {name.partition(".")[0] for name in (cable.source, cable.target)}
        if groups == {"g0", "g1"}:
            between += 1
        elif groups == {"g0"}:
            kind = "row" if int(cable.source[4:]) // 16 == int(cable.target[4:]) // 16 else "column"
            ends.update(((cable.source, kind), (cable.target, kind)))
    assert between == 6
    assert {count for (_, kind), count in ends.items() if kind == "row"} == {15}
    assert {count for (_, kind), count in ends.items() if kind == "column"} == {5}


def test_cori_messages_run_at_what_mpi_measured_however_far() -> None:
    platform = build_platform(load_system("cori-knl"), 9688)
    for far in (1, 4, 300, 500, 9687):
        assert platform.route("n0.knl", f"n{far}.knl").bandwidth == pytest.approx(8.5e9)
        assert platform.route("n0.knl", f"n{far}.knl").latency <= 0.6e-6


def test_routing_is_refused_where_it_means_nothing() -> None:
    with pytest.raises(InputError, match="needs a dragonfly"):
        build_platform(load_system("dgx1-v100"), 2, routing="valiant")
    with pytest.raises(UnknownNameError, match="did you mean 'minimal'"):
        build_platform(load_system("cori-knl"), 2, routing="minimum")
