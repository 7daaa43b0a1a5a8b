"""Prediction intervals: as wide as the fit's errors make them, and holding the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.calibration.calibrate import calibrate
from simulator.calibration.overlay_text import write_overlay
from simulator.simulation import simulate

TRUTH = {"compute.scale": 1.1, "compute.fixed": 50e-6, "link.pcie3-x16.bandwidth": 0.85, "overhead.peer": 15e-6}


@pytest.fixture(scope="module")
def overlay_file(lenet, measured, tmp_path_factory):
    def write(seed, variation=0.05, **changes):
        scenarios = [lenet.override({"workload.batch_size": batch}) for batch in (32, 128)]
        found = calibrate(measured(scenarios, TRUTH, seed, variation), list(TRUTH), starts=2, seed=seed)
        overlay = found.overlay.model_copy(update=changes)
        path = tmp_path_factory.mktemp("overlay") / "overlay.toml"
        write_overlay(overlay, path)
        return overlay, path

    return write


@pytest.fixture(scope="module")
def unseen(lenet):
    """More samples, fewer GPUs, packed messages: nothing of that kind was fitted."""
    return lenet.override({"workload.batch_size": 512, "algorithm.packed": True, "cluster.workers": 3})


def test_results_without_an_overlay_have_none(lenet):
    inline = lenet.override({"calibration.parameters": {"compute.scale": 1.1}})
    assert simulate(lenet, interval=True).prediction is None
    assert simulate(inline, interval=True).prediction is None
    assert simulate(lenet).to_dict()["prediction"] is None


def test_one_parameter_s_error_is_carried_through(unseen, overlay_file):
    """Of a run that is all gradients, an error of a share of them is that share of the time."""
    overlay, path = overlay_file(1)
    alone = unseen.override({"cluster.workers": 1, "calibration.overlay": str(path)})
    result = simulate(alone, interval=True)
    gradients = result.breakdown["forward_backward"]
    scale = overlay.parameters["compute.scale"]
    expected = (gradients - result.steps * overlay.values["compute.fixed"]) * scale.std / scale.value
    assert result.prediction.sensitivities["compute.scale"] == pytest.approx(expected, rel=0.02)


def test_the_interval_is_symmetric_and_holds_its_parts(unseen, overlay_file):
    _, path = overlay_file(2, residual_scatter={"forward_backward": 0.05})
    result = simulate(unseen.override({"calibration.overlay": str(path)}), interval=True)
    sure = result.prediction
    assert sure.low < result.time < sure.high
    assert result.time - sure.low == pytest.approx(sure.high - result.time)
    assert sure.std_residual == pytest.approx(0.05 * result.breakdown["forward_backward"])
    assert (sure.high - sure.low) / 2 == pytest.approx(
        1.6449 * np.hypot(sure.std_parameters, sure.std_residual), rel=1e-4
    )
    assert sure.unknown_scatter
    document = result.to_dict()["prediction"]
    assert document["low_s"] == sure.low
    assert set(document) == {
        "level", "low_s", "high_s", "std_parameters_s", "std_residual_s", "sensitivities_s", "unknown_scatter",
    }  # fmt: skip


def test_what_the_scenario_states_is_not_uncertain(unseen, overlay_file):
    overlay, path = overlay_file(3, residual_scatter={})
    stated = {name: overlay.values[name] for name in overlay.names if name in ("compute.scale", "compute.fixed")}
    changes = {"calibration.overlay": str(path), "calibration.parameters": stated}
    result = simulate(unseen.override(changes), interval=True)
    assert not {"compute.scale", "compute.fixed"} & result.prediction.sensitivities.keys()
    assert result.time == simulate(unseen.override({"calibration.overlay": str(path)})).time


def test_draws_scatter_as_the_interval_says(unseen, overlay_file):
    overlay, path = overlay_file(4, residual_scatter={})
    scenario = unseen.override({"calibration.overlay": str(path)})
    result = simulate(scenario, interval=True)
    times = [simulate(scenario.override({"calibration.parameters": draw})).time for draw in overlay.draws(40, seed=0)]
    # 40 draws know a standard deviation to 11 %; three times that.
    assert np.std(times) == pytest.approx(result.prediction.std_parameters, rel=0.34)


@pytest.mark.parametrize("trials", [12, pytest.param(100, marks=pytest.mark.slow)], ids=["12", "100"])
def test_intervals_hold_the_truth(trials, unseen, overlay_file):
    """Ninety in a hundred should: no fewer than chance leaves of them with probability 0.999."""
    from scipy.stats import binom

    truth = simulate(unseen.override({"calibration.parameters": TRUTH})).time
    held, widths = 0, []
    for trial in range(trials):
        _, path = overlay_file(100 + trial)
        sure = simulate(unseen.override({"calibration.overlay": str(path)}), interval=True).prediction
        held += sure.low <= truth <= sure.high
        widths.append((sure.high - sure.low) / truth)
    assert held >= binom.ppf(0.001, trials, 0.9)
    assert np.median(widths) < 0.1
