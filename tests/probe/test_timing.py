"""How anything is timed: medians that a few disturbed samples do not move."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.probe import timing
from simulator.probe.timing import Measured, summary, time_in_turn


@given(st.lists(st.floats(0.9, 1.1), min_size=5, max_size=30), st.floats(10, 1e6))
def test_one_wild_sample_in_five_leaves_the_median_among_the_others(samples, wild):
    found = summary([*samples, *[wild] * (len(samples) // 5)])
    assert min(samples) <= found.value <= max(samples)


@given(st.floats(1e-6, 1e3), st.floats(1.5, 100))
def test_uncertainty_scales_with_the_unit(value, factor):
    samples = [value, value * 1.1, value * 0.95, value * 1.02, value * 0.9]
    scaled = summary([sample * factor for sample in samples])
    assert scaled.value == pytest.approx(summary(samples).scaled(factor).value)
    assert scaled.std == pytest.approx(summary(samples).scaled(factor).std)


def test_standard_error_falls_with_the_root_of_the_number_of_samples():
    few = summary([1.0, 1.1, 0.9, 1.05, 0.95])
    many = summary([1.0, 1.1, 0.9, 1.05, 0.95] * 16)
    assert many.std == pytest.approx(few.std / 4)


def test_a_rate_has_the_relative_error_of_its_time():
    rate = Measured(2.0, 0.1, 7, 2).inverse(10.0)
    assert (rate.value, rate.std / rate.value) == pytest.approx((5.0, 0.05))
    assert (rate.samples, rate.disturbed) == (7, 2)


class Clock:
    """Time that passes only when it is told to; the thread has the core but for what others take."""

    def __init__(self, monkeypatch):
        self.wall = self.used = 0.0
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.wall)
        monkeypatch.setattr(timing.time, "thread_time", lambda: self.used)

    def work(self, seconds, others=0.0):
        self.wall += seconds + others
        self.used += seconds


def test_samples_during_which_others_had_the_core_do_not_count(monkeypatch):
    clock = Clock(monkeypatch)
    disturbances = iter([0, 0, *([0, 0.5] * 10)])
    found = time_in_turn({"work": lambda: clock.work(0.1, next(disturbances))}, 20)["work"]
    assert found.value == pytest.approx(0.1)
    assert (found.samples, found.disturbed) == (20, 10)


def test_short_work_is_repeated_and_its_time_is_that_of_one(monkeypatch):
    clock = Clock(monkeypatch)
    calls = []
    found = time_in_turn({"short": lambda: calls.append(clock.work(1e-6)), "long": lambda: clock.work(1.0)}, 4)
    assert found["short"].value == pytest.approx(1e-6)
    assert found["long"].value == pytest.approx(1.0)
    assert len(calls) > 4 * 100


def test_no_round_begins_after_the_limit_but_there_are_three(monkeypatch):
    clock = Clock(monkeypatch)
    shares = []
    found = time_in_turn({"work": lambda: clock.work(1.0)}, 100, time_limit=0.5, progress=shares.append)
    assert found["work"].samples == 3
    assert shares == [0.01, 0.02, 0.03]


def test_waiting_is_no_work():
    found = time_in_turn({"asleep": lambda: time.sleep(2e-3)}, 3)["asleep"]
    assert found.disturbed == 3
    assert found.value >= 2e-3
