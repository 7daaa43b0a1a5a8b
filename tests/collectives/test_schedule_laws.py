"""Laws that every registered schedule obeys: it can be played without deadlock, and wastes nothing it claims not to."""

import random
from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.collectives.registry import algorithms, options, schedule
from simulator.collectives.schedule import COLLECTIVES, Round, Schedule, Transfer, execute
from simulator.collectives.timing import alpha_beta_time

REGISTERED = [(collective, name) for collective in COLLECTIVES for name in algorithms(collective)]
EVERY = pytest.mark.parametrize(("collective", "algorithm"), REGISTERED)


def small_segments(collective: str, algorithm: str) -> dict[str, int]:
    """Segments short enough for several to be under way at once."""
    return {"segment_elements": 5} if "segment_elements" in options(collective, algorithm) else {}


def play_rank_by_rank(plan: Schedule, arrays: list[NDArray[np.int64]], seed: int) -> list[NDArray[np.int64]]:
    """What every rank holds after playing its own actions under rendezvous, in a random order of events.

    No rank knows the rounds of others. When a rank enters an action it offers all its transfers; one that both ends
    offer may happen at any later moment. It carries what the sender held when it entered; what was received is taken
    in, in the order of the schedule, when the action is complete.
    """
    pick = random.Random(seed)
    held = [array.copy() for array in arrays]
    actions = [deque(plan.actions(rank)) for rank in range(plan.ranks)]
    open_transfers: list[set[int]] = [set() for _ in range(plan.ranks)]  # by identity: the ends share the object
    snapshot = list(held)
    payloads: dict[int, NDArray[np.int64]] = {}
    ready: list[Transfer] = []

    def enter(rank: int) -> None:
        snapshot[rank] = held[rank].copy()
        for transfer in (*actions[rank][0].sends, *actions[rank][0].receives):
            open_transfers[rank].add(id(transfer))
            other = transfer.destination if transfer.source == rank else transfer.source
            if id(transfer) in open_transfers[other]:
                ready.append(transfer)

    def complete(rank: int) -> None:
        for transfer in actions[rank].popleft().receives:
            place = held[rank][transfer.first : transfer.last]
            payload = payloads.pop(id(transfer))
            place[:] = place + payload if transfer.reduce else payload
        if actions[rank]:
            enter(rank)

    for rank in pick.sample(range(plan.ranks), plan.ranks):
        if actions[rank]:
            enter(rank)
    while ready:
        transfer = ready.pop(pick.randrange(len(ready)))
        payloads[id(transfer)] = snapshot[transfer.source][transfer.first : transfer.last]
        for rank in (transfer.source, transfer.destination):
            open_transfers[rank].remove(id(transfer))
        for rank in (transfer.source, transfer.destination):
            if not open_transfers[rank]:
                complete(rank)
    assert not any(actions), "deadlock: some ranks wait for messages that nobody sends"
    return held


@EVERY
@pytest.mark.parametrize("ranks", [2, 3, 5, 8, 13, 24])
def test_ranks_that_know_only_their_own_actions_do_not_deadlock_and_get_the_same(
    collective: str, algorithm: str, ranks: int
) -> None:
    plan = schedule(collective, algorithm, ranks, 61, **small_segments(collective, algorithm))
    before = [np.arange(61, dtype=np.int64) * (rank + 3) for rank in range(ranks)]
    expected = execute(plan, before)
    for seed in range(3):
        np.testing.assert_array_equal(play_rank_by_rank(plan, before, seed), expected)


def test_the_deadlock_check_notices_a_deadlock() -> None:
    """Three ranks that each first wait for the next one: every end is in a different round of its own."""
    a, b, c = Transfer(0, 1, 0, 4, False), Transfer(1, 2, 0, 4, False), Transfer(2, 0, 0, 4, False)
    broken = Schedule("broadcast", "broken", 3, 4, 0, tuple(Round.of([message]) for message in (a, b, c)))
    actions = [tuple(reversed(broken.actions(0))), broken.actions(1), broken.actions(2)]
    broken.__dict__["_actions"] = tuple(actions)  # rank 0 waits for c before it sends a, b waits for a, c for b
    with pytest.raises(AssertionError, match="deadlock"):
        play_rank_by_rank(broken, [np.zeros(4, dtype=np.int64)] * 3, seed=0)


@EVERY
@pytest.mark.parametrize("ranks", [2, 3, 7, 16])
def test_transfers_are_well_formed(collective: str, algorithm: str, ranks: int) -> None:
    plan = schedule(collective, algorithm, ranks, 50, **small_segments(collective, algorithm))
    assert all(plan.rounds)
    for transfer in (transfer for transfers in plan.rounds for transfer in transfers):
        assert 0 <= transfer.first < transfer.last <= plan.elements
        assert transfer.source != transfer.destination
        assert {transfer.source, transfer.destination} <= set(range(ranks))


@EVERY
@pytest.mark.parametrize("ranks", [2, 3, 7, 16])
def test_no_element_is_overwritten_by_two_messages_of_one_round(collective: str, algorithm: str, ranks: int) -> None:
    """Else the result would depend on which arrives last."""
    plan = schedule(collective, algorithm, ranks, 50, **small_segments(collective, algorithm))
    for transfers in plan.rounds:
        written = np.zeros((ranks, plan.elements), dtype=int)
        for transfer in transfers:
            written[transfer.destination, transfer.first : transfer.last] += 1 if transfer.reduce else 100
        assert np.all((written < 100) | (written == 100))


@pytest.mark.parametrize("algorithm", algorithms("all_reduce"))
@pytest.mark.parametrize("ranks", [2, 3, 4, 7, 8, 12, 16])
def test_all_reduce_never_beats_the_bandwidth_bound(algorithm: str, ranks: int) -> None:
    """Without reduction in the network, the busiest rank sends at least 2(P - 1)/P · n, at bandwidth B."""
    elements, bandwidth = 240 * 7, 1e9
    plan = schedule("all_reduce", algorithm, ranks, elements, **small_segments("all_reduce", algorithm))
    bound = 2 * (ranks - 1) / ranks * elements
    assert max(plan.elements_sent(rank) for rank in range(ranks)) >= bound * (1 - 1e-12)
    assert alpha_beta_time(plan, 4.0, 0.0, bandwidth) >= bound * 4.0 / bandwidth * (1 - 1e-12)


@EVERY
@pytest.mark.parametrize("ranks", [2, 5, 8, 13])
def test_enough_additions_are_made_and_all_ranks_receive_enough(collective: str, algorithm: str, ranks: int) -> None:
    elements = 40 * 13
    plan = schedule(collective, algorithm, ranks, elements, **small_segments(collective, algorithm))
    additions = sum(plan.elements_reduced(rank) for rank in range(ranks))
    if "reduce" in collective:
        assert additions >= (ranks - 1) * elements
    else:
        assert additions == 0
    if collective in ("broadcast", "all_gather"):
        chunk = elements / ranks if collective == "all_gather" else 0
        for rank in set(range(ranks)) - {plan.root if collective == "broadcast" else -1}:
            received = sum(transfer.elements for action in plan.actions(rank) for transfer in action.receives)
            assert received >= elements - chunk - ranks


@pytest.mark.parametrize("ranks", [2, 3, 7, 16])
def test_ring_sends_the_least_possible_from_every_rank(ranks: int) -> None:
    elements = ranks * 30
    for collective, share in (("all_reduce", 2), ("reduce_scatter", 1), ("all_gather", 1)):
        plan = schedule(collective, "ring", ranks, elements)
        assert {plan.elements_sent(rank) for rank in range(ranks)} == {share * (ranks - 1) * 30}


@pytest.mark.parametrize("ranks", [2, 4, 8, 32])
def test_rabenseifner_sends_the_least_possible_in_logarithmic_rounds(ranks: int) -> None:
    plan = schedule("all_reduce", "rabenseifner", ranks, ranks * 30)
    assert {plan.elements_sent(rank) for rank in range(ranks)} == {2 * (ranks - 1) * 30}
    assert len(plan.rounds) == 2 * (ranks.bit_length() - 1)


@pytest.mark.parametrize("ranks", [2, 3, 5, 8, 17, 33])
@pytest.mark.parametrize("collective", ["broadcast", "reduce", "all_reduce"])
def test_no_rank_of_a_double_binary_tree_sends_or_receives_twice_in_a_round(collective: str, ranks: int) -> None:
    plan = schedule(collective, "double-binary-tree", ranks, 100, segment_elements=9)
    for rank in range(ranks):
        assert all(len(sends) <= 1 and len(receives) <= 1 for sends, receives in plan.actions(rank))


@pytest.mark.parametrize("ranks", [3, 6, 7, 16, 33])
def test_double_binary_tree_spreads_the_work_evenly(ranks: int) -> None:
    """No rank but the root sends more than the whole array once: two children, half of the array each."""
    plan = schedule("broadcast", "double-binary-tree", ranks, 100, root=1, segment_elements=9)
    assert max(plan.elements_sent(rank) for rank in range(ranks)) <= 100
    assert plan.elements_sent(1) == 100


@pytest.mark.parametrize("algorithm", ["hierarchical", "sharded-hierarchical"])
def test_a_hierarchy_crosses_between_nodes_as_little_as_one_rank_per_node_would(algorithm: str) -> None:
    nodes, per_node, elements = 4, 8, 8 * 4 * 10
    plan = schedule("all_reduce", algorithm, nodes * per_node, elements, ranks_per_node=per_node, across="ring")
    crossing = sum(
        transfer.elements
        for transfers in plan.rounds
        for transfer in transfers
        if transfer.source // per_node != transfer.destination // per_node
    )
    assert crossing == nodes * 2 * (nodes - 1) / nodes * elements


def test_both_ends_see_the_same_transfers_in_the_same_order() -> None:
    plan = schedule("all_reduce", "double-binary-tree", 11, 200, segment_elements=9)
    for source in range(11):
        for destination in range(11):
            sent = [t for a in plan.actions(source) for t in a.sends if t.destination == destination]
            received = [t for a in plan.actions(destination) for t in a.receives if t.source == source]
            assert list(map(id, sent)) == list(map(id, received))
