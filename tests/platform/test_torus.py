"""Tori against their closed forms: distances, cable counts, dimension order."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hardware.cables import CableType
from simulator.hardware.fabric import TorusProfile
from simulator.platform.fabrics.torus import Torus

CABLES = {name: CableType(name, name, 1, 1e9, 1e-6) for name in ("injection", "link")}

shapes = st.lists(st.integers(1, 6), min_size=2, max_size=3).map(tuple).filter(lambda shape: prod(shape) > 1)


def torus(shape: tuple[int, ...], each: int = 1) -> Torus:
    profile = TorusProfile.model_validate(
        {"kind": "torus", "injection": "made", "link": "made", "shape": shape, "nodes_per_router": each}
    )
    return Torus([f"a{index}" for index in range(int(profile.capacity()))], CABLES, profile)


def place(index: int, shape: tuple[int, ...]) -> list[int]:
    """Row-major coordinates, written another way than in the fabric."""
    return [index // prod(shape[dimension + 1 :]) % size for dimension, size in enumerate(shape)]


@given(shape=shapes, each=st.integers(1, 2), data=st.data())
def test_hops_are_the_sum_of_the_shorter_ways_round(shape: tuple[int, ...], each: int, data: st.DataObject) -> None:
    fabric = torus(shape, each)
    index = st.integers(0, len(fabric.adapters) - 1)
    source, target = data.draw(index), data.draw(index)
    here, there = place(source // each, shape), place(target // each, shape)
    distance = sum(min((a - b) % size, (b - a) % size) for a, b, size in zip(here, there, shape, strict=True))
    assert len(fabric.path(source, target)) == (0 if source == target else distance + 2)


@given(shape=shapes, data=st.data())
def test_paths_are_loop_free_and_in_the_list_of_cables(shape: tuple[int, ...], data: st.DataObject) -> None:
    fabric = torus(shape)
    index = st.integers(0, len(fabric.adapters) - 1)
    source, target = data.draw(index), data.draw(index)
    path = fabric.path(source, target)
    names = [fabric.adapters[source], *(step.target for step in path)]
    assert names[-1] == fabric.adapters[target]
    assert len(set(names)) == len(names)
    ends = {frozenset((cable.source, cable.target)) for cable in fabric.cables()}
    assert {frozenset((step.source, step.target)) for step in path} <= ends


@given(shape=shapes)
def test_each_ring_has_as_many_cables_as_routers_but_a_ring_of_two_has_one(shape: tuple[int, ...]) -> None:
    fabric = torus(shape)
    cables = [cable for cable in fabric.cables() if cable.type.profile == "link"]
    per_ring = {1: 0, 2: 1}
    expected = sum(prod(shape) // size * per_ring.get(size, size) for size in shape)
    assert len(cables) == expected
    assert len({frozenset((cable.source, cable.target)) for cable in cables}) == expected


def passed(fabric: Torus, source: int, target: int) -> list[str]:
    """The routers on the way."""
    return [step.target for step in fabric.path(source, target)[:-1]]


def test_the_first_dimension_is_corrected_first() -> None:
    assert passed(torus((4, 4)), 0, 6) == ["r0.0", "r1.0", "r1.1", "r1.2"]


def test_the_short_way_may_wrap_around() -> None:
    assert passed(torus((5, 1)), 0, 4) == ["r0.0", "r4.0"]


@pytest.mark.parametrize("size", [4, 6])
def test_opposite_pairs_use_both_directions_alike(size: int) -> None:
    fabric = torus((size, 1))
    ups = sum(
        passed(fabric, start, (start + size // 2) % size)[1] == f"r{(start + 1) % size}.0" for start in range(size)
    )
    assert ups == size // 2
