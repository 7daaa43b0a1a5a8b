"""The breakdown counts every second once, along the chain of spans that decided the duration."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.trace import NO_CAUSE, Category, RankInfo, Span, Trace, breakdown, communication_ratio, critical_path

RANKS = (RankInfo(0, "worker", "n0.gpu0", "m40", 0), RankInfo(1, "worker", "n0.gpu1", "m40", 0))


def span(rank: int, category: str, start: float, end: float, cause: int, lane: str = "compute") -> Span:
    return Span(rank, lane, category, "work", start, end, 0.0, 0, -1, cause)


def test_overlapped_time_counts_once_for_the_longer_lane() -> None:
    trace = Trace(RANKS)
    copy = trace.add(span(0, Category.GPU_GPU_PARAMETERS, 0.0, 1.0, NO_CAUSE, "network"))
    compute = trace.add(span(0, Category.FORWARD_BACKWARD, 0.0, 3.0, NO_CAUSE))
    trace.add(span(0, Category.DEVICE_UPDATE, 3.0, 4.0, compute))
    assert copy == 0
    parts = breakdown(trace)
    assert parts[Category.FORWARD_BACKWARD] == 3.0
    assert parts[Category.DEVICE_UPDATE] == 1.0
    assert parts[Category.GPU_GPU_PARAMETERS] == 0.0
    assert communication_ratio(parts) == 0.0


def test_a_receiver_that_waits_is_charged_with_what_its_sender_did() -> None:
    trace = Trace(RANKS)
    computing = trace.add(span(0, Category.FORWARD_BACKWARD, 0.0, 5.0, NO_CAUSE))
    trace.add(span(1, Category.FORWARD_BACKWARD, 0.0, 1.0, NO_CAUSE))
    message = Span(1, "network", Category.GPU_GPU_PARAMETERS, "receive", 5.0, 7.0, 8.0, 0, 0, computing)
    trace.add(message)
    assert [(p.start, p.end, p.category) for p in critical_path(trace)] == [
        (0.0, 5.0, Category.FORWARD_BACKWARD),
        (5.0, 7.0, Category.GPU_GPU_PARAMETERS),
    ]
    assert communication_ratio(breakdown(trace)) == pytest.approx(2 / 7)


def test_time_that_nothing_explains_is_idle() -> None:
    trace = Trace(RANKS)
    first = trace.add(span(0, Category.FORWARD_BACKWARD, 1.0, 2.0, NO_CAUSE))
    trace.add(span(0, Category.DEVICE_UPDATE, 4.0, 5.0, first))
    assert breakdown(trace)[Category.IDLE] == pytest.approx(1.0 + 2.0)


def test_an_empty_trace_has_an_empty_path() -> None:
    trace = Trace(RANKS)
    assert critical_path(trace) == []
    assert sum(breakdown(trace).values()) == 0.0
    assert communication_ratio(breakdown(trace)) == 0.0


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100), st.floats(0, 10), st.sampled_from(list(Category)), st.integers(0, 1), st.integers(-1, 50)
        ),
        min_size=1,
        max_size=40,
    )
)
def test_the_parts_add_up_to_the_duration_whatever_the_trace(raw: list[tuple[float, float, str, int, int]]) -> None:
    trace = Trace(RANKS)
    for number, (start, length, category, rank, cause) in enumerate(raw):
        trace.add(span(rank, category, start, start + length, min(cause, number - 1)))
    path = critical_path(trace)
    assert math.fsum(breakdown(trace).values()) == pytest.approx(trace.duration, rel=1e-12, abs=1e-12)
    for before, after in itertools.pairwise(path):
        assert before.end == after.start
    assert all(piece.duration > 0 for piece in path)
