"""What draws say: odds, ranks and intervals of times that are known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulator.errors import UnknownNameError
from simulator.planning.draws import Draws, certainty


def draws_of(times, work=None, costs=None, luck=None, **more) -> Draws:
    times = np.asarray(times, float)
    names = tuple("abcdef"[: times.shape[1]])
    work, costs = (np.ones(len(names)) if each is None else np.array(each) for each in (work, costs))
    luck = np.ones_like(times) if luck is None else np.array(luck)
    return Draws(names, times, work, costs, {"chance": luck.std(axis=0)}, luck, **more)


#: In draws 0 to 2, a takes 1 s; b is slower but in draw 2, where both take the same; c is never better.
KNOWN = draws_of([[1, 2, 3], [1, 3, 3], [1, 1, 3], [2, 1, 3]])


def test_odds_by_hand():
    assert KNOWN.beats("a", "b") == 2.5 / 4
    assert KNOWN.beats("b", "c") == 3.5 / 4
    assert KNOWN.beats("a", "c") == 1.0


def test_ranks_by_hand():
    a, b, c = KNOWN.ranking()
    assert [each.name for each in (a, b, c)] == ["a", "b", "c"]
    assert a.ranks == (2.5 / 4, 1.5 / 4, 0.0)
    assert b.ranks == (1.5 / 4, 2.0 / 4, 0.5 / 4)
    assert (a.best, b.best, c.best) == (2.5 / 4, 1.5 / 4, 0.0)
    assert (a.median, c.median) == (1.0, 3.0)


def test_more_work_in_the_same_time_is_better():
    assert draws_of([[1.0, 1.0], [1.0, 1.0]], work=[100.0, 200.0]).beats("b", "a") == 1.0


def test_deadlines_and_budgets_by_hand():
    draws = draws_of([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0], [7.0, 2.0]], costs=[10.0, math.nan])
    assert draws.within("a", deadline=3.0) == 0.5
    assert draws.within("a", deadline=3.0, budget=10.0) == 0.25
    assert draws.within("a", budget=1000.0) == 1.0
    assert draws.within("b", deadline=2.0) == 1.0
    assert math.isnan(draws.within("b", budget=1000.0))


def test_scaling_multiplies_times_and_leaves_the_order():
    scaled = KNOWN.scaled({"a": 100.0})
    assert scaled.interval("a")[1] == 100 * KNOWN.interval("a")[1]
    assert scaled.beats("a", "b") == KNOWN.beats("a", "b")


def test_chance_averages_out_over_more_steps():
    luck = [[1.1, 1.0], [0.9, 1.0], [1.2, 1.0], [0.8, 1.0]]
    draws = draws_of(2.0 * np.array(luck), luck=luck).scaled({"a": 100.0, "b": 100.0})
    assert draws.times[:, 0] == pytest.approx(200.0 * (1.0 + (np.array(luck)[:, 0] - 1.0) / 10.0))
    assert draws.times[:, 1] == pytest.approx(200.0)
    assert draws.spread["chance"] == pytest.approx([np.std([0.1, -0.1, 0.2, -0.2]) / 10.0, 0.0])


def test_what_costs_less_by_hand():
    draws = draws_of([[1.0, 2.0, 1.0], [3.0, 2.0, 1.0]], costs=[1.0, 1.0, math.nan])
    assert draws.beats("a", "b", by="cost") == 0.5
    dearer = draws_of([[1.0, 2.0], [3.0, 2.0]], costs=[10.0, 1.0])
    assert dearer.beats("a", "b", by="cost") == 0.0
    assert certainty(["a", "b"], dearer, by="cost") == ["a costs less than b in 0 of 2 draws"]
    assert "a price is unknown" in certainty(["a", "c"], draws, by="cost")[0]


def test_what_never_arrives_is_beaten_by_all_that_do_and_is_json():
    draws = draws_of([[1.0, math.inf], [2.0, math.inf]])
    assert draws.beats("a", "b") == 1.0
    assert draws.within("b", deadline=1e9) == 0.0
    document = json.dumps(draws.to_dict(), allow_nan=False)
    assert json.loads(document)["ranking"][1]["median_s"] is None


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match="'d'"):
        KNOWN.beats("a", "d")


def test_lines_are_of_neighbours_and_show_what_sharing_changes():
    alone = np.array([[1, 2, 3], [1, 3, 3], [1, 1, 3], [2, 1, 3]][::-1], float)
    alone[:2] = alone[:2, [1, 0, 2]]
    draws = draws_of(KNOWN.times, otherwise={"alone": alone, "together": KNOWN.times})
    first, second = certainty(["a", "c", "b"], draws)
    assert first == "a beats c in 4 of 4 draws"
    assert second.startswith("c beats b in 0 of 4 draws")
    (line,) = certainty(["a", "b"], draws)
    assert "by how much of the model's error they share" in line


positive = arrays(
    float, st.tuples(st.integers(2, 20), st.integers(2, 6)), elements=st.sampled_from([1.0, 2.0, 3.0, 4.0])
)


@given(positive)
def test_odds_and_ranks_add_up(times):
    draws = draws_of(times)
    standings = draws.ranking()
    for each in standings:
        assert sum(each.ranks) == pytest.approx(1.0)
        assert each.low <= each.median <= each.high
    for place in range(len(draws.names)):
        assert sum(each.ranks[place] for each in standings) == pytest.approx(1.0)
    assert sum(each.best for each in standings) == pytest.approx(1.0)
    assert draws.beats("a", "b") + draws.beats("b", "a") == pytest.approx(1.0)
