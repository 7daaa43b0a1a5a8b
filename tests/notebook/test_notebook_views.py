"""What results show of themselves in a notebook: markup that is whole, escaped and self-contained, and data frames."""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import pytest

import simulator
from simulator.errors import InputError

HOSTILE = "<script>alert(\"1\")</script> & 'quoted' 🦔"
VOID = {"br", "hr", "img", "meta", "link", "input"}


class Whole(HTMLParser):
    """Fails on tags that do not match, and collects what is fetched or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.scripts = 0
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        self.fetched += [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def base():
    return simulator.load("m40x4-lenet", **{"workload.steps": 5})


@pytest.fixture(scope="module")
def comparison(base):
    return simulator.compare({name: base.override({"algorithm.name": name}) for name in ("sync-sgd", "sync-easgd3")})


@pytest.fixture(scope="module")
def shown(base, comparison):
    """Everything that shows itself, by what it is."""
    study = simulator.sweep(base, {"cluster.workers": [1, 2]}, jobs=1)
    made = simulator.plan(base, nodes="1", algorithms=["sync-sgd", "sync-easgd3"], sensitivity=False, jobs=1)
    draws = comparison.draws(10, model_error=0.05, jobs=1)
    return {
        "result": comparison[0],
        "comparison": comparison,
        "picture": comparison.plot(),
        "draws": draws,
        "study": study,
        "plan": made,
    }


KINDS = ["result", "comparison", "picture", "draws", "study", "plan"]


@pytest.mark.parametrize("kind", KINDS)
def test_markup_is_whole_small_and_fetches_nothing(kind, shown):
    markup = shown[kind]._repr_html_()
    page = Whole(markup)
    assert page.scripts == 0
    assert [link for link in page.fetched if not link.startswith("#")] == []
    assert len(markup) < 100_000


@pytest.mark.parametrize("kind", ["result", "comparison", "draws", "study", "plan"])
def test_text_says_in_one_line_what_it_is(kind, shown):
    assert len(repr(shown[kind])) < 300
    assert "\n" not in repr(shown[kind])


def test_the_numbers_shown_are_the_result_s(comparison):
    result = comparison[0]
    words = Whole(result._repr_html_()).words
    assert f"{result.throughput:,.0f} samples/s" in words
    assert result.algorithm in words


def test_text_of_scenarios_is_escaped(base):
    names = {HOSTILE: base, "plain": base}
    hostile = simulator.compare(names)
    for shown in (hostile, hostile.plot(), hostile.draws(3, model_error=0.1, jobs=1)):
        page = Whole(shown._repr_html_())
        assert page.scripts == 0
        assert HOSTILE in page.words


def test_comparisons_are_named_by_what_differs(base):
    other = base.override({"algorithm.name": "sync-sgd"})
    assert list(simulator.compare([base, other]).scenarios) == ["sync-easgd3", "sync-sgd"]
    larger = base.override({"workload.batch_size": 128})
    assert list(simulator.compare([base, larger]).scenarios) == [
        "sync-easgd3 batch_size=64",
        "sync-easgd3 batch_size=128",
    ]
    assert list(simulator.compare([base, base]).scenarios) == ["sync-easgd3", "sync-easgd3 (2)"]


def test_frames_hold_what_results_hold(comparison):
    pytest.importorskip("pandas")
    frame = comparison.to_frame()
    assert list(frame["name"]) == list(comparison.scenarios)
    assert list(frame["time_s"]) == [result.time for result in comparison]
    parts = frame[[column for column in frame if column.startswith("breakdown_s.")]].sum(axis=1)
    assert list(parts) == pytest.approx([result.time for result in comparison])
    frames = comparison[0].to_frames()
    assert frames["breakdown"]["share"].sum() == pytest.approx(1.0)
    assert frames["steps"]["seconds"].sum() == pytest.approx(comparison[0].time)
    assert len(frames["memory"]) == comparison[0].workers


def test_studies_plans_and_draws_are_frames(shown):
    pytest.importorskip("pandas")
    assert list(shown["study"].to_frame()["cluster.workers"]) == [1, 2]
    plans = shown["plan"].to_frame()
    assert set(plans["algorithm"]) == {"sync-sgd", "sync-easgd3"}
    assert list(shown["draws"].to_frame().columns) == ["sync-sgd", "sync-easgd3"]
    assert len(shown["draws"].to_frame()) == 10


def test_without_pandas_one_line_says_how_to_get_it(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"clustersim\[notebook\]"):
        comparison.to_frame()


def test_pictures_are_saved_as_files_that_stand_alone(comparison, tmp_path):
    path = tmp_path / "p.svg"
    comparison.plot().save(path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "<style>" in text
    for wrong, problem in ((tmp_path / "p.png", "ends in .svg"), (tmp_path / "none" / "p.svg", "cannot be written")):
        with pytest.raises(InputError, match=problem):
            comparison.plot().save(wrong)
