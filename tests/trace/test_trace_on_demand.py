"""A trace whose spans are made when asked for is a trace like any other."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from simulator.errors import RunError
from simulator.trace import Category, RankInfo, Span, Trace
from simulator.trace.spans import TraceOnDemand

RANKS = (RankInfo(0, "worker", "n0.gpu0", "m40", 0),)
SPANS = [Span(0, "compute", Category.FORWARD_BACKWARD, "gradient", 0.0, 2.0, 0.0, 0, -1, -1)]


class Maker:
    """Counts how often it makes the spans."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> list[Span]:
        self.calls += 1
        return list(SPANS)


def test_spans_are_made_once_and_not_before_somebody_asks() -> None:
    maker = Maker()
    trace = TraceOnDemand(RANKS, maker, {}, 2.0)
    assert (trace.duration, repr(trace), maker.calls) == (2.0, "TraceOnDemand(1 ranks, 2 s)", 0)
    assert trace.spans is trace.spans
    assert trace.lanes() == [(0, "compute")]
    assert maker.calls == 1


def test_it_equals_a_trace_with_the_same_spans() -> None:
    trace = TraceOnDemand(RANKS, Maker(), {}, 2.0)
    assert trace == Trace(RANKS, SPANS, {})
    assert Trace(RANKS, SPANS, {}) == trace
    assert trace == TraceOnDemand(RANKS, Maker(), {}, 2.0)
    assert trace != Trace(RANKS, [], {})
    assert trace != Trace(RANKS, SPANS, {"steps_alike": False})


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda trace: pickle.loads(pickle.dumps(trace))])
def test_copies_and_pickles_are_plain_traces(copied) -> None:
    """What makes the spans holds on to a whole run, which can be neither pickled nor sensibly copied."""
    trace = TraceOnDemand(RANKS, lambda: list(SPANS), {"seed": 3}, 2.0)
    other = copied(trace)
    assert type(other) is Trace
    assert other == trace


def test_fields_can_be_replaced() -> None:
    trace = TraceOnDemand(RANKS, Maker(), {}, 2.0)
    assert dataclasses.replace(trace, metadata={"seed": 3}) == Trace(RANKS, SPANS, {"seed": 3})
    shorter = dataclasses.replace(trace, spans=[SPANS[0]._replace(end=1.0)])
    assert (shorter.duration, trace.duration) == (1.0, 2.0)


def test_what_goes_wrong_as_spans_are_made_is_what_whoever_asks_is_told() -> None:
    def refuse() -> list[Span]:
        raise RunError("too many spans")

    trace = TraceOnDemand(RANKS, refuse, {}, 2.0)
    for _ in range(2):
        with pytest.raises(RunError, match="too many spans"):
            _ = trace.spans
    assert trace.duration == 2.0
