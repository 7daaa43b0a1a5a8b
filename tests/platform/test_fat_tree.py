"""Fat trees against their closed forms: sizes, hops, link counts, bisection, and how D-mod-k avoids clashes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hardware.cables import CableType
from simulator.hardware.fabric import FatTreeProfile
from simulator.platform.cabling import Step
from simulator.platform.fabrics.fat_tree import FatTree

CABLE = CableType("made", "made", 1, 1e9, 1e-6)


def fat_tree(adapters: int, radix: int, levels: int = 2, oversubscription: float = 1.0) -> FatTree:
    profile = FatTreeProfile.model_validate(
        {
            "kind": "fat-tree",
            "injection": "made",
            "levels": levels,
            "radix": radix,
            "oversubscription": oversubscription,
        }
    )
    assert adapters <= profile.capacity()
    return FatTree([f"a{index}" for index in range(adapters)], {"injection": CABLE}, profile)


def full(radix: int, levels: int) -> FatTree:
    return fat_tree(radix**2 // 2 if levels == 2 else radix**3 // 4, radix, levels)


shapes = st.builds(
    fat_tree,
    adapters=st.integers(2, 60),
    radix=st.sampled_from([12, 24]),
    levels=st.sampled_from([2, 3]),
    oversubscription=st.sampled_from([1, 2, 3]),
)


@pytest.mark.parametrize("radix", [2, 4, 6, 8])
def test_full_trees_have_the_published_sizes(radix: int) -> None:
    """Two levels: k^2/2 adapters, k leaves, k/2 spines; three: k^3/4, k^2/2, k^2/2 and k^2/4 (Al-Fares et al. 2008)."""
    two, three = full(radix, 2), full(radix, 3)
    assert Counter(two.layers().values()) == {1: radix, 2: radix // 2}
    assert Counter(three.layers().values()) == {1: radix**2 // 2, 2: radix**2 // 2, 3: radix**2 // 4}
    assert len(list(two.cables())) == 2 * len(two.adapters)
    assert len(list(three.cables())) == 3 * len(three.adapters)


@pytest.mark.parametrize(("radix", "levels"), [(4, 2), (8, 2), (4, 3), (6, 3)])
def test_every_switch_of_a_full_tree_has_radix_cables(radix: int, levels: int) -> None:
    ports: Counter[str] = Counter()
    tree = full(radix, levels)
    for cable in tree.cables():
        ports.update((cable.source, cable.target))
    assert {ports[name] for name in tree.layers()} == {radix}


@pytest.mark.parametrize("radix", [4, 6, 8])
def test_hops_are_two_within_a_leaf_four_within_a_pod_six_beyond(radix: int) -> None:
    tree, half = full(radix, 3), radix // 2
    for target in range(1, len(tree.adapters)):
        expected = 2 if target < half else 4 if target < half**2 else 6
        assert len(tree.path(0, target)) == expected


@given(tree=shapes, data=st.data())
def test_paths_exist_in_the_list_of_cables(tree: FatTree, data: st.DataObject) -> None:
    index = st.integers(0, len(tree.adapters) - 1)
    source, target = data.draw(index), data.draw(index)
    ends = {frozenset((cable.source, cable.target)) for cable in tree.cables()}
    path = tree.path(source, target)
    assert {frozenset((step.source, step.target)) for step in path} <= ends
    names = [tree.adapters[source], *(step.target for step in path)]
    assert names[-1] == tree.adapters[target]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("radix", "oversubscription"), [(12, 1), (12, 2), (12, 3), (64, 3)])
def test_leaves_are_oversubscribed_as_asked(radix: int, oversubscription: int) -> None:
    down = radix - radix // (1 + oversubscription)
    tree = fat_tree(2 * down, radix, 2, oversubscription)
    degrees = Counter(cable.source if cable.source.startswith("leaf") else cable.target for cable in tree.cables())
    up = degrees["leaf0"] - down
    assert down == oversubscription * up


def load(tree: FatTree, pairs: list[tuple[int, int]]) -> int:
    """Messages on the busiest directed cable."""
    used: Counter[tuple[str, str]] = Counter()
    for source, target in pairs:
        used.update((step.source, step.target) for step in tree.path(source, target))
    return max(used.values())


@pytest.mark.parametrize(("radix", "levels"), [(4, 2), (8, 2), (4, 3), (6, 3), (8, 3)])
def test_full_bisection_every_shift_runs_without_a_clash(radix: int, levels: int) -> None:
    """In a full tree all adapters send at once to the one `shift` further on, and no cable carries two messages.

    A shift by half the adapters sends everything across the middle, so this is full bisection bandwidth.
    """
    tree = full(radix, levels)
    count = len(tree.adapters)
    for shift in range(1, count):
        assert load(tree, [(source, (source + shift) % count) for source in range(count)]) == 1


@pytest.mark.parametrize("radix", [4, 8])
def test_exchanges_across_each_bit_run_without_a_clash(radix: int) -> None:
    tree = full(radix, 2)
    count = len(tree.adapters)
    for bit in range(count.bit_length() - 1):
        assert load(tree, [(source, source ^ (1 << bit)) for source in range(count)]) == 1


def test_an_oversubscribed_leaf_clashes_as_much_as_its_ratio() -> None:
    tree = fat_tree(96, 64, 2, 3)
    assert load(tree, [(source, (source + 48) % 96) for source in range(96)]) == 3


def test_messages_to_one_target_meet_in_one_path() -> None:
    tree = full(8, 3)
    last_switches = {tree.path(source, 17)[-2:] for source in range(32, 128)}
    assert len(last_switches) == 1
    assert all(isinstance(step, Step) for step in last_switches.pop())
