"""Draws of times: parabolas agree with simulation, worlds are common, variances add, intervals hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from known_truth import BASE, STDS, VALUES, correlation, known_overlay
from scipy.stats import binom, t

from simulator.calibration.applied import calibration_of
from simulator.calibration.overlay_text import write_overlay
from simulator.errors import InputError
from simulator.planning.model_error import ALONE, TOGETHER
from simulator.planning.uncertain_case import SEEDS
from simulator.planning.uncertainty import draw_times
from simulator.scenario import Scenario
from simulator.simulation import simulate


@pytest.fixture(scope="module")
def lenet():
    return Scenario.load("m40x4-lenet", BASE)


@pytest.fixture(scope="module")
def overlay_file(tmp_path_factory):
    def write(*what, **more):
        path = tmp_path_factory.mktemp("overlay") / "overlay.toml"
        write_overlay(known_overlay(*what, **more), path)
        return str(path)

    return write


@pytest.fixture(scope="module")
def pair(lenet, overlay_file):
    """Two algorithms that the same parameters slow down differently."""
    with_overlay = lenet.override({"calibration.overlay": overlay_file()})
    return {"sync-sgd": with_overlay, "original-easgd": with_overlay.override({"algorithm.name": "original-easgd"})}


def test_parabolas_agree_with_simulated_draws(pair):
    linear = draw_times(pair, 40, method="linear", jobs=1)
    exact = draw_times(pair, 40, method="exact", jobs=1)
    spread = exact.times.std(axis=0)
    assert (spread > 1e-3 * exact.times.mean(axis=0)).all()
    assert (np.abs(linear.times - exact.times).max(axis=0) < 0.1 * spread).all()
    assert linear.spread["parameters"] == pytest.approx(exact.spread["parameters"], rel=0.05)


def test_parabolas_of_rates_are_of_their_inverse(lenet, overlay_file):
    """A rate that may be half of what it is, or half as much again: the time's answer is a hyperbola."""
    path = overlay_file({"link.pcie3-x16.bandwidth": 0.8}, {"link.pcie3-x16.bandwidth": 0.15})
    wide = {"wide": lenet.override({"calibration.overlay": path})}
    linear = draw_times(wide, 12, method="linear", jobs=1)
    exact = draw_times(wide, 12, method="exact", jobs=1)
    assert np.abs(linear.times - exact.times).max() < 0.02 * exact.times.std()


def test_where_parabolas_miss_every_draw_is_simulated(lenet, overlay_file):
    """Where gradients hide behind transfers until they are three times as slow, the time's answer has a kink."""
    path = overlay_file({"compute.scale": 2.0}, {"compute.scale": 1.0})
    hidden = {"hidden": lenet.override({"algorithm.name": "original-easgd", "calibration.overlay": path})}
    automatic = draw_times(hidden, 12, jobs=1)
    exact = draw_times(hidden, 12, method="exact", jobs=1)
    linear = draw_times(hidden, 12, method="linear", jobs=1)
    assert automatic.times == pytest.approx(exact.times)
    assert np.abs(linear.times - exact.times).max() > 0.1 * exact.times.std()
    assert any("every draw was simulated" in note for note in automatic.notes)


def test_draws_are_the_interval_of_a_single_prediction(pair):
    """Two ways to the same standard deviation: the slopes with the fit's covariance, and the spread of the draws."""
    draws = draw_times(pair, 400, jobs=1)
    for name, scenario in pair.items():
        expected = simulate(scenario, interval=True).prediction.std_parameters
        # 400 draws know a standard deviation to 3.5 %; three times that.
        assert draws.times[:, draws.place(name)].std() == pytest.approx(expected, rel=0.11)


def test_a_scenario_s_draws_do_not_depend_on_company_or_processes(pair):
    together = draw_times(pair, 10, seed=3, jobs=2)
    alone = draw_times({"sync-sgd": pair["sync-sgd"]}, 10, seed=3, jobs=1)
    assert (together.times[:, :1] == alone.times).all()
    other = draw_times({"sync-sgd": pair["sync-sgd"]}, 10, seed=4, jobs=1)
    assert (other.times != alone.times).all()


def test_worlds_are_common(pair):
    """The same scenario under two names is the same in every draw, but for an error of its own."""
    same = {"one": pair["sync-sgd"], "other": pair["sync-sgd"]}
    draws = draw_times(same, 20, jobs=1)
    assert (draws.times[:, 0] == draws.times[:, 1]).all()
    assert draws.beats("one", "other") == 0.5
    erring = draw_times(same, 20, model_error=0.05, sharing=ALONE, jobs=1)
    assert (erring.times[:, 0] != erring.times[:, 1]).all()
    alike = draw_times(same, 20, model_error=0.05, sharing=TOGETHER, jobs=1)
    assert alike.times[:, 0] == pytest.approx(alike.times[:, 1])


def test_what_the_scenario_states_itself_is_not_drawn(pair):
    calibration = calibration_of(pair["sync-sgd"])
    stated = {"calibration.parameters": dict(calibration.values)}
    draws = draw_times({"sync-sgd": pair["sync-sgd"].override(stated)}, 5, model_error=0.0, jobs=1)
    assert draws.spread["parameters"] == [0.0]
    assert (draws.times == draws.times[0]).all()


def test_jitter_of_the_scenario_comes_before_that_of_the_overlay(lenet, overlay_file):
    path = overlay_file({**VALUES, "jitter.compute": 0.05}, {**STDS, "jitter.compute": 0.01})
    stated = lenet.override({"calibration.overlay": path, "simulation.jitter": 0.2})
    draws = draw_times({"stated": stated}, 6, method="exact", jobs=1)
    assert draws.times.std() > 0.0


def test_chance_is_as_wide_as_replicates_say(lenet):
    """Without a calibration all there is to draw are seeds: the interval is Student's, for one more of them."""
    lively = {"lively": lenet.override({"simulation.jitter": 0.3})}
    draws = draw_times(lively, 3000, jobs=1)
    seeds = [simulate(lively["lively"].override({"simulation.seed": seed})).time for seed in range(SEEDS)]
    half = t.ppf(0.95, SEEDS - 1) * np.std(seeds, ddof=1) * np.sqrt(1 + 1 / SEEDS)
    assert draws.times.mean() == pytest.approx(np.mean(seeds), rel=0.01)
    low, high = draws.interval("lively")
    # Twelve values are no normal distribution.
    assert (high - low) / 2 == pytest.approx(half, rel=0.2)
    assert any("no calibration" in note for note in draws.notes)


def test_variances_add(pair):
    """The law of total variance: what each source does alone, squared, makes up the whole."""
    lively = {name: each.override({"simulation.jitter": 0.3}) for name, each in pair.items()}
    draws = draw_times(lively, 600, model_error=0.01, jobs=1)
    whole = draws.times.std(axis=0) / draws.times.mean(axis=0)
    parts = np.sqrt(sum(stds**2 for stds in draws.spread.values()))
    assert (np.array(list(draws.spread.values())) > 0.0).all()
    # A finite number of draws is not quite uncorrelated.
    assert whole == pytest.approx(parts, rel=0.1)


@pytest.mark.parametrize("trials", [8, pytest.param(100, marks=pytest.mark.slow)], ids=["8", "100"])
def test_intervals_hold_a_truth_with_parameters_chance_and_model_error(trials, lenet, overlay_file):
    """Calibrations that are off as they say, a truth that the model misses as it says: held nine times in ten."""
    generator = np.random.default_rng(0)
    base = lenet.override({"simulation.jitter": 0.3})
    names, std = list(VALUES), np.array(list(STDS.values()))
    root = np.linalg.cholesky(correlation(names))
    held = 0
    for trial in range(trials):
        fitted = np.array(list(VALUES.values())) + std * (root @ generator.standard_normal(4))
        path = overlay_file(dict(zip(names, fitted.tolist(), strict=True)), STDS, {"step": 0.01})
        # Other seeds every time: twelve of them know the spread of chance to a fifth only.
        predicted = base.override({"calibration.overlay": path, "simulation.seed": 100 * trial})
        sure = draw_times({"run": predicted}, 60, seed=trial, jobs=1)
        happened = base.override({"calibration.parameters": VALUES, "simulation.seed": 100 * trial + 50})
        truth = simulate(happened).time * math.exp(0.01 * generator.standard_normal())
        low, high = sure.interval("run")
        held += low <= truth <= high
    # No fewer than chance leaves of nine in ten with probability 0.999, and not all of a hundred.
    assert held >= binom.ppf(0.001, trials, 0.9)
    assert trials < 100 or held < trials


def test_time_to_accuracy_is_drawn_over_seeds():
    from simulator.simulation import load

    learning = {
        "learning.data": "synthetic:classes=3,shape=1x4x4,samples=300,noise=0.2",
        "learning.model": "softmax",
        "learning.learning_rate": 0.5,
        "learning.target_accuracy": 0.8,
        "learning.evaluate_every": 2,
        "workload.steps": 60,
    }
    names = ("sync-sgd", "hogwild-sgd")
    scenarios = {name: load("m40x4-digits", **learning, **{"algorithm.name": name}) for name in names}
    draws = draw_times(scenarios, 4, jobs=1)
    reached = simulate(scenarios["sync-sgd"]).learning["reached_at_s"]
    assert draws.work.tolist() == [1.0, 1.0]
    assert draws.interval("sync-sgd")[0] <= reached * 1.5
    assert 0.0 <= draws.beats("sync-sgd", "hogwild-sgd") <= 1.0


def test_nothing_to_draw_is_said_and_how_to_get_it(lenet):
    with pytest.raises(InputError, match="clustersim calibrate") as caught:
        draw_times({"a": lenet}, 10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"draws": 1}, "at least 2"),
        ({"method": "guess"}, "expected one of auto, linear, exact"),
        ({"model_error": 1.5}, "expected a share of the time"),
    ],
    ids=["one draw", "method", "error"],
)
def test_wrong_requests_are_refused(options, expected, pair):
    with pytest.raises(InputError, match=expected):
        draw_times(pair, **{"draws": 4, **options})


def test_what_is_not_known_of_the_model_is_said(pair, overlay_file):
    known = overlay_file(scatter={"forward_backward": 0.02})
    draws = draw_times({"a": pair["sync-sgd"].override({"calibration.overlay": known})}, 4, jobs=1)
    assert any("does not tell the model's error" in note and "gpu gpu parameters" in note for note in draws.notes)
    steps = overlay_file(scatter={"step": 0.02})
    told = draw_times({"a": pair["sync-sgd"].override({"calibration.overlay": steps})}, 4, jobs=1)
    assert told.notes == ()
