"""Every registered schedule does what its collective promises, whatever the ranks, the root and the size."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.collectives.registry import algorithms, options, schedule
from simulator.collectives.rounds import bounds
from simulator.collectives.schedule import COLLECTIVES, Schedule, execute

REGISTERED = [(collective, name) for collective in COLLECTIVES for name in algorithms(collective)]
EVERY = pytest.mark.parametrize(("collective", "algorithm"), REGISTERED)
RANKS = [*range(1, 18), 31, 64]


def check_promise(plan: Schedule) -> None:
    """Play `plan` on whole numbers that tell ranks and elements apart, and check what the collective promises."""
    before = [np.arange(plan.elements, dtype=np.int64) + (rank + 1) * 1_000_003 for rank in range(plan.ranks)]
    total = np.sum(before, axis=0)
    cut = bounds(plan.elements, plan.ranks)
    chunks = [slice(cut[rank], cut[rank + 1]) for rank in range(plan.ranks)]
    if plan.collective == "all_gather":
        gathered = np.concatenate([before[rank][chunk] for rank, chunk in enumerate(chunks)])
        for rank, chunk in enumerate(chunks):  # nothing but a rank's own chunk may matter
            own = before[rank][chunk].copy()
            before[rank][:] = -1
            before[rank][chunk] = own
    after = execute(plan, before)
    for rank, held in enumerate(after):
        if plan.collective == "broadcast":
            np.testing.assert_array_equal(held, before[plan.root])
        elif (plan.collective == "reduce" and rank == plan.root) or plan.collective == "all_reduce":
            np.testing.assert_array_equal(held, total)
        elif plan.collective == "reduce_scatter":
            np.testing.assert_array_equal(held[chunks[rank]], total[chunks[rank]])
        elif plan.collective == "all_gather":
            np.testing.assert_array_equal(held, gathered)


def small_segments(collective: str, algorithm: str) -> dict[str, int]:
    """Segments short enough for several to be under way at once."""
    return {"segment_elements": 7} if "segment_elements" in options(collective, algorithm) else {}


@EVERY
@pytest.mark.parametrize("ranks", RANKS)
def test_every_rank_holds_what_the_collective_promises(collective: str, algorithm: str, ranks: int) -> None:
    for elements in (0, 1, ranks - 1, ranks, 3 * ranks + 1, 97):
        plan = schedule(collective, algorithm, ranks, elements, **small_segments(collective, algorithm))
        check_promise(plan)


@EVERY
@pytest.mark.parametrize("ranks", [2, 3, 6, 7, 12, 13])
def test_any_rank_can_be_the_root(collective: str, algorithm: str, ranks: int) -> None:
    for root in range(ranks):
        check_promise(schedule(collective, algorithm, ranks, 29, root, **small_segments(collective, algorithm)))


@st.composite
def plans(draw: Callable) -> Schedule:
    """Any registered schedule with any options."""
    collective, algorithm = draw(st.sampled_from(REGISTERED))
    ranks = draw(st.integers(1, 26))
    chosen: dict[str, object] = {}
    known = options(collective, algorithm)
    if "segment_elements" in known:
        chosen["segment_elements"] = draw(st.integers(1, 40))
    if "ranks_per_node" in known:
        sizes = [size for size in range(1, 27) if algorithm == "hierarchical" or ranks % size == 0]
        chosen["ranks_per_node"] = draw(st.sampled_from([None, *sizes]))
    if "across" in known:
        chosen["across"] = draw(
            st.sampled_from(["auto", "ring", "recursive-doubling", "rabenseifner", "binomial-tree"])
        )
    elements, root = draw(st.integers(0, 90)), draw(st.integers(0, ranks - 1))
    return schedule(collective, algorithm, ranks, elements, root, **chosen)


@given(plans())
def test_promises_are_kept_whatever_the_options(plan: Schedule) -> None:
    check_promise(plan)


@given(plans())
def test_what_a_rank_sends_and_adds_is_what_its_actions_say(plan: Schedule) -> None:
    for rank in range(plan.ranks):
        actions = plan.actions(rank)
        assert plan.elements_sent(rank) == sum(t.elements for action in actions for t in action.sends)
        added = sum(t.elements for action in actions for t in action.receives if t.reduce)
        assert plan.elements_reduced(rank) == added
    assert plan.transfer_count == sum(len(a.sends) for rank in range(plan.ranks) for a in plan.actions(rank))
