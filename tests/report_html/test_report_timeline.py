"""Timelines: the spans of the steps that were asked for, each once, on rows where none covers another."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import run

from simulator.errors import InputError
from simulator.report.html.timeline import few_steps, timeline
from simulator.report.html.timeline_page import timeline_markup
from simulator.trace import Trace
from simulator.trace.spans import RankInfo, Span


def made(ranks: int, steps: int, each: int = 1) -> Trace:
    infos = tuple(RankInfo(rank, "worker", f"n0.gpu{rank}", "m40", 0) for rank in range(ranks))
    trace = Trace(infos)
    for step in range(steps):
        for rank in range(ranks):
            for place in range(each):
                start = step + place / each
                trace.add(
                    Span(rank, "compute", "forward_backward", "gradient", start, start + 1 / each, 0, step, -1, -1)
                )
    return trace


def data(markup: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', markup, re.DOTALL)[1])


@pytest.mark.parametrize("name", ["m40x4-lenet", "m40x4-alexnet"])
@pytest.mark.parametrize("algorithm", ["sync-easgd3", "hogwild-sgd", "ddp-msgd"])
def test_every_span_of_the_steps_is_there_once_with_its_times(name: str, algorithm: str) -> None:
    trace = run(name, **{"algorithm.name": algorithm}).trace
    shown = timeline(trace, (2, 3))
    assert sorted(shown.spans) == sorted(span for span in trace.spans if 2 <= span.step <= 3)
    found = data(timeline_markup(shown))
    assert len(found["spans"]) == len(shown.spans)
    for span, row in zip(shown.spans, found["spans"], strict=True):
        assert shown.start + row[3] * 1e-9 == pytest.approx(span.start, abs=1e-9)
        assert row[4] * 1e-9 == pytest.approx(span.duration, abs=1e-9)
        assert found["names"][row[2]] == span.name
    assert timeline_markup(shown).count('<path class="s ') == len(shown.spans) + len({s.category for s in shown.spans})


@pytest.mark.parametrize("algorithm", ["sync-easgd3", "async-easgd", "ddp-msgd", "sync-ps"])
def test_no_span_covers_another_and_rows_hold_one_lane(algorithm: str) -> None:
    shown = timeline(run(**{"algorithm.name": algorithm}).trace)
    last: dict[int, float] = {}
    for span, row in zip(shown.spans, shown.rows, strict=True):
        assert shown.lanes[row] == (span.rank, span.lane)
        assert span.start >= last.get(row, 0.0) - 1e-9 * shown.duration
        last[row] = max(last.get(row, 0.0), span.end)


def test_ends_of_messages_point_at_one_another_and_causes_end_before_their_effects() -> None:
    shown = timeline(run(**{"algorithm.name": "sync-easgd3"}).trace)
    assert any(partner >= 0 for partner in shown.partners)
    for number, partner in enumerate(shown.partners):
        if partner >= 0:
            assert shown.partners[partner] == number
            assert shown.spans[partner].rank == shown.spans[number].peer
    assert any(cause >= 0 for cause in shown.causes)
    for number, cause in enumerate(shown.causes):
        if cause >= 0:
            assert shown.spans[cause].end <= shown.spans[number].start + 1e-9


def test_the_critical_path_is_underlined_without_gaps() -> None:
    shown = timeline(run(**{"algorithm.name": "sync-sgd"}).trace, (2, 3))
    covered = sorted((span.start, span.end) for span, on in zip(shown.spans, shown.critical, strict=True) if on)
    assert covered
    assert sum(end - start for start, end in covered) == pytest.approx(covered[-1][1] - covered[0][0], rel=1e-6)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 60))
def test_no_more_is_shown_than_asked_for_but_always_something(ranks: int, steps: int, each: int, limit: int) -> None:
    trace = made(ranks, steps, each)
    first, last = few_steps(trace, limit)
    assert 0 <= first <= last < steps
    assert last - first < 3
    shown = timeline(trace, limit=limit)
    assert shown.spans
    assert len(shown.spans) <= max(limit, each)
    assert len(shown.ranks) + shown.left_out == ranks


def test_steps_that_are_not_there_are_refused() -> None:
    with pytest.raises(InputError, match="expected steps between 0 and 2"):
        timeline(made(1, 3), (7, 8))


def test_ranks_that_are_left_out_are_said() -> None:
    assert "3 more are not" in timeline_markup(timeline(made(5, 1, 10), limit=20))


def test_spans_without_length_are_no_problem() -> None:
    trace = Trace((RankInfo(0, "worker", "d", "p", 0),))
    trace.add(Span(0, "compute", "idle", "nothing", 0.0, 0.0, 0, 0, -1, -1))
    assert data(timeline_markup(timeline(trace)))["duration"] == 0
