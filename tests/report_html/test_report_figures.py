"""Figures: lengths and places in proportion to what they show, and nothing left out in silence."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.html.axes import LinearAxis, LogAxis
from simulator.report.html.bars import Bar, Piece, stacked_bars
from simulator.report.html.curves import accuracy_figure, scaling_figure
from simulator.report.html.parts import PARTS
from simulator.report.html.plane import Point, Rule, Series, plane
from simulator.report.html.tradeoff import Choice, tradeoff_figure
from simulator.trace.spans import Category

SVG = "{http://www.w3.org/2000/svg}"
positive = st.floats(1e-3, 1e6)


def marks(picture: str) -> list[ElementTree.Element]:
    return [group for group in ElementTree.fromstring(picture).iter(f"{SVG}g") if group.get("class") == "mark"]


def places(picture: str) -> list[tuple[float, float]]:
    found = [re.fullmatch(r"translate\((\S+) (\S+)\)", mark.get("transform", "")) for mark in marks(picture)]
    return [(float(place[1]), float(place[2])) for place in found if place]


def widths(picture: str) -> list[float]:
    drawn = [mark.find(f"{SVG}path").get("d") for mark in marks(picture)]
    ends = [re.match(r"M(\S+) \S+H(\S+?)v", d) for d in drawn]
    return [float(end[2]) - float(end[1]) for end in ends]


def bar(*values: float) -> Bar:
    return Bar("a", [Piece(f"part {place}", "c0", place, value) for place, value in enumerate(values)])


@given(st.lists(st.floats(1.0, 10.0), min_size=1, max_size=6))
def test_bars_are_as_long_as_what_they_show(values: list[float]) -> None:
    found = widths(stacked_bars([bar(*values)], "s", "l"))
    scale = sum(found) / sum(values)
    assert found == pytest.approx([value * scale for value in values], abs=0.21)


def test_bars_share_one_axis() -> None:
    short, long = widths(stacked_bars([bar(1.0), bar(3.0)], "s", "l"))
    assert long == pytest.approx(3 * short, abs=0.3)


def test_what_cannot_be_seen_is_neither_drawn_nor_in_the_legend() -> None:
    picture = stacked_bars([bar(1.0, 1e-9, 0.0)], "s", "l")
    assert len(marks(picture)) == 1
    assert "part 1" not in picture


def test_long_names_are_shortened_and_told_in_full() -> None:
    picture = ElementTree.fromstring(stacked_bars([Bar("n" * 200, [Piece("p" * 200, "c0", 0, 1.0)])], "s", "l"))
    drawn = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text") if text.find(f"{SVG}title") is not None]
    assert [words[:200] for words in drawn] == ["n" * 200, "p" * 200]
    assert all(len(words) < 270 for words in drawn)


def test_a_limit_beyond_a_bar_is_on_the_picture() -> None:
    picture = ElementTree.fromstring(stacked_bars([Bar("a", [Piece("p", "c0", 0, 1.0)], limit=9.0)], "s", "l"))
    (line,) = [path for path in picture.iter(f"{SVG}path") if path.get("class") == "median"]
    assert float(re.match(r"M(\S+) ", line.get("d", ""))[1]) < 480


@pytest.mark.parametrize("bars", [[], [bar()], [bar(0.0, 0.0)]], ids=["none", "empty", "zeros"])
def test_nothing_is_no_picture(bars: list[Bar]) -> None:
    assert stacked_bars(bars, "s", "l") == ""


def test_every_part_of_a_breakdown_looks_different_in_colour_and_the_seen_ones_in_hatch() -> None:
    assert set(PARTS) == set(Category)
    assert len({part.kind for part in PARTS.values()}) == len(PARTS)
    assert len({part.hatch for part in PARTS.values() if part.kind != "idle"}) == len(PARTS) - 1


# Planes ---------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=10), st.booleans(), st.booleans())
def test_points_keep_their_order_on_both_axes_and_stay_inside(points, log_x: bool, log_y: bool) -> None:
    series = Series("s", [Point(x, y) for x, y in points], joined=False)
    found = places(plane([series], "x", "y", "l", log_x=log_x, log_y=log_y))
    assert len(found) == len(points)
    assert all(66 <= x <= 466 and 14 <= y <= 314 for x, y in found)
    for (x1, y1), (p1, q1) in zip(points, found, strict=True):
        for (x2, y2), (p2, q2) in zip(points, found, strict=True):
            assert p1 <= p2 or x1 >= x2
            assert q1 >= q2 or y1 >= y2


def test_points_that_an_axis_cannot_show_are_left_out() -> None:
    points = [Point(0.0, 1.0), Point(1.0, float("nan")), Point(1.0, float("inf")), Point(2.0, 2.0)]
    assert len(places(plane([Series("s", points)], "x", "y", "l", log_x=True))) == 1
    assert plane([Series("s", points[:3])], "x", "y", "l", log_x=True) == ""


def test_a_long_line_is_drawn_whole_and_marked_sparsely_to_its_end() -> None:
    points = [Point(float(n), float(n)) for n in range(1000)]
    picture = plane([Series("s", points, marks=10)], "x", "y", "l")
    assert len(marks(picture)) in range(10, 13)
    (line,) = [
        p.get("d") for p in ElementTree.fromstring(picture).iter(f"{SVG}path") if p.get("class") == "line c0 dash0"
    ][:1]
    assert line.count("L") == 999
    assert places(picture)[-1] == pytest.approx(
        (max(x for x, _ in places(picture)), min(y for _, y in places(picture)))
    )


def test_series_differ_in_more_than_colour() -> None:
    picture = ElementTree.fromstring(plane([Series(str(n), [Point(1.0, 1.0)]) for n in range(5)], "x", "y", "l"))
    shapes = {group.find(f"{SVG}path").get("d") for group in picture.iter(f"{SVG}g") if group.get("class") == "mark"}
    assert len(shapes) == 5


def test_rules_are_inside_the_picture_even_beyond_all_points() -> None:
    series = [Series("s", [Point(1.0, 1.0)])]
    picture = plane(series, "x", "y", "l", rules=[Rule(50.0, "deadline", upright=True), Rule(70.0, "budget")])
    assert "deadline" in picture
    assert places(picture)[0][0] < 100


def test_the_front_is_ringed_and_the_rest_is_not() -> None:
    choices = [Choice("a", 1.0, 9.0, "one", True), Choice("a", 5.0, 9.0, "two"), Choice("b", 9.0, 1.0, "three", True)]
    picture = tradeoff_figure(choices, "x", "y", "l")
    ringed = [mark.find(f"{SVG}title").text for mark in marks(picture) if mark.find(f"{SVG}circle") is not None]
    assert ringed == ["one", "three"]


def test_accuracy_of_several_seeds_is_their_mean_and_of_one_its_own() -> None:
    def curve(height: float) -> list[dict[str, float]]:
        return [{"time_s": t, "accuracy": height, "loss": 1.0} for t in (1.0, 2.0)]

    told = [mark.find(f"{SVG}title").text for mark in marks(accuracy_figure([("a", [curve(0.2), curve(0.4)])], 0.9))]
    assert all("30 %" in words for words in told)
    told = [mark.find(f"{SVG}title").text for mark in marks(accuracy_figure([("a", [curve(0.2)])], None))]
    assert told == ["a: 20 % at 1 s, loss 1", "a: 20 % at 2 s, loss 1"]
    assert accuracy_figure([("a", [[]])], 0.9) == ""


def test_perfect_scaling_lies_on_the_ideal() -> None:
    picture = scaling_figure({"a": [(1.0, 10.0), (2.0, 20.0), (8.0, 80.0)]}, "nodes")
    told = [mark.find(f"{SVG}title").text for mark in marks(picture)]
    assert all("100 % of ideal" in words for words in told)


# Axes -----------------------------------------------------------------------------------------------------------------


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e6))
def test_linear_ticks_are_few_in_order_and_on_the_axis(low: float, span: float) -> None:
    axis = LinearAxis(low, low + span, 0.0, 100.0)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert all(-1e-6 <= axis(tick) <= 100.0 + 1e-6 for tick in ticks)


@given(positive, st.floats(1.0, 1e6))
def test_axes_go_from_start_to_stop(low: float, span: float) -> None:
    for axis in (LogAxis.around([low, low * span], 10.0, 90.0), LinearAxis.from_zero([low], 10.0, 90.0)):
        assert axis(axis.low) == pytest.approx(10.0)
        assert axis(axis.high) == pytest.approx(90.0)
