"""Pages of every kind of report: well formed, self-contained, accessible, true to the results, and safe from text."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import tomllib
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_tree import Page
from report_cases import ALL, MADE_BY, a_plan, learned, of_a_comparison, of_a_plan, run, with_text

import simulator
from simulator.errors import InputError
from simulator.planning.draws import certainty
from simulator.planning.uncertainty import draw_times
from simulator.planning.wording import duration
from simulator.report.html.comparison import comparison_report
from simulator.report.html.page import render, write_report
from simulator.report.html.run import readable_toml, run_report
from simulator.report.plans import answer, grouped_reasons
from simulator.scenario import Scenario
from simulator.units import format_quantity

HOSTILE = "</script></title></style><script>alert(1)</script>\"'`&<!-- 🦙 --><img src=x onerror=alert(1)>"
#: Attributes that make a browser fetch something.
FETCHING = {"src", "srcset", "data", "background", "poster", "action", "formaction", "ping", "manifest"}


@pytest.fixture(scope="module", params=[*ALL, "hostile"])
def html(request: pytest.FixtureRequest) -> str:
    return render(with_text(HOSTILE) if request.param == "hostile" else ALL[request.param]())


def test_pages_are_well_formed(html: str) -> None:
    assert Page(html).elements[0][0] == "html"


def test_pages_fetch_nothing(html: str) -> None:
    page = Page(html)
    for tag, attributes, _ in page.elements:
        assert not FETCHING & set(attributes), tag
        assert tag not in ("link", "img", "iframe", "object", "embed", "video", "audio", "base", "form", "use", "image")
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "fill"):
            assert (attributes.get(name) or "#").startswith(("#", "url(#")), (tag, attributes)
    style = "".join(page.texts("style"))
    assert "url(" not in style
    assert "@import" not in style


def test_the_only_script_that_may_run_is_the_page_s_own(html: str) -> None:
    page = Page(html)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    scripts = [text for (tag, a, _), text in zip(
        [e for e in page.elements if e[0] == "script"], page.texts("script"), strict=True
    ) if a.get("type") != "application/json"]  # fmt: skip
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in (policy or "")
    assert "default-src 'none'" in (policy or "")
    assert "alert" not in scripts[0]


def test_headings_are_in_order_and_begin_with_the_title(html: str) -> None:
    levels = [int(tag[1]) for tag, _, _ in Page(html).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_pages_say_their_language_and_figures_what_they_show(html: str) -> None:
    page = Page(html)
    assert page.all("html")[0]["lang"] == "en"
    for attributes in page.all("svg"):
        assert (
            attributes.get("aria-label") or attributes.get("aria-hidden") == "true" or attributes.get("role") == "img"
        )
    for attributes in page.all("th"):
        assert attributes.get("scope") == "col"


def test_links_inside_a_page_lead_somewhere(html: str) -> None:
    page = Page(html)
    names = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    links = [attributes["href"] or "" for attributes in page.all("a")]
    assert all(unescape(link[1:]) in [*names, HOSTILE] for link in links)


def test_pages_are_small(html: str) -> None:
    assert len(html.encode()) < 300_000


# Text is text ---------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    wanted = f"[{text}]"
    page = Page(render(with_text(wanted)))
    for tag in ("h1", "h2", "dt", "dd", "li", "td", "th", "figcaption", "summary", "code", "caption", "text"):
        assert any(wanted in found for found in page.texts(tag)), tag
    assert page.texts("title")[0] == wanted


def test_names_of_spans_cannot_end_the_data_of_a_timeline() -> None:
    result = run()
    trace = replace(result.trace, spans=[span._replace(name=HOSTILE) for span in result.trace.spans])
    result = replace(result, trace=trace)
    page = Page(render(run_report(result, MADE_BY)))
    assert len(page.all("script")) == 2
    assert not page.all("img")


def test_a_text_that_is_not_unicode_is_no_reason_to_lose_a_report(tmp_path) -> None:
    write_report(tmp_path / "r.html", with_text("lone \udc80 surrogate"))
    assert "lone ? surrogate" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_report(tmp_path / "nowhere" / "r.html", with_text("x"))


# True to the result ---------------------------------------------------------------------------------------------------


def test_the_answer_of_a_run_has_the_result_s_numbers() -> None:
    result = run()
    (answer,) = run_report(result, MADE_BY).answer
    for words in (
        format_quantity(result.time, "time", 4),
        f"{result.gradients:,} gradients",
        f"{result.throughput:,.0f} samples/s",
        f"{100 * result.bounded_by[1]:.0f} %",
    ):
        assert words in answer


def test_the_page_of_a_run_has_every_part_of_its_breakdown_and_its_warnings() -> None:
    result = learned()
    page = Page(render(run_report(result, MADE_BY)))
    cells = page.texts("td")
    for seconds in result.breakdown.values():
        if seconds > 1e-6 * result.time:
            assert format_quantity(seconds, "time", 4) in cells
    assert result.warnings
    for warning in result.warnings:
        assert warning in page.texts("li")


def test_the_answer_of_a_comparison_names_the_fastest() -> None:
    report = of_a_comparison()
    rows = {name: run(**{"algorithm.name": name, "cluster.workers": 4}) for name in ("sync-sgd", "async-easgd")}
    fastest = min(rows, key=lambda name: rows[name].time_per_gradient)
    assert report.answer[0].startswith(f"{fastest} workers=4 is the fastest of 6")


def test_a_comparison_is_titled_by_what_its_runs_have_in_common() -> None:
    one, two = run().to_dict(), run("cori-googlenet", **{"cluster.nodes": 2, "workload.steps": 2}).to_dict()
    assert comparison_report([("a", one), ("b", one)], MADE_BY).title == "lenet on 1 × m40x4"
    assert comparison_report([("a", one), ("b", two)], MADE_BY).title == "2 networks on 2 systems"


def test_a_comparison_with_draws_says_how_sure_its_order_is() -> None:
    names = ("sync-sgd", "sync-easgd3")
    scenarios = {
        name: simulator.load("m40x4-lenet", **{"workload.steps": 6, "algorithm.name": name, "simulation.jitter": 0.1})
        for name in names
    }
    draws = draw_times(scenarios, 20, jobs=1)
    rows = [(name, simulator.simulate(scenario).to_dict()) for name, scenario in scenarios.items()]
    page = Page(render(comparison_report(rows, MADE_BY, draws)))
    order = [standing.name for standing in draws.ranking()]
    assert certainty(order, draws)[0] in page.texts("li")
    assert "How sure the order is" in page.texts("h2")


def test_a_comparison_of_one_is_not_called_the_fastest() -> None:
    assert "fastest" not in comparison_report([("only", run().to_dict())], MADE_BY).answer[0]


def test_the_page_of_a_plan_has_its_answer_its_ranking_and_every_reason() -> None:
    plan = a_plan()
    page = Page(render(of_a_plan()))
    assert plan.ranked
    assert plan.ruled_out
    sentence = answer(plan)
    assert page.texts("p", "answer") == [sentence[0].upper() + sentence[1:] + "."]
    cells = page.texts("td")
    for one in plan.ranked:
        assert one.name in cells
        assert duration(one.time) in cells
    for _, entries in grouped_reasons(plan.ruled_out):
        for configurations, reason in entries:
            assert configurations in cells
            assert reason in cells
    assert set(plan.certainty.lines) <= set(page.texts("li"))


def test_the_best_of_a_plan_can_be_run_from_its_page() -> None:
    page = Page(render(of_a_plan()))
    again = Scenario.from_dict(tomllib.loads(page.texts("code")[-1]))
    assert again.tables.cluster.system == a_plan().best.candidate.system


def test_a_study_s_page_has_every_point_and_why_some_have_no_result() -> None:
    page = Page(render(ALL["study"]()))
    assert len(page.texts("tr")) == 1 + 3
    assert any("infeasible" in line and "10000000" in line for line in page.texts("li"))


@pytest.mark.parametrize("name", ["m40x4-lenet", "m40x4-digits", "cori-googlenet", "dgx1-resnet50"])
def test_the_scenario_on_the_page_gives_the_same_run(name: str) -> None:
    changes = {"workload.steps": 4, **({"cluster.nodes": 2} if name.startswith("cori") else {})}
    result = simulator.simulate(simulator.load(name, **changes))
    page = Page(render(run_report(result, MADE_BY)))
    again = Scenario.from_dict(tomllib.loads(page.texts("code")[-1]))
    assert again.tables.model_dump() == simulator.load(name, **changes).tables.model_dump()
    assert simulator.simulate(again).time == result.time


def test_empty_tables_are_not_written_out() -> None:
    assert readable_toml({"a": {"b": {}, "c": 1}, "d": {}, "e": {"f": None}}) == "a = { c = 1 }\n"


def test_a_page_says_what_made_it() -> None:
    page = Page(render(ALL["run"]()))
    foot = page.texts("footer")[0]
    for value in MADE_BY.values():
        assert value in foot
    assert "seed 0" in foot


def test_a_run_whose_trace_cannot_be_held_gets_a_report_without_a_timeline() -> None:
    changes = {"cluster.nodes": 64, "workload.steps": 200_000, "algorithm.name": "sync-sgd"}
    html = render(run_report(simulator.simulate(simulator.load("cori-googlenet", **changes)), MADE_BY))
    assert "A few steps" in html
    assert "more than the 20,000,000 that are kept at once" in html
    assert "class=timeline" not in html
