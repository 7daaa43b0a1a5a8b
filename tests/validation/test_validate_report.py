"""Reports: everything in them, nothing from elsewhere, no text taken for markup, plots where rows say they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.html.axes import LogAxis
from simulator.report.html.numbers import percent
from simulator.report.html.prose import prose
from validation.checks import Check, Findings, Verdict
from validation.rendering.cells import check_cells, noted, worst_first
from validation.rendering.html import html_report
from validation.rendering.markdown import cell
from validation.rendering.plots import error_strips, predicted_against_measured
from validation.report import render_markdown, write_report

MADE_BY = {"command": "clustersim validate all --reference '<here>'", "date": "2026-01-02 03:04 UTC", "clustersim": "1"}
HOSTILE = '</td><script>alert(1)</script> | & "quoted" *text* <img src=http://x.example/y.png>'
CHECKS = [
    Check(
        "training", f"step {place}", 1.0 + place / 10, 1.0, "s", 0.45, series=f"series {place % 2}", fitted=place == 0
    )
    for place in range(20)
] + [
    Check("training", HOSTILE, 3.0, 1.0, "s", 0.2, "R", note=HOSTILE, series=HOSTILE),
    Check("shares", "nothing measured", 0.5, 0.0, "", 0.2),
    Check("shares", "nothing at all", 0.0, 0.0, "", 0.2),
]
FINDINGS = Findings(
    "training",
    "Training <for real>",
    introduction=f"Introduced. {HOSTILE}\n\n- a *list*\n\n![picture](http://x.example/p.png)",
    checks=CHECKS,
    verdicts=[Verdict("training", HOSTILE, 0.3, 0.1), Verdict("", "fine", 0.95, 0.9, "at least", "", "a note")],
    reasons="## Reasons\n\nBecause.",
    sections={"only text": "A section without rows.", "training": "Above the table."},
)
SKIPPED = Findings("peers", "Peers", missing="needs SimGrid <b>")


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "li", "h2"):
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "li", "h2"):
            self.cells.append("".join(self._text))

    def handle_data(self, data: str) -> None:
        self._text.append(data)


@pytest.fixture(scope="module")
def html() -> str:
    return html_report([FINDINGS, SKIPPED], "Validation <all>", MADE_BY)


# Everything is there -------------------------------------------------------------------------------------------------


def test_the_page_has_every_row_with_all_its_cells(html: str) -> None:
    cells = Page(html).cells
    for check in CHECKS:
        for text in check_cells(check):
            assert text in cells


def test_the_markdown_has_every_row_with_all_its_cells() -> None:
    lines = render_markdown(FINDINGS).splitlines()
    for check in CHECKS:
        assert f"| {' | '.join(map(cell, check_cells(check)))} |" in lines


def test_both_have_verdicts_reasons_sections_and_what_was_skipped(html: str, tmp_path: Path) -> None:
    write_report([FINDINGS, SKIPPED], tmp_path / "r.md", MADE_BY)
    for text in (html, (tmp_path / "r.md").read_text()):
        for words in (
            "Introduced.",
            "Because.",
            "A section without rows.",
            "Above the table.",
            "a note",
            "at least 0.9",
        ):
            assert words in text
        assert "needs SimGrid" in text
        assert "FAILED" in text
        assert "skipped" in text
        assert MADE_BY["date"] in text


def test_verdicts_come_before_rows_and_reasons_after(html: str) -> None:
    for text in (html, render_markdown(FINDINGS)):
        places = [text.index(words) for words in ("at most 10 %", "Introduced.", "Above the table.", "Because.")]
        assert places == sorted(places) or places[0] < places[2] < places[3]


# Nothing from elsewhere, nothing taken for markup ---------------------------------------------------------------------


def test_the_page_loads_nothing(html: str) -> None:
    page = Page(html)
    loading = {"link", "img", "iframe", "object", "embed", "video", "audio", "source", "base", "use", "image"}
    assert not loading & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "data", "background", "style"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")]
    assert [tag for tag, _ in page.tags].count("script") == 1  # the page's own, which its policy names by its digest
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


def test_text_of_findings_is_never_markup(html: str) -> None:
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "Training &lt;for real&gt;" in html
    assert "needs SimGrid &lt;b&gt;" in html


@given(st.text(max_size=40))
def test_any_text_comes_out_of_a_page_as_it_went_in(text: str) -> None:
    text = "".join(letter for letter in text if letter.isprintable())
    page = Page(html_report([Findings("x", "X", checks=[Check("s", f"[{text}]", 1.0, 1.0)])], "t", MADE_BY))
    assert f"[{text}]" in page.cells


@given(st.text(max_size=40))
def test_any_text_stays_one_cell_of_a_markdown_table(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    assert "|" not in shown.replace("\\|", "")
    assert "<" not in shown


def test_headings_inside_prose_come_below_those_of_the_page() -> None:
    assert prose("# A\n\n### B").split() == ["<h4>A</h4>", "<h4>B</h4>"]


def test_links_to_files_of_the_project_are_text_and_others_stay_links() -> None:
    assert prose("[a](b.json)").strip() == "<p>a</p>"
    assert "href" in prose("[a](https://example.org)")


# Files ---------------------------------------------------------------------------------------------------------------


def test_an_html_report_is_one_file(tmp_path: Path) -> None:
    assert write_report([FINDINGS], tmp_path / "r.html", MADE_BY) == [tmp_path / "r.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_markdown_report_shows_plots_that_are_there_and_are_svg(tmp_path: Path) -> None:
    files = write_report([FINDINGS, SKIPPED], tmp_path / "r.md", MADE_BY)
    shown = re.findall(r"!\[[^]]*\]\((r-plots/[^)]+)\)", (tmp_path / "r.md").read_text())
    assert sorted(tmp_path / name for name in shown) == sorted(files[1:])
    assert len(shown) == 2
    for name in shown:
        root = ElementTree.fromstring((tmp_path / name).read_text())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--ink" in (tmp_path / name).read_text()


# Plots ---------------------------------------------------------------------------------------------------------------


def drawn(checks: list[Check]) -> ElementTree.Element:
    return ElementTree.fromstring(predicted_against_measured(checks))


def points(picture: ElementTree.Element) -> list[tuple[float, float]]:
    found = []
    for group in picture.iter("{http://www.w3.org/2000/svg}g"):
        place = re.fullmatch(r"translate\((\S+) (\S+)\)", group.get("transform", ""))
        if place and group.find("{http://www.w3.org/2000/svg}title") is not None:
            found.append((float(place.group(1)), float(place.group(2))))
    return found


def test_a_plot_has_a_point_for_every_row_that_a_logarithm_can_show() -> None:
    assert len(points(drawn(CHECKS))) == 21
    assert len(points(ElementTree.fromstring(error_strips(FINDINGS)))) == 21


def test_right_predictions_lie_on_one_line_and_longer_times_further_out() -> None:
    places = points(drawn([Check("s", str(n), 10.0**n, 10.0**n) for n in range(5)]))
    sums = [x + y for x, y in places]
    assert sums == pytest.approx([sums[0]] * 5, abs=0.11)
    assert [x for x, _ in places] == sorted(x for x, _ in places)


def test_too_large_a_prediction_is_above_the_line() -> None:
    (x0, y0), (_, y1), _ = points(
        drawn([Check("s", "a", 1.0, 1.0), Check("s", "b", 2.0, 1.0), Check("s", "c", 4.0, 4.0)])
    )
    assert x0 > 0
    assert y1 < y0


def test_failing_rows_are_ringed_and_fitted_ones_hollow() -> None:
    picture = predicted_against_measured(CHECKS)
    failing = sum(check.passed is False for check in CHECKS[:21])
    assert picture.count('class="ring"') == failing + 1  # and the legend
    assert picture.count("hollow") == 1 + 2  # the row, the legend's sign and words


def test_nothing_to_draw_is_no_picture() -> None:
    assert predicted_against_measured(CHECKS[-2:]) == ""
    assert error_strips(SKIPPED) == ""


@given(st.floats(1e-9, 1e9), st.floats(1.0, 1e6))
def test_ticks_are_few_in_order_and_on_the_axis(low: float, span: float) -> None:
    axis = LogAxis.around([low, low * span], 0.0, 100.0)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 11 if span > 10 else len(ticks) <= 11
    assert ticks == sorted(ticks)
    assert all(0.0 <= axis(tick) <= 100.0 for tick in ticks)


# Order and numbers ---------------------------------------------------------------------------------------------------


def test_failing_rows_come_first_and_the_largest_error_before_the_others() -> None:
    ordered = worst_first([*CHECKS, Check("s", "odd", float("nan"), 1.0, allowed=0.1)])
    outcomes = [check.passed for check in ordered]
    assert outcomes == sorted(outcomes, key=lambda passed: {False: 0, True: 1, None: 2}[passed])
    assert {check.name for check in ordered[:2]} == {"odd", "nothing measured"}


def test_a_note_names_each_of_its_rows_once() -> None:
    assert noted([("a", "odd"), ("b", ""), ("a", "odd"), ("c", "odd")]) == ["a, c: odd"]


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0.0 %"), (0.0995, "10 %"), (-0.05, "−5.0 %"), (12.5, "1,250 %"), (float("nan"), "–")]
)
def test_shares_are_percentages(share: float, text: str) -> None:
    assert percent(share) == text
