"""Rounds as arrays: a sequence of transfers like any other, with columns that are shared and never written to."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.collectives.registry import algorithms, options, schedule
from simulator.collectives.rounds import (
    Rounds,
    bounds,
    finished,
    in_each,
    mirrored,
    placed,
    rotation,
    segments,
    side_by_side,
    together,
)
from simulator.collectives.schedule import COLLECTIVES, Schedule
from simulator.collectives.transfer import Round, Transfer

REGISTERED = [(collective, name) for collective in COLLECTIVES for name in algorithms(collective)]
EVERY = pytest.mark.parametrize(("collective", "algorithm"), REGISTERED)
BEYOND_32_BITS = 2**40

transfers = st.builds(
    Transfer,
    source=st.integers(0, 4),
    destination=st.integers(0, 4),
    first=st.integers(0, BEYOND_32_BITS),
    last=st.integers(0, BEYOND_32_BITS),
    reduce=st.booleans(),
)
lists = st.lists(transfers, max_size=8)


@given(lists)
def test_a_round_is_the_sequence_of_its_transfers(plain: list[Transfer]) -> None:
    whole = Round.of(plain)
    assert list(whole) == plain
    assert len(whole) == len(plain)
    assert [whole[index] for index in range(-len(plain), len(plain))] == plain + plain
    assert whole[1:5:2] == tuple(plain[1:5:2])
    assert list(reversed(whole)) == plain[::-1]
    assert all(type(number) is int for transfer in whole for number in transfer[:4])
    assert all(type(transfer.reduce) is bool for transfer in whole)
    assert whole.elements.tolist() == [transfer.elements for transfer in plain]
    assert eval(repr(whole)) == whole


@given(lists, lists)
def test_rounds_are_equal_when_their_transfers_are(some: list[Transfer], others: list[Transfer]) -> None:
    assert Round.of(some) == Round.of(some)
    assert hash(Round.of(some)) == hash(Round.of(some))
    assert (Round.of(some) == Round.of(others)) == (some == others)


def test_an_index_beyond_the_end_is_refused_as_of_any_sequence() -> None:
    with pytest.raises(IndexError):
        Round.of([Transfer(0, 1, 0, 1, True)])[1]


@given(lists, st.data())
def test_a_choice_of_transfers_keeps_their_order_and_all_of_them_the_round(plain: list[Transfer], data) -> None:
    whole = Round.of(plain)
    chosen = data.draw(st.lists(st.booleans(), min_size=len(plain), max_size=len(plain)))
    kept = whole.only(np.array(chosen, dtype=bool))
    assert list(kept) == [transfer for transfer, choice in zip(plain, chosen, strict=True) if choice]
    assert (kept is whole) == all(chosen)


def every_column(plan: Schedule) -> list[np.ndarray]:
    return [column for together in plan.rounds for column in together.columns]


@EVERY
@pytest.mark.parametrize("ranks", [2, 5, 8, 13])
def test_no_array_of_a_schedule_can_be_written_to(collective: str, algorithm: str, ranks: int) -> None:
    columns = every_column(schedule(collective, algorithm, ranks, 41))
    assert columns
    for column in columns:
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


@EVERY
@pytest.mark.parametrize("ranks", [2, 3, 5, 8, 13, 24])
@pytest.mark.parametrize("elements", [3, 24 * 5])
def test_rounds_between_the_same_ranks_share_their_arrays_and_others_share_none(
    collective: str, algorithm: str, ranks: int, elements: int
) -> None:
    small = {"segment_elements": 7} if "segment_elements" in options(collective, algorithm) else {}
    rounds = schedule(collective, algorithm, ranks, elements, **small).rounds
    for some in rounds:
        for other in rounds:
            same = some.source.tolist() == other.source.tolist() and (
                some.destination.tolist() == other.destination.tolist()
            )
            assert (some.source is other.source) == same
            assert (some.destination is other.destination) == same


@pytest.mark.parametrize(
    ("algorithm", "chosen"),
    [("ring", {}), ("hierarchical", {"across": "ring"}), ("sharded-hierarchical", {"across": "ring"})],
)
def test_the_rounds_of_a_ring_are_windows_on_few_elements(algorithm: str, chosen: dict[str, str]) -> None:
    """So that their memory grows with the ranks, not with their square."""
    ranks = 96
    plan = schedule("all_reduce", algorithm, ranks, ranks * 10, **chosen)
    storage = {}
    for column in every_column(plan):
        owner = column
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        storage[id(owner)] = owner.size
    assert sum(storage.values()) < 80 * ranks
    assert plan.transfer_count > 2 * ranks


def test_a_builder_may_return_plain_lists_of_transfers() -> None:
    there, back = Transfer(0, 1, 0, 5, True), Transfer(1, 0, 0, 5, False)
    nothing = Transfer(1, 0, 3, 3, True)
    rounds = finished([[there, nothing], [nothing], [], [back], (there,)])
    assert list(map(list, rounds)) == [[there], [back], [there]]
    assert rounds[0].source is rounds[2].source
    assert rounds[0].source is not rounds[1].source


def test_rounds_that_share_only_their_sources_are_told_apart() -> None:
    """Who keeps what it worked out by the array of sources must not take one for the other."""
    everyone = np.arange(3)
    first, second = finished([together(everyone, np.roll(everyone, shift), 0, 4, False) for shift in (1, 2)])
    assert first.source.tolist() == second.source.tolist()
    assert first.source is not second.source


# How rounds are combined, against the same on plain lists.

rounds_of_three = st.lists(
    st.lists(
        st.builds(Transfer, st.integers(0, 2), st.integers(0, 2), st.integers(0, 9), st.integers(9, 12), st.booleans()),
        max_size=4,
    ),
    max_size=4,
)


def arrays(rounds: Sequence[Sequence[Transfer]]) -> Rounds:
    return list(map(Round.of, rounds))


def plain(rounds: Rounds) -> list[list[Transfer]]:
    return list(map(list, rounds))


@given(rounds_of_three, st.permutations(range(3)), st.integers(0, 5))
def test_placed_renames_the_ranks_and_moves_the_elements(rounds, members, offset: int) -> None:
    found = placed(arrays(rounds), np.array(members), offset)
    assert plain(found) == [
        [Transfer(members[s], members[d], first + offset, last + offset, r) for s, d, first, last, r in transfers]
        for transfers in rounds
    ]


@given(rounds_of_three, st.integers(1, 3))
def test_in_each_group_the_rounds_are_those_placed_there(rounds, count: int) -> None:
    groups = np.arange(3 * count).reshape(count, 3)
    assert plain(in_each(arrays(rounds), groups)) == plain(
        side_by_side([placed(arrays(rounds), group) for group in groups])
    )


@given(rounds_of_three, st.booleans())
def test_mirrored_goes_backwards_and_twice_is_the_same(rounds, reduce: bool) -> None:
    found = mirrored(arrays(rounds), reduce)
    assert plain(found) == [
        [Transfer(d, s, first, last, reduce) for s, d, first, last, _ in transfers] for transfers in reversed(rounds)
    ]
    assert [[t[:4] for t in transfers] for transfers in mirrored(found, reduce)] == [
        [t[:4] for t in transfers] for transfers in rounds
    ]


@given(st.lists(rounds_of_three, max_size=3))
def test_side_by_side_keeps_the_order_of_groups_and_of_their_rounds(parts) -> None:
    expected = [
        [transfer for part in parts for transfer in (part[step] if step < len(part) else ())]
        for step in range(max(map(len, parts), default=0))
    ]
    assert plain(side_by_side([arrays(part) for part in parts])) == expected


@given(st.integers(0, 10**6), st.integers(1, 50))
def test_chunks_cover_the_elements_and_only_the_last_ones_are_shorter(elements: int, parts: int) -> None:
    cut = bounds(elements, parts)
    sizes = np.diff(cut).tolist()
    assert (cut[0], cut[-1], len(cut)) == (0, elements, parts + 1)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == -(-elements // parts)
    assert len({size for size in sizes if size}) <= 2


@given(st.integers(0, 50), st.integers(0, 500), st.integers(1, 10**30))
def test_segments_cover_the_elements_and_only_the_last_one_is_shorter(first: int, more: int, length: int) -> None:
    cut = segments(first, first + more, length)
    sizes = np.diff(cut).tolist()
    assert (cut[0], cut[-1]) == (first, first + more)
    assert all(size == length for size in sizes[:-1])
    assert all(0 < size <= length for size in sizes)


@given(st.integers(1, 20), st.data())
def test_a_rotation_puts_the_root_first_and_keeps_the_order(ranks: int, data) -> None:
    root = data.draw(st.integers(0, ranks - 1))
    members = rotation(ranks, root).tolist()
    assert members[0] == root
    assert all((after - before) % ranks == 1 for before, after in pairwise(members))
