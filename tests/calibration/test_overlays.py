"""Overlays: what is written reads back, belongs to one system, and says how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.calibration.calibrate import calibrate
from simulator.calibration.overlay import Overlay, load_overlay
from simulator.calibration.overlay_text import overlay_text, write_overlay
from simulator.errors import InputError, UnknownNameError
from simulator.simulation import simulate


def made(system="m40x4", matrix=((1.0, -0.6), (-0.6, 1.0)), **parameters):
    given = parameters or {"compute.scale": (1.2, 0.02), "overhead.peer": (9e-6, 1e-6)}
    return Overlay.model_validate(
        {
            "schema": "clustersim/overlay/1",
            "name": "made",
            "system": system,
            "date": "2026-01-01",
            "version": "1",
            "parameters": {
                name: {
                    "value": value,
                    "std": std,
                    "unit": "" if "scale" in name else "s",
                    "start": 1.0,
                    "bounds": (0.0, 10.0),
                }
                for name, (value, std) in given.items()
            },
            "correlation": {"names": tuple(given), "matrix": matrix},
            "residual_scatter": {"forward_backward": 0.03},
        }
    )


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "overlay.toml"
    write_overlay(made(), path)
    return path


def test_a_fitted_overlay_reads_back(tmp_path, lenet, measured):
    recordings = measured([lenet], {"compute.scale": 1.1})
    overlay = calibrate(recordings, name="m40 box").overlay
    write_overlay(overlay, tmp_path / "fitted.toml")
    assert load_overlay(tmp_path / "fitted.toml") == overlay
    assert overlay.fit.observations > 0
    assert overlay.system == "m40x4"
    assert list(tmp_path.iterdir()) == [tmp_path / "fitted.toml"]


def test_an_overlay_is_found_beside_the_scenario_and_applied(tmp_path, lenet, written):
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        '[cluster]\nsystem = "m40x4"\n[workload]\nnetwork = "lenet"\ndataset = "mnist"\nbatch_size = 64\nsteps = 5\n'
        '[algorithm]\nname = "sync-sgd"\n[calibration]\noverlay = "overlay.toml"\n'
    )
    from simulator.scenario import Scenario

    loaded = Scenario.load(scenario)
    values = {"compute.scale": 1.2, "overhead.peer": 9e-6}
    same = loaded.override({"calibration": {"parameters": values}})
    assert simulate(loaded).time == simulate(same).time
    assert simulate(loaded).time != simulate(loaded.override({"calibration": None})).time
    over = loaded.override({"calibration.parameters": {"compute.scale": 1.0}})
    assert simulate(over).time < simulate(loaded).time


def test_an_overlay_of_another_system_is_refused(lenet, written):
    other = lenet.override({"cluster.system": "dgx1-v100", "calibration.overlay": str(written)})
    with pytest.raises(InputError, match=r"overlay\.toml lies over the system 'm40x4', the scenario is of 'dgx1-v100'"):
        simulate(other)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clustersim/overlay/1", "clustersim/overlay/9", "schema: .*'clustersim/overlay/1'"),
        ('"compute.scale"]', '"compute.scael"]', "did you mean 'compute.scale'"),
        ("value = 1.2", "value = -1.2", "compute.scale: expected 0.01 to 100, got -1.2"),
        ("value = 1.2", 'value = "much"', "parameters.compute.scale.value"),
        ("value = 1.2", "value = nan", "parameters.compute.scale.value"),
        ("std = 0.02\n", "", "std is missing"),
        ("-0.6, 1.0", "0.6, 1.0", "matrix of correlations"),
        ("[1.0, -0.6]", "[1.0, -1.6]", "matrix of correlations"),
        ("[1.0, -0.6]", "[1.0]", "matrix of correlations"),
        ("identified = true", "identifyed = true", "unknown key; did you mean 'identified'"),
        ('unit = "s"', 'unit = ""', "overhead.peer.unit: expected 's'"),
        ("[residual_scatter]", "[residual", "not valid TOML"),
    ],
)
def test_a_wrong_overlay_is_refused_in_one_line(old, new, message, lenet, written):
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        simulate(lenet.override({"calibration.overlay": str(written)}))
    assert "\n" not in str(caught.value)
    assert "overlay.toml" in str(caught.value)


def test_a_missing_overlay_is_refused(lenet):
    with pytest.raises(InputError, match=r"calibration.overlay: nowhere.toml: no such file"):
        simulate(lenet.override({"calibration.overlay": "nowhere.toml"}))


def test_unidentified_parameters_change_nothing():
    document = made().model_dump(by_alias=True)
    document["parameters"]["compute.scale"] |= {"identified": False, "std": None, "reason": "no data"}
    document["correlation"] = {}
    overlay = Overlay.model_validate(document)
    assert dict(overlay.values) == {"overhead.peer": 9e-6}
    assert overlay.covariance.shape == (1, 1)
    assert "no data" in overlay_text(overlay)


def test_draws_have_the_fit_s_covariance_and_repeat():
    overlay = made()
    draws = overlay.draws(4000, seed=1)
    assert draws == overlay.draws(4000, seed=1)
    assert draws[:10] != overlay.draws(10, seed=2)
    # The first draws are the same however many there are: scenarios can be compared draw by draw.
    assert draws[:10] == overlay.draws(10, seed=1)
    vectors = np.array([[draw[name] for name in overlay.names] for draw in draws])
    assert vectors.mean(axis=0) == pytest.approx([1.2, 9e-6], rel=0.01)
    assert vectors.std(axis=0) == pytest.approx([0.02, 1e-6], rel=0.05)
    assert np.corrcoef(vectors.T)[0, 1] == pytest.approx(-0.6, abs=0.05)


def test_draws_stay_within_bounds(lenet, written):
    overlay = made(**{"compute.scale": (1.0, 0.1), "overhead.peer": (1e-6, 1e-5)})
    draws = overlay.draws(200, seed=0)
    assert min(draw["overhead.peer"] for draw in draws) == 0.0
    simulate(lenet.override({"calibration.parameters": draws[0]}))


def test_an_overlay_where_a_folder_is_cannot_be_written(tmp_path):
    (tmp_path / "overlay.toml").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_overlay(made(), tmp_path / "overlay.toml")
    assert list(tmp_path.iterdir()) == [tmp_path / "overlay.toml"]


def test_unknown_overlay_parameters_offer_the_nearest_name(lenet):
    with pytest.raises(UnknownNameError, match=r"did you mean 'overhead.peer'"):
        simulate(lenet.override({"calibration.parameters": {"overhead.pear": 1e-6}}))
