"""Reports in a real Chromium: nothing to complain of, figures there, reachable by keyboard, fit for phone and paper."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import NAMES, Browser, find
from report_cases import ALL, MADE_BY, run, with_text

from simulator.report.html.document import Folded, Report, Section, Table
from simulator.report.html.page import render, write_report
from simulator.report.html.run import run_report
from validation.checks import Check, Findings
from validation.rendering.html import findings_report

pytestmark = pytest.mark.skipif(find() is None, reason=f"needs a browser: none of {', '.join(NAMES)} is on the PATH")

LONG = Report(
    "Long",
    ["x"],
    [],
    [Section("Folded", [Folded("all rows", [Table(("row", "n"), [(f"row {n}", str(n)) for n in range(300)])])])],
    ALL["run"]().repeat,
)
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">'\"🦙"
FINDINGS = Findings(
    "training", "Training", checks=[Check("s", f"row {n}", 1.0 + n / 9, 1.0, allowed=0.5) for n in range(40)]
)


CASES = {
    **ALL,
    "validation": lambda: findings_report([FINDINGS], "Validation", MADE_BY),
    "hostile": lambda: with_text(HOSTILE),
    "folded": lambda: LONG,
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(find() or "", tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, make in CASES.items():
        write_report(folder / f"{name}.html", make())
    return {name: folder / f"{name}.html" for name in CASES}


def number(browser: Browser, script: str) -> float:
    return float(browser.evaluate(script))


# Every kind of report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_browser_has_nothing_to_complain_of_and_nothing_is_fetched(browser, pages, name: str) -> None:
    browser.open(pages[name])
    assert browser.console == []
    assert browser.requests == [pages[name].as_uri()]
    assert browser.evaluate("document.title") != "taken"


@pytest.mark.parametrize("name", CASES)
def test_a_phone_shows_it_without_moving_sideways(browser, pages, name: str) -> None:
    browser.open(pages[name], width=360, height=780)
    assert number(browser, "document.documentElement.scrollWidth") == 360
    beyond = """[...document.querySelectorAll('main, header, section, figure, p, h1, h2, h3, dl, ul, .wide, .timeline')]
        .filter(e => e.getBoundingClientRect().right > 361).map(e => `${e.tagName} ${e.className}`)"""
    assert browser.evaluate(beyond) == []


@pytest.mark.parametrize("name", [name for name in CASES if name != "folded"])
def test_figures_are_there_and_have_a_size(browser, pages, name: str) -> None:
    browser.open(pages[name])
    sizes = browser.evaluate(
        "[...document.querySelectorAll('figure svg')].map(s => [s.getBBox().width, s.getBoundingClientRect().height])"
    )
    assert sizes
    assert all(width > 100 and height > 50 for width, height in sizes)


@pytest.mark.parametrize("name", CASES)
def test_tab_reaches_everything_that_reacts_and_shows_where_it_is(browser, pages, name: str) -> None:
    browser.open(pages[name])
    reacting = "[...document.querySelectorAll('a[href], button, summary, [tabindex=\"0\"]')]"
    wanted = number(browser, f"{reacting}.filter(e => e.checkVisibility()).length")
    seen: list[Any] = []
    for _ in range(int(wanted)):
        browser.press("Tab")
        seen.append(
            browser.evaluate(
                """(() => { const e = document.activeElement, s = getComputedStyle(e);
                e.dataset.seen = '1'; return [e.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]; })()"""
            )
        )
    assert number(browser, "document.querySelectorAll('[data-seen]').length") == wanted
    assert all(style != "none" and width >= 2 for _, style, width in seen)


def test_text_can_be_told_from_its_ground_in_light_and_in_dark(browser, pages) -> None:
    ratio = """(() => { const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
        .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
      const ground = light(getComputedStyle(document.body).backgroundColor);
      const words = document.querySelectorAll('p, a, td, th, dt, dd, h1, h2, li, summary, figcaption');
      return Math.min(...[...words].map(e => {
        const ink = light(getComputedStyle(e).color);
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05); })); })()"""
    for scheme in ("light", "dark"):
        browser.open(pages["learning run"], prefers_color_scheme=scheme)
        assert number(browser, ratio) >= 4.5  # WCAG 2.1, level AA


def test_nothing_moves_by_itself_where_that_is_not_wanted(browser, pages) -> None:
    for wish, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
        browser.open(pages["run"], prefers_reduced_motion=wish)
        assert browser.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour


# Figures --------------------------------------------------------------------------------------------------------------


def test_arrow_keys_read_out_the_points_of_a_figure(browser, pages) -> None:
    browser.open(pages["comparison"])
    browser.evaluate("document.querySelector('figure svg').focus()")
    said = "document.querySelector('figure .readout').textContent"
    titles = browser.evaluate(
        "[...document.querySelectorAll('figure:first-of-type .mark title')].map(t => t.textContent)"
    )
    browser.press("ArrowRight")
    assert browser.evaluate(said) == titles[0]
    browser.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert browser.evaluate(said) == titles[1]
    assert number(browser, "document.querySelectorAll('.mark.at').length") == 1
    browser.press("Escape")
    assert number(browser, "document.querySelectorAll('.mark.at').length") == 0


# The timeline ---------------------------------------------------------------------------------------------------------

STATE = "(({left, width, chosen}) => [+left, +width, +chosen])(document.querySelector('.timeline').dataset)"
READOUT = "document.querySelector('.timeline .readout').textContent"


@pytest.fixture
def timeline(browser: Browser, pages: dict[str, Path]) -> Browser:
    browser.open(pages["run"])
    browser.evaluate("document.querySelector('.timeline .view').focus()")
    return browser


def state(browser: Browser) -> tuple[float, float, int]:
    left, width, chosen = browser.evaluate(STATE)
    return left, width, int(chosen)


def test_arrow_keys_go_from_span_to_span_and_read_them_out(timeline: Browser) -> None:
    timeline.press("ArrowRight")
    first, said = state(timeline)[2], timeline.evaluate(READOUT)
    assert "lane · step" in said
    timeline.press("ArrowRight")
    assert state(timeline)[2] != first
    timeline.press("ArrowLeft")
    assert state(timeline)[2] == first
    assert timeline.evaluate(READOUT) == said
    timeline.press("ArrowDown")
    assert state(timeline)[2] != first
    timeline.press("Escape")
    assert state(timeline)[2] == -1


def test_plus_and_minus_zoom_around_the_chosen_span_and_zero_shows_all(timeline: Browser) -> None:
    assert state(timeline)[:2] == (0.0, 1.0)
    timeline.press("ArrowRight", "+", "+")
    left, width, _ = state(timeline)
    assert width == pytest.approx(0.25)
    assert 0.0 <= left <= 0.75
    timeline.press(".")
    assert state(timeline)[0] == pytest.approx(min(left + width / 4, 0.75), abs=1e-4)
    timeline.press("-")
    assert state(timeline)[1] == pytest.approx(0.5)
    timeline.press("0")
    assert state(timeline)[:2] == (0.0, 1.0)
    timeline.press(*["+"] * 14)
    assert state(timeline)[1] == pytest.approx(1 / 2000)


def test_causes_and_the_other_ends_of_messages_can_be_followed(timeline: Browser) -> None:
    def told() -> str:
        return str(timeline.evaluate(READOUT))

    for _ in range(40):
        timeline.press("ArrowRight")
        if "with rank" in told():
            break
        timeline.press("ArrowDown")
    before = told()
    assert "with rank" in before
    timeline.press("m")
    assert told() != before
    timeline.press("m")
    assert told() == before
    cause = re.search(r"waited for: (.*?) of rank (\d+)", before)
    if cause:
        timeline.press("c")
        assert told().startswith(cause[1])


def test_a_pointer_drags_chooses_and_zooms(timeline: Browser) -> None:
    timeline.evaluate("document.querySelector('.timeline').scrollIntoView({block: 'center', behavior: 'instant'})")
    x, y = timeline.evaluate(
        """(({left, width, top}) => [left + width / 2, top + 9])(
        document.querySelector('.spans').getBoundingClientRect())"""
    )
    timeline.mouse("mouseMoved", x, y)
    assert "lane · step" in timeline.evaluate(READOUT)
    timeline.mouse("mousePressed", x, y, button="left", clickCount=1)
    timeline.mouse("mouseReleased", x, y, button="left", clickCount=1)
    chosen = state(timeline)[2]
    assert chosen >= 0
    timeline.press("Enter")
    left, width, _ = state(timeline)
    assert width < 1.0
    timeline.mouse("mousePressed", x, y, button="left", clickCount=1)
    timeline.mouse("mouseMoved", x - 20, y, button="left", buttons=1)
    timeline.mouse("mouseMoved", x - 60, y, button="left", buttons=1)
    timeline.mouse("mouseReleased", x - 60, y, button="left", clickCount=1)
    timeline.press()
    assert state(timeline)[0] > left
    timeline.mouse("mouseWheel", x, y, deltaX=0, deltaY=-100, modifiers=2)
    timeline.press()
    assert state(timeline)[1] < width


def test_the_timeline_is_there_without_its_script(browser, tmp_path: Path) -> None:
    html = re.sub(r"<script>.*?</script>", "", render(run_report(run(), MADE_BY)), flags=re.DOTALL)
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "r.html")
    width, height = browser.evaluate(
        "(({width, height}) => [width, height])(document.querySelector('.spans svg').getBoundingClientRect())"
    )
    assert width > 400
    assert height > 50
    assert number(browser, "document.querySelectorAll('.spans path.s').length") > 20
    assert number(browser, "document.querySelectorAll('.scale span').length") > 2


# Paper ----------------------------------------------------------------------------------------------------------------


def sheets(pdf: bytes) -> int:
    """Pages of a PDF, also where its objects are packed into streams."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    unpacked = []
    for stream in packed:
        try:
            unpacked.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return sum(len(re.findall(rb"/Type\s*/Page\b(?!s)", part)) for part in [pdf, *unpacked])


def test_paper_holds_the_tables_that_are_folded_on_screen(browser, pages) -> None:
    browser.open(pages["folded"])
    assert number(browser, "document.querySelectorAll('details[open]').length") == 0
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF")
    assert sheets(pdf) >= 4  # 300 rows at some 60 a page
    assert number(browser, "document.querySelectorAll('details[open]').length") == 0


def test_paper_holds_folded_tables_even_without_the_script(browser, pages, tmp_path: Path) -> None:
    html = re.sub(r"<script>.*?</script>", "", pages["folded"].read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "r.html")
    assert sheets(browser.pdf()) >= 4


def test_a_timeline_that_was_zoomed_into_is_whole_on_paper_and_as_it_was_after(timeline: Browser) -> None:
    timeline.press("ArrowRight", "+", "+", "+")
    before = state(timeline)
    timeline.evaluate(
        """addEventListener('beforeprint', () => {
        window.printed = document.querySelector('.spans svg').viewBox.baseVal.width; })"""
    )
    timeline.pdf()
    assert number(timeline, "window.printed") == 10_000
    timeline.press()
    assert state(timeline) == before
