"""Collectives played over a star without contention take exactly what their closed forms say.

α is the time of an empty message, β the seconds a byte. Chunks are ⌈n/P⌉ elements, which is why the forms below
are in terms of whole elements. Sources: Thakur, Rabenseifner, Gropp 2005; Patarasuk, Yuan 2009.
"""

from __future__ import annotations

import math

import pytest

ALPHA, BANDWIDTH = 1e-6, 10e9
RANKS = (2, 3, 4, 7, 16, 64, pytest.param(256, marks=pytest.mark.slow))
SIZES = (1_000, 27_000_000, 249_000_000)


def rounds(ranks: int) -> int:
    return math.ceil(math.log2(ranks))


def message(elements: float) -> float:
    return ALPHA + 4 * elements / BANDWIDTH


def ring(ranks: int, elements: int) -> float:
    """2 (P − 1) steps of one chunk."""
    return 2 * (ranks - 1) * message(math.ceil(elements / ranks))


def tree(ranks: int, elements: int) -> float:
    """Reduction and broadcast, ⌈log2 P⌉ whole messages each."""
    return 2 * rounds(ranks) * message(elements)


def recursive_doubling(ranks: int, elements: int) -> float:
    """⌊log2 P⌋ exchanges of everything, and two more messages where P is no power of two."""
    power = math.floor(math.log2(ranks))
    return (power + 2 * (2**power != ranks)) * message(elements)


def rabenseifner(ranks: int, elements: int) -> float:
    """Halving then doubling: 2 log2 p α + 2 (p − 1) chunks for the power of two p <= P; two more messages if p < P."""
    power = math.floor(math.log2(ranks))
    chunk = math.ceil(elements / 2**power)
    extra = 2 * message(elements) if 2**power != ranks else 0.0
    return extra + 2 * sum(message(chunk * 2**step) for step in range(power))


FORMS = {
    "ring": ring,
    "binomial-tree": tree,
    "recursive-doubling": recursive_doubling,
    "rabenseifner": rabenseifner,
}


def all_reduce(rank):
    yield rank.all_reduce(rank.replica())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("algorithm", FORMS)
def test_all_reduce_equals_its_closed_form(play, algorithm, ranks, size):
    elements = size // 4
    outcome = play(all_reduce, ranks=ranks, layout=(elements,), collectives={"all_reduce": algorithm}, latency=ALPHA)
    assert outcome.time == pytest.approx(FORMS[algorithm](ranks, elements), rel=1e-9)


@pytest.mark.parametrize("ranks", [2, 3, 8, 13])
@pytest.mark.parametrize("algorithm", ["ring", "recursive-doubling", "rabenseifner", "binomial-tree"])
def test_no_all_reduce_beats_the_bandwidth_bound(play, algorithm, ranks):
    elements = 1_000_000
    outcome = play(all_reduce, ranks=ranks, layout=(elements,), collectives={"all_reduce": algorithm}, latency=0.0)
    assert outcome.time >= 2 * (ranks - 1) / ranks * 4 * elements / BANDWIDTH * (1 - 1e-12)


@pytest.mark.parametrize("model", ["fluid", "alpha-beta"])
def test_without_contention_the_network_models_agree(play, model):
    outcome = play(all_reduce, ranks=6, layout=(999,), collectives={"all_reduce": "ring"}, model=model)
    assert outcome.time == pytest.approx(ring(6, 999), rel=1e-12)
