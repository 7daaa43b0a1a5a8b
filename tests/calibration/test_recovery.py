"""What was put into synthetic traces is found again, with errors that are as large as they should be."""

from __future__ import annotations

from collections import Counter

import pytest
from scipy.stats import binom

from simulator.calibration.calibrate import calibrate

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


def test_without_noise_the_truth_is_found_exactly(scenarios, measured):
    found = calibrate(measured(scenarios, TRUTH, variation=0.0), list(TRUTH), starts=2)
    for name, value in TRUTH.items():
        assert found.overlay.parameters[name].value == pytest.approx(value, rel=1e-3), name
