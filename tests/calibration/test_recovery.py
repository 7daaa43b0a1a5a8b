"""What was put into synthetic traces is found again, with errors that are as large as they should be."""

from __future__ import annotations

from collections import Counter

import pytest
from scipy.stats import binom

from simulator.calibration.calibrate import Recording, calibrate
from simulator.trace import Trace

TRUTH = {
    "compute.scale": 1.17,
    "compute.fixed": 60e-6,
    "update.scale": 0.85,
    "update.fixed": 4e-6,
    "link.pcie3-x16.bandwidth": 0.8,
    "overhead.peer": 19e-6,
    "overhead.copy": 12e-6,
}


@pytest.fixture(scope="module")
def scenarios(lenet):
    return [lenet.override({"workload.batch_size": batch}) for batch in (32, 256)]


def recovered(found, truth):
    """For each parameter, how many standard errors its estimate is from the truth."""
    estimates = found.overlay.parameters
    return {name: abs(estimates[name].value - value) / estimates[name].std for name, value in truth.items()}


@pytest.mark.parametrize("trials", [20, pytest.param(100, marks=pytest.mark.slow)], ids=["20", "100"])
def test_parameters_are_recovered_within_three_standard_errors(trials, scenarios, measured):
    """In at least 95 of 100 trials, each parameter; of fewer trials, as many as 95 % leave with probability 0.999."""
    hits, within_one = Counter(), Counter()
    for trial in range(trials):
        found = calibrate(measured(scenarios, TRUTH, seed=trial), list(TRUTH), starts=2)
        for name, errors in recovered(found, TRUTH).items():
            hits[name] += errors <= 3.0
            within_one[name] += errors <= 1.0
    needed = 95 if trials == 100 else int(binom.ppf(0.001, trials, 0.95))
    assert set(hits) == set(TRUTH)
    assert min(hits.values()) >= needed, hits
    # Errors that are much too large would pass the test above: seven in ten should be within one of them.
    everything = trials * len(TRUTH)
    assert 0.55 <= sum(within_one.values()) / everything <= 0.85, within_one


def test_whole_steps_check_the_sum_of_the_parts(lenet, measured):
    """Three traces: what was fitted part by part comes out right in whole steps, and that is said."""
    scenarios = [lenet.override({"workload.batch_size": batch}) for batch in (32, 128, 512)]
    found = calibrate(measured(scenarios, TRUTH, variation=0.0), list(TRUTH), starts=2)
    checked = [row for row in found.rows if not row.fitted]
    assert [row.observed.category for row in checked] == ["step"] * 3
    assert [row.predicted for row in checked] == pytest.approx([row.observed.seconds for row in checked], rel=1e-3)
    assert 0.0 < found.overlay.residual_scatter["step"] < 1e-3


def test_whole_steps_can_take_part_in_the_fit(scenarios, measured):
    """A slowdown that no single operation shows: only whole steps tell of it."""
    recordings = measured(scenarios, TRUTH, variation=0.0)
    blind = [Recording(each.source, without(each.measured, "forward_backward"), each.scenario) for each in recordings]
    names = ["compute.scale", "link.pcie3-x16.bandwidth", "overhead.peer", "overhead.copy", "update.scale"]
    found = calibrate(blind, [*names, "compute.fixed", "update.fixed"], starts=2, fit_steps=True)
    assert not calibrate(blind, names, starts=2).overlay.parameters["compute.scale"].identified
    for name in (*names, "compute.fixed"):
        assert found.overlay.parameters[name].value == pytest.approx(TRUTH[name], rel=0.02), name


def without(trace, category):
    """The trace as a program would record it that does not tell of one kind of operation."""
    kept = [span._replace(cause=-1) for span in trace.spans if span.category != category]
    return Trace(trace.ranks, kept, trace.metadata)


def test_without_noise_the_truth_is_found_exactly(scenarios, measured):
    found = calibrate(measured(scenarios, TRUTH, variation=0.0), list(TRUTH), starts=2)
    for name, value in TRUTH.items():
        assert found.overlay.parameters[name].value == pytest.approx(value, rel=1e-3), name
