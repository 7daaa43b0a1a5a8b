"""Clock differences: the truth lies within the bounds, the estimate too, and what contradicts itself is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator
from simulator.errors import InputError
from simulator.trace import NO_CAUSE, Category, RankInfo, Span, Trace
from simulator.trace.clocks import estimate_clocks, known_orders, set_clocks

RANKS = tuple(RankInfo(i, "worker", f"cpu{i}", "any", 0) for i in range(3))


def exchange(first: int, second: int, start: float, latency: float, back: float) -> list[Span]:
    """A message and its answer."""
    category = Category.NODE_NODE_PARAMETERS
    end = start + latency
    return [
        Span(first, "network", category, "send ping", start, end, 8.0, 0, second, NO_CAUSE),
        Span(second, "network", category, "receive ping", start, end, 8.0, 0, first, NO_CAUSE),
        Span(second, "network", category, "send pong", end, end + back, 8.0, 0, first, NO_CAUSE),
        Span(first, "network", category, "receive pong", end, end + back, 8.0, 0, second, NO_CAUSE),
    ]


def skewed(trace: Trace, rank: int, offset: float, drift: float = 0.0) -> Trace:
    """The trace as it would be if that rank's clock showed ``offset + (1 + drift) · time``."""
    spans = [
        s._replace(start=s.start + offset + drift * s.start, end=s.end + offset + drift * s.end)
        if s.rank == rank
        else s
        for s in trace.spans
    ]
    return Trace(trace.ranks, spans)


@pytest.fixture(scope="module", params=["sync-sgd", "original-easgd", "ad-psgd"])
def recorded(request: pytest.FixtureRequest) -> Trace:
    scenario = simulator.load(
        "m40x4-lenet", **{"workload.steps": 5, "simulation.jitter": 0.1, "algorithm.name": request.param}
    )
    trace = simulator.simulate(scenario).trace
    return Trace(trace.ranks, trace.spans)  # with its spans made


@settings(max_examples=25)
@given(offset=st.floats(-1e6, 1e6))
def test_a_shifted_clock_is_found_within_the_bounds_that_messages_set(recorded: Trace, offset: float) -> None:
    estimate = estimate_clocks(skewed(recorded, 1, offset))
    low, high = estimate.bounds[1]
    rounding = 1e-9 * max(1.0, abs(offset))
    assert low - rounding <= -offset <= high + rounding
    assert low - rounding <= estimate.offsets[1] <= high + rounding
    # A rank cannot be known better than by its fastest messages, nor need it be known worse than by its slowest.
    assert 0 < high - low + 2 * rounding < 2 * recorded.duration + 4 * rounding


def test_shifted_clocks_are_put_in_order(recorded: Trace) -> None:
    broken = skewed(skewed(recorded, 1, 0.7), 2, -3.0)
    assert any(order.end < order.start for order in known_orders(broken))
    mended = set_clocks(broken, estimate_clocks(broken))
    assert all(order.end >= order.start - 1e-9 for order in known_orders(mended))
    assert min(span.start for span in mended.spans) == pytest.approx(0.0, abs=1e-12)
    assert mended.duration == pytest.approx(recorded.duration, rel=0.2)


def test_equal_delays_both_ways_give_the_offset_exactly() -> None:
    trace = Trace(RANKS, [*exchange(0, 1, 0.0, 1e-3, 1e-3), *exchange(0, 2, 1.0, 2e-3, 2e-3)])
    estimate = estimate_clocks(skewed(skewed(trace, 1, 0.25), 2, -0.5))
    assert estimate.offsets == pytest.approx({0: 0.0, 1: -0.25, 2: 0.5}, abs=1e-9)
    assert estimate.bounds[1] == pytest.approx((-0.251, -0.249))
    assert any("rank 1: clock 250 ms ahead of rank 0's, known to ± 1 ms" in line for line in estimate.describe())


def test_unequal_delays_err_by_half_their_difference_at_most() -> None:
    trace = Trace(RANKS[:2], exchange(0, 1, 0.0, 1e-3, 3e-3))
    assert estimate_clocks(skewed(trace, 1, 5.0)).offsets[1] == pytest.approx(-5.0 + (3e-3 - 1e-3) / 2, abs=1e-9)


def test_collectives_tie_clocks_together_as_messages_do() -> None:
    category = Category.NODE_NODE_PARAMETERS
    spans = [
        Span(rank, "network", category, "all_reduce", start, end, 8.0, 0, -1, NO_CAUSE)
        for rank in range(3)
        for start, end in ((0.1 * rank, 0.5), (1.0 - 0.1 * rank, 1.5))
    ]
    estimate = estimate_clocks(skewed(Trace(RANKS, spans), 2, 40.0))
    low, high = estimate.bounds[2]
    assert low <= -40.0 <= high
    assert high - low == pytest.approx(2 * 0.3 + 0.4, abs=0.4)


def test_a_clock_that_runs_fast_is_found_where_no_offset_fits() -> None:
    spans = [span for n in range(200) for span in exchange(0, 1, n * 1.0, 1e-4, 1e-4)]
    estimate = estimate_clocks(skewed(Trace(RANKS[:2], spans), 1, 0.5, drift=1e-4))
    assert estimate.drifts[1] == pytest.approx(-1e-4, rel=1e-2)
    assert estimate.offsets[1] == pytest.approx(-0.5, abs=1e-3)


def test_messages_that_contradict_each_other_are_named() -> None:
    spans = exchange(0, 1, 1.0, 1e-3, 1e-3)
    # The answer arrives before the question was asked, and the question takes no time: no offset explains both.
    spans[3] = spans[3]._replace(start=0.0, end=0.5)
    with pytest.raises(InputError, match=r"ranks 0 and 1 .*'receive p\wng' of rank \d.* contradicts .*'receive p\wng'"):
        estimate_clocks(Trace(RANKS[:2], spans))


def test_messages_one_way_bound_one_side_only_and_move_no_more_than_they_must() -> None:
    one_way = exchange(0, 1, 1.0, 1e-3, 1e-3)[:2]
    estimate = estimate_clocks(skewed(Trace(RANKS[:2], one_way), 1, -0.5))
    assert estimate.free == (1,)
    assert estimate.offsets[1] == pytest.approx(0.5 - 1e-3, abs=1e-9)
    assert estimate_clocks(skewed(Trace(RANKS[:2], one_way), 1, 0.5)).offsets[1] == 0.0


def test_without_messages_nothing_is_known_and_nothing_is_changed() -> None:
    spans = [Span(r, "compute", Category.FORWARD_BACKWARD, "gradient", 0.0, 1.0, 0.0, 0, -1, NO_CAUSE) for r in (0, 1)]
    estimate = estimate_clocks(Trace(RANKS, spans))
    assert set(estimate.offsets.values()) == {0.0}
    assert estimate.describe() == []
