"""Closed forms: Daly's published cases, their laws, and that campaigns played out agree with them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.reliability import daly_interval, expected_time, optimum_interval, young_interval
from simulator.reliability.campaign import Campaign, play

positive = st.floats(1.0, 1e4)


@pytest.mark.parametrize(("mtbf", "minutes"), [(24 * 60.0, 117.0), (6 * 60.0, 57.0), (15.0, 9.1)])
def test_optima_that_daly_prints_for_dumps_of_five_minutes(mtbf, minutes):
    # Daly 2006, captions of figures 3, 4 and 5: restart 10 min, 500 h of work.
    assert daly_interval(5.0, mtbf) == pytest.approx(minutes, rel=0.006)


@given(stall=st.floats(1e-3, 1e3), mtbf=st.floats(1.0, 1e7))
def test_the_optimum_is_a_minimum_of_the_long_campaign(stall, mtbf):
    def cost(interval):
        return math.log(math.expm1((interval + stall) / mtbf)) - math.log(interval) if interval else math.inf

    best = optimum_interval(stall, mtbf)
    assert 0.0 < best <= mtbf
    if (best + stall) / mtbf < 700:
        for factor in (0.8, 0.95, 1.05, 1.2):
            assert cost(best) <= cost(best * factor) + 1e-12


@given(mtbf=st.floats(1e3, 1e7), ratio=st.floats(1e-9, 1e-4))
def test_all_rules_agree_where_checkpoints_are_short(mtbf, ratio):
    stall = ratio * mtbf
    assert young_interval(stall, mtbf) == pytest.approx(optimum_interval(stall, mtbf), rel=0.01)
    assert daly_interval(stall, mtbf) == pytest.approx(optimum_interval(stall, mtbf), rel=1e-4)


@given(ratio=st.floats(1e-6, 1.9))
def test_dalys_rule_costs_next_to_nothing_beside_the_exact_optimum(ratio):
    def cost(interval):
        return math.expm1(interval + ratio) / interval

    assert cost(daly_interval(ratio, 1.0)) <= 1.002 * cost(optimum_interval(ratio, 1.0))


@given(work=positive, intervals=st.integers(1, 50), stall=positive, drain=st.floats(0.0, 10.0))
def test_without_failures_the_work_and_its_checkpoints(work, intervals, stall, drain):
    undisturbed = work + intervals * stall + drain
    assert expected_time(work, intervals, stall, 1.0, math.inf, drain) == pytest.approx(undisturbed)
    assert expected_time(work, intervals, stall, 1.0, 1e15, drain) == pytest.approx(undisturbed, rel=1e-6)


@given(
    work=positive,
    intervals=st.integers(1, 50),
    stall=positive,
    restart=positive,
    mtbf=st.floats(100.0, 1e6),
    drain=positive,
)
def test_more_of_anything_that_goes_wrong_takes_longer(work, intervals, stall, restart, mtbf, drain):
    time = expected_time(work, intervals, stall, restart, mtbf, drain)
    for changed in (
        (work, intervals, stall * 1.1, restart, mtbf, drain),
        (work, intervals, stall, restart * 1.1, mtbf, drain),
        (work, intervals, stall, restart, mtbf / 1.1, drain),
        (work, intervals, stall, restart, mtbf, drain * 1.1),
        (work * 1.1, intervals, stall, restart, mtbf, drain),
    ):
        assert expected_time(*changed) >= time


def test_what_cannot_be_written_down_is_infinite():
    assert expected_time(1e6, 1, 0.0, 0.0, 1.0) == math.inf


@given(mtbf=st.floats(100.0, 1e5), work=st.floats(10.0, 1e4))
def test_without_checkpoints_a_failure_starts_the_work_over(mtbf, work):
    expected = mtbf * math.expm1(work / mtbf)  # the classic time to a run of luck
    assert expected_time(work, 1, 0.0, 0.0, mtbf) == pytest.approx(expected)


GRID = [
    pytest.param(stall, restart, drained, id=f"stall-{stall:g}-restart-{restart:g}-drain-{drained:g}")
    for stall in (0.001, 0.02, 0.2)
    for restart in (0.0, 0.1, 1.0)
    for drained in (0.0, 0.9)
]


@pytest.mark.parametrize(("stall", "restart", "drained"), GRID)
def test_campaigns_take_as_long_on_average_as_the_closed_form_says(stall, restart, drained):
    """Times in units of the mean time between failures, of which there are two dozen or more."""
    intervals = round(24.0 / optimum_interval(stall, 1.0))
    drain = drained * 24.0 / intervals
    expected = expected_time(24.0, intervals, stall, restart, 1.0, drain)
    outcomes = play(Campaign(24.0, intervals, stall, drain, restart, 7.0, critical=7), 3000, seed=3)
    assert abs(outcomes.times.mean() - expected) < 4.0 * outcomes.mean_error
    # Failures come at a constant rate whatever the run does, so their mean number is the mean time.
    error = outcomes.failures.std(ddof=1) / math.sqrt(3000)
    assert abs(outcomes.failures.mean() - expected) < 4.0 * error + 1e-9


@pytest.mark.parametrize("restart", [0.01, 0.5], ids=["short-restart", "long-restart"])
@pytest.mark.parametrize("stall", [0.0005, 0.01, 0.1, 0.5])
def test_dalys_interval_is_within_five_percent_of_the_simulated_optimum(stall, restart):
    """In the time that it costs; the same failures strike at every interval, so that differences are not luck."""
    work = 30.0
    daly = daly_interval(stall, 1.0)
    counts = sorted(
        {max(1, round(work / (daly * factor))) for factor in np.geomspace(0.3, 3.0, 15)} | {round(work / daly)}
    )
    times = {
        count: play(Campaign(work, count, stall, 0.0, restart, 1.0, critical=1), 500, seed=4).times.mean()
        for count in counts
    }
    assert times[round(work / daly)] <= 1.05 * min(times.values())
