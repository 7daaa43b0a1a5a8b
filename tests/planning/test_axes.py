"""What a study varies: ranges hold what they say, grids every combination once, samples every stratum once."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.planning.axes import Axis, Between, algorithm_changes, grid, latin_hypercube, parse_vary, point_scenario
from simulator.simulation import load

whole = st.integers(-1000, 1000)


def values(text, **options):
    return list(parse_vary(f"key={text}", **options).values)


@given(low=whole, span=st.integers(1, 300), step=st.integers(1, 50))
def test_a_range_of_whole_numbers_is_python_s(low, span, step):
    high = low + span
    assert values(f"{low}..{high}") == list(range(low, high + 1))
    assert values(f"{low}..{high}+{step}") == list(range(low, high + 1, step))


@given(low=st.integers(1, 100), factor=st.integers(2, 10), count=st.integers(1, 12), beyond=st.floats(0, 0.99))
def test_a_range_of_powers_ends_below_its_end(low, factor, count, beyond):
    high = int(low * factor ** (count + beyond))
    assert values(f"{low}..{high}*{factor}") == [low * factor**power for power in range(count + 1)]


@given(count=st.integers(1, 100), step=st.sampled_from([0.1, 0.05, 0.3, 0.7, 1.1]))
def test_sums_of_decimal_steps_reach_the_end(count, step):
    high = float(f"{count * step:.9g}")
    found = values(f"0.0..{high}+{step}")
    assert len(found) == count + 1
    assert found[-1] == pytest.approx(high, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2,4", [1, 2, 4]),
        ("flat,cache", ["flat", "cache"]),
        ("true,false", [True, False]),
        ("1..3,8,16", [1, 2, 3, 8, 16]),
        ('"5 us","a,b"', ["5 us", "a,b"]),
        ("[1,2],[3]", [[1, 2], [3]]),
        ("../mine.toml,m40x4", ["../mine.toml", "m40x4"]),
        ("a:b=false,c", ["a:b=false", "c"]),
    ],
)
def test_lists_hold_toml_or_text(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key", "expected KEY=V1,V2"),
        ("=1", "expected KEY=V1,V2"),
        ("key=", "expected KEY=V1,V2"),
        ("key=1,,2", "an empty value"),
        ("key=1,2,1", "the value 1 is there twice"),
        ("key=1,1.0", "the value 1.0 is there twice"),
        ("key=64..1", "a range that rises"),
        ("key=a..b", "no range of numbers"),
        ("key=0.0..0.3", "expected a step, such as 0.0..0.3+0.1, or --sample"),
        ("key=1..64*1", "a step that rises"),
        ("key=0..64*2", "a step that rises"),
        ("key=1..64+0", "a step that rises"),
        ("key=1..64:log", "--sample N"),
        ("key=1..1000000000", "at most 1,000,000"),
    ],
)
def test_what_is_no_axis_is_refused_in_one_line(text, expected):
    with pytest.raises(InputError) as caught:
        parse_vary(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_grid_holds_every_combination_once_the_last_axis_fastest(sizes):
    axes = [Axis(f"k{place}", tuple(range(size))) for place, size in enumerate(sizes)]
    assert [tuple(point.values()) for point in grid(axes)] == list(itertools.product(*map(range, sizes)))


def test_tied_axes_go_together():
    axes = [Axis("a", (1, 2)), Axis("b", ("x", "y", "z")), Axis("c", (10, 20))]
    points = grid(axes, tied=[("a", "c")])
    assert len(points) == 6
    assert all(point["c"] == 10 * point["a"] for point in points)
    assert {point["b"] for point in points} == {"x", "y", "z"}


@pytest.mark.parametrize(
    ("tied", "expected"),
    [
        ([("a",)], "two or more"),
        ([("a", "d")], "d is not varied"),
        ([("a", "b")], "a has 2, b has 3"),
        ([("a", "c"), ("c", "b")], "c is there twice"),
    ],
)
def test_axes_that_cannot_be_tied_are_refused(tied, expected):
    with pytest.raises(InputError, match=expected):
        grid([Axis("a", (1, 2)), Axis("b", (1, 2, 3)), Axis("c", (1, 2))], tied)


def test_a_key_is_varied_once_and_a_grid_needs_values():
    with pytest.raises(InputError, match="varied twice"):
        grid([Axis("a", (1,)), Axis("a", (2,))])
    with pytest.raises(InputError, match="values, or a step"):
        grid([Axis("a", (Between(0.0, 1.0),))])


@settings(deadline=None)
@given(samples=st.integers(1, 60), seed=st.integers(0, 1000))
def test_of_each_axis_a_hypercube_has_one_point_in_every_stratum(samples, seed):
    axes = [Axis("a", (Between(0.0, 1.0),)), Axis("b", (Between(1.0, 1e6, log=True),)), Axis("c", ("x", "y", "z"))]
    points = latin_hypercube(axes, samples, seed)
    assert sorted(math.floor(point["a"] * samples) for point in points) == list(range(samples))
    strata = sorted(math.floor(math.log(point["b"]) / math.log(1e6) * samples * (1 - 1e-12)) for point in points)
    assert strata == list(range(samples))
    counts = [sum(point["c"] == name for point in points) for name in "xyz"]
    assert max(counts) - min(counts) <= 2
    assert points == latin_hypercube(axes, samples, seed)


@settings(deadline=None)
@given(low=st.integers(1, 50), span=st.integers(1, 50), log=st.booleans(), samples=st.integers(1, 50))
def test_sampled_whole_numbers_are_whole_and_within(low, span, log, samples):
    between = Between(low, low + span, log)
    drawn = [point["n"] for point in latin_hypercube([Axis("n", (between,))], samples)]
    assert all(isinstance(number, int) and low <= number <= low + span for number in drawn)


def test_whole_numbers_are_drawn_equally_often():
    drawn = [point["n"] for point in latin_hypercube([parse_vary("n=1..8", sampled=True)], 80)]
    assert [drawn.count(number) for number in range(1, 9)] == [10] * 8


def test_a_range_to_be_sampled_stands_alone():
    assert parse_vary("n=1..64:log", sampled=True).between == Between(1, 64, log=True)
    with pytest.raises(InputError, match="stands alone"):
        parse_vary("n=1..64,80", sampled=True)
    with pytest.raises(InputError, match="above 0"):
        parse_vary("n=0.0..0.3:log", sampled=True)


def test_an_algorithm_brings_its_options_and_drops_those_of_the_other():
    base = load("m40x4-lenet", **{"algorithm.name": "sync-easgd3", "algorithm.period": 2})
    changed = point_scenario(base, {"cluster.workers": 2, "algorithm.name": "original-easgd:overlap=false"})
    assert changed.tables.algorithm.name == "original-easgd"
    assert changed.tables.algorithm.model_extra == {"overlap": False}
    assert changed.tables.cluster.workers == 2
    same = point_scenario(base, {"algorithm.name": "sync-easgd3:packed=false"})
    assert same.tables.algorithm.model_extra == {"period": 2}
    assert same.tables.algorithm.packed is False
    assert algorithm_changes(base, "sync-easgd3") == {"algorithm.name": "sync-easgd3"}
