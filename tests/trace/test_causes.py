"""Inferred causes: every second of the duration is on the path once, and simulated runs get their own path back."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator
from simulator.scenario import example_names
from simulator.trace import NO_CAUSE, Category, RankInfo, Span, Trace, breakdown, critical_path
from simulator.trace.causes import infer_causes
from simulator.trace.messages import match_collectives, match_messages

RANKS = tuple(RankInfo(i, "worker", f"cpu{i}", "any", 0) for i in range(3))
COMPUTE, NETWORK = Category.FORWARD_BACKWARD, Category.NODE_NODE_PARAMETERS


def span(rank: int, name: str, start: float, end: float, peer: int = -1) -> Span:
    message = peer >= 0 or name.startswith("all")
    category, lane = (NETWORK, "network") if message else (COMPUTE, "compute")
    return Span(rank, lane, category, name, start, end, 8.0 if message else 0.0, 0, peer, NO_CAUSE)


def simulated(name: str, **overrides: object) -> Trace:
    scenario = simulator.load(name, **{"workload.steps": 3, "learning": None, **overrides})
    return simulator.simulate(scenario).trace


def without_causes(trace: Trace) -> Trace:
    return Trace(trace.ranks, [span._replace(cause=NO_CAUSE) for span in trace.spans])


def distance(first: Trace, second: Trace) -> float:
    """Share of the duration that two breakdowns attribute differently."""
    one, other = breakdown(first), breakdown(second)
    return sum(abs(one[part] - other[part]) for part in one) / 2 / first.duration


@pytest.mark.parametrize("name", example_names())
def test_bundled_examples_get_the_breakdown_back_that_was_recorded(name: str) -> None:
    recorded = simulated(name)
    assert distance(recorded, infer_causes(without_causes(recorded))) < 1e-9


@pytest.mark.parametrize("algorithm", ["ddp-msgd", "hogwild-easgd", "ad-psgd", "original-easgd", "ssp"])
def test_uneven_step_times_do_not_hide_the_path(algorithm: str) -> None:
    recorded = simulated("m40x4-lenet", **{"simulation.jitter": 0.1, "algorithm.name": algorithm})
    assert distance(recorded, infer_causes(without_causes(recorded))) < 1e-9


@pytest.mark.parametrize("algorithm", ["async-sgd", "async-easgd"])
def test_waiting_for_a_lock_leaves_no_trace_so_a_part_of_the_path_stays_unknown(algorithm: str) -> None:
    recorded = simulated("m40x4-lenet", **{"workload.steps": 12, "algorithm.name": algorithm})
    assert 0.0 < distance(recorded, infer_causes(without_causes(recorded))) < 0.15


def test_a_receive_that_was_posted_early_is_charged_from_when_its_sender_came() -> None:
    trace = infer_causes(
        Trace(
            RANKS,
            [
                span(0, "gradient", 0.0, 5.0),
                span(1, "gradient", 0.0, 1.0),
                span(0, "send total", 5.0, 7.0, peer=1),
                span(1, "receive total", 1.0, 7.5, peer=0),
            ],
        )
    )
    assert [(p.start, p.end, p.span and p.span.rank) for p in critical_path(trace)] == [(0.0, 5.0, 0), (5.0, 7.5, 1)]


def test_a_sender_that_finds_no_receiver_waits_for_what_that_one_does() -> None:
    trace = infer_causes(
        Trace(
            RANKS,
            [
                span(0, "gradient", 0.0, 1.0),
                span(1, "gradient", 0.0, 4.0),
                span(0, "send total", 1.0, 6.0, peer=1),
                span(1, "receive total", 4.0, 6.0, peer=0),
                span(0, "gradient", 6.0, 7.0),
            ],
        )
    )
    assert breakdown(trace)[COMPUTE] == pytest.approx(4.0 + 1.0)
    assert breakdown(trace)[NETWORK] == pytest.approx(2.0)


def test_a_collective_waits_for_its_last_rank() -> None:
    spans = [span(rank, "gradient", 0.0, work) for rank, work in enumerate((1.0, 3.0, 2.0))]
    spans += [span(rank, "all_reduce", work, 4.0) for rank, work in enumerate((1.0, 3.0, 2.0))]
    trace = infer_causes(Trace(RANKS, spans))
    assert breakdown(trace)[COMPUTE] == pytest.approx(3.0)
    assert breakdown(trace)[NETWORK] == pytest.approx(1.0)


def test_collectives_that_ranks_called_unequally_often_are_not_matched() -> None:
    spans = [span(0, "all_reduce", 0.0, 1.0), span(0, "all_reduce", 1.0, 2.0), span(1, "all_reduce", 0.0, 1.0)]
    assert match_collectives(Trace(RANKS, spans)) == []


def test_messages_match_in_order_and_the_rest_are_named() -> None:
    spans = [
        span(0, "send a", 0.0, 1.0, peer=1),
        span(0, "send a", 1.0, 2.0, peer=1),
        span(1, "receive a", 1.5, 2.0, peer=0),
        span(1, "receive a", 0.5, 1.0, peer=0),
        span(2, "send b", 0.0, 1.0, peer=1),
    ]
    found = match_messages(Trace(RANKS, spans))
    assert found.pairs == [(0, 3), (1, 2)]
    assert found.alone == [4]


SPANS = st.lists(
    st.builds(
        lambda rank, name, start, length, peer: span(
            rank, name, start, start + length, peer if name[0] in "sr" and peer != rank else -1
        ),
        rank=st.integers(0, 2),
        name=st.sampled_from(["gradient", "send total", "receive total", "all_reduce"]),
        start=st.floats(0, 100),
        length=st.floats(0, 10),
        peer=st.integers(0, 2),
    ),
    max_size=40,
)


@given(SPANS)
def test_whatever_the_spans_causes_come_earlier_and_the_path_is_the_whole_duration(spans: list[Span]) -> None:
    trace = infer_causes(Trace(RANKS, spans))
    assert sorted(s._replace(cause=NO_CAUSE) for s in trace.spans) == sorted(spans)
    assert [s.end for s in trace.spans] == sorted(s.end for s in spans)
    assert all(NO_CAUSE <= s.cause < index for index, s in enumerate(trace.spans))
    assert math.fsum(breakdown(trace).values()) == pytest.approx(trace.duration, rel=1e-12, abs=1e-12)
    for before, after in itertools.pairwise(critical_path(trace)):
        assert before.end == after.start
