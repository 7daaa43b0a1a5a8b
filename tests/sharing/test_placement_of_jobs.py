"""Which nodes each job gets: as many as it asked for, none twice, and refused when there are not enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InfeasibleError
from simulator.sharing.placement import SCHEMES, choose_nodes, format_nodes

counts = st.lists(st.integers(1, 12), min_size=1, max_size=5)


@given(counts, st.sampled_from([scheme for scheme in SCHEMES if scheme != "colocated"]), st.integers(0, 9))
def test_every_job_has_its_nodes_and_no_node_two_jobs(counts, scheme, seed):
    nodes = choose_nodes(counts, scheme, 60, seed=seed)
    assert [len(own) for own in nodes] == counts
    everyone = [node for own in nodes for node in own]
    assert sorted(everyone) == list(range(sum(counts)))


@given(counts, st.integers(0, 9))
def test_random_nodes_are_of_the_machine_s_and_the_seed_s(counts, seed):
    nodes = choose_nodes(counts, "random", 200, machine_nodes=100, seed=seed)
    everyone = [node for own in nodes for node in own]
    assert len(set(everyone)) == sum(counts)
    assert all(0 <= node < 100 for node in everyone)
    assert nodes == choose_nodes(counts, "random", 200, machine_nodes=100, seed=seed)


@given(counts)
def test_packed_jobs_are_runs_and_colocated_ones_begin_together(counts):
    for own in choose_nodes(counts, "packed", 60):
        assert list(own) == list(range(own[0], own[0] + len(own)))
    assert choose_nodes(counts, "colocated", 60) == [tuple(range(count)) for count in counts]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_too_few_nodes_are_refused(scheme):
    needed = 5 if scheme == "colocated" else 8
    assert choose_nodes([3, 5], scheme, needed)
    with pytest.raises(InfeasibleError, match=f"{needed} nodes, but the system has {needed - 1}"):
        choose_nodes([3, 5], scheme, needed - 1)


def test_a_machine_that_is_too_small_or_too_large_to_draw_from_is_refused():
    for size in (7, 21):
        with pytest.raises(InfeasibleError, match=f"machine_nodes: expected 8 to 20, got {size}"):
            choose_nodes([3, 5], "random", 20, machine_nodes=size)


@given(st.sets(st.integers(0, 40), min_size=1, max_size=8))
def test_numbers_of_nodes_can_be_read_back(nodes):
    read = set()
    for part in format_nodes(sorted(nodes)).split(", "):
        run, _, stride = part.partition(" step ")
        first, _, last = run.partition("-")
        read |= set(range(int(first), int(last or first) + 1, int(stride or 1)))
    assert read == nodes
