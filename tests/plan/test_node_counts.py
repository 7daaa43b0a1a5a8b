"""Which node counts a text stands for, and the search for the fewest."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from simulator.errors import InputError
from simulator.planning.node_counts import parse_nodes
from simulator.planning.search import fewest


@pytest.mark.parametrize(
    ("text", "counts"),
    [("7", (7,)), ("4, 2,4", (2, 4)), ("1..64", (1, 2, 4, 8, 16, 32, 64)), ("3..3", (3,)), ("5..7:all", (5, 6, 7))],
)
def test_counts(text, counts):
    found = parse_nodes(text)
    assert found.counts == counts
    assert not found.smallest


@given(st.integers(1, 5000), st.integers(0, 5000))
def test_a_range_has_its_ends_and_the_powers_of_two_between(first, more):
    counts = parse_nodes(f"{first}..{first + more}").counts
    inner = counts[1:-1]
    assert (counts[0], counts[-1]) == (first, first + more)
    assert all(count & (count - 1) == 0 for count in inner)
    assert len(inner) == sum(first < 1 << power < first + more for power in range(14))


def test_a_search_keeps_its_bounds():
    assert parse_nodes("2..9:smallest").counts == (2, 9)
    assert parse_nodes("2..9:smallest").smallest


@pytest.mark.parametrize(
    "text", ["", "0", "4..2", "1-4", "x", "1..8:some", "1..9:smallest,12", "1..9999:all", "1,,2", "2.5"]
)
def test_other_text_is_refused_in_one_line(text):
    with pytest.raises(InputError, match=r"^nodes: [^\n]+$"):
        parse_nodes(text)


def _searched(first, last, least):
    search, tried = fewest(first, last), []
    try:
        count = next(search)
        while True:
            tried.append(count)
            count = search.send(count >= least)
    except StopIteration as stop:
        return stop.value, tried


@given(st.integers(1, 200), st.integers(0, 200), st.integers(1, 450))
def test_the_search_finds_the_fewest(first, more, least):
    last = first + more
    found, tried = _searched(first, last, least)
    assert found == (max(first, least) if least <= last else None)
    assert all(first <= count <= last for count in tried)
    assert len(set(tried)) == len(tried)


@given(st.integers(1, 10_000))
def test_the_search_tries_few(least):
    _, tried = _searched(1, 10_000, least)
    assert len(tried) <= 2 * least.bit_length() + 1
    assert max(tried) <= 2 * least
