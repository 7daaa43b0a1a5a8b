"""The Pareto front against its definition."""

from itertools import product

import hypothesis.strategies as st
from hypothesis import given

from simulator.planning.pareto import dominates, pareto_front

_FIGURE = st.one_of(st.none(), st.integers(0, 4).map(float))
_CHOICES = st.lists(st.tuples(_FIGURE, _FIGURE, _FIGURE), max_size=12)


@given(_CHOICES)
def test_front_is_what_nothing_dominates(choices):
    expected = [i for i, one in enumerate(choices) if not any(dominates(other, one) for other in choices)]
    assert pareto_front(choices) == expected


@given(_CHOICES.filter(bool))
def test_everything_off_the_front_is_dominated_from_the_front(choices):
    front = pareto_front(choices)
    assert front
    for place, choice in enumerate(choices):
        assert place in front or any(dominates(choices[other], choice) for other in front)


@given(_CHOICES)
def test_nothing_dominates_itself_and_no_two_dominate_each_other(choices):
    for one, other in product(choices, repeat=2):
        assert not (dominates(one, other) and dominates(other, one))


def test_equal_choices_are_all_on_the_front():
    assert pareto_front([(1.0, 2.0), (1.0, 2.0), (2.0, 2.0)]) == [0, 1]


def test_an_unknown_figure_is_worse_than_any_known_one():
    assert pareto_front([(1.0, None), (1.0, 1e9)]) == [1]
    assert pareto_front([(1.0, None), (2.0, 1e9)]) == [0, 1]
