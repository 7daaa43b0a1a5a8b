"""Recorded runs predicted from a calibration that saw a third of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.trace.chrome import read_trace
from validation.training import findings as part
from validation.training.grid import FOLDER, STEPS, Case, cases, fitted_third, read_measured


def test_the_third_is_a_third_and_of_every_kind():
    third = fitted_third()
    assert len(third) == len(set(third)) == len(cases()) // 3
    for key in ("algorithm", "workers", "model", "width", "batch_size"):
        every, chosen = ({getattr(case, key) for case in group} for group in (cases(), third))
        assert every == chosen


def test_what_was_kept_are_traces_of_the_fitted_third_alone():
    kept = {path.name.removesuffix(".json.gz") for path in (FOLDER / "traces").iterdir()}
    assert kept == {str(case) for case in fitted_third()}


def test_kept_traces_name_no_place_on_the_machine():
    for path in sorted((FOLDER / "traces").iterdir())[:5]:
        metadata = read_trace(path).metadata
        assert not metadata["scenario"]["cluster"]["system"].startswith("/")
    assert "/" not in json.dumps(json.loads((FOLDER / "machine.json").read_text())).replace("I/O", "")


def test_every_case_was_recorded():
    assert [row.case for row in read_measured()] == cases()


def test_the_calibration_says_that_it_saw_the_third():
    text = (FOLDER / "overlay.toml").read_text()
    assert all(f'"{case}.json.gz"' in text for case in fitted_third())
    unseen = set(cases()) - set(fitted_third())
    assert not any(f'"{case}.json.gz"' in text for case in unseen)


@pytest.fixture
def few(monkeypatch):
    """A handful of cases, so that predicting them takes a second."""
    chosen = [case for case in cases() if case.workers < 3 and case.width == "narrow" and case.batch_size == 128]
    chosen = [case for case in chosen if case.model == "mlp"]
    monkeypatch.setattr(
        part, "read_measured", lambda folder: [row for row in read_measured(folder) if row.case in chosen]
    )
    return chosen


def test_predictions_are_near_what_was_measured(few):
    found = part.findings(None, lambda what, share: None)
    assert [check.fitted for check in found.checks] == [case in set(fitted_third()) for case in few]
    assert np.median([abs(check.error) for check in found.checks]) < 0.25


def test_a_prediction_does_not_see_what_was_measured(few, tmp_path):
    folder = tmp_path / "recorded"
    shutil.copytree(FOLDER, folder)
    rows = [{"case": asdict(case), "repeat": 0, "step_time_s": 1.0 + place} for place, case in enumerate(few)]
    (folder / "step-times.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    wrong = part.findings(folder, lambda what, share: None)
    right = part.findings(None, lambda what, share: None)
    assert [check.predicted for check in wrong.checks] == [check.predicted for check in right.checks]
    assert not wrong.passed


def test_without_recordings_it_says_how_to_make_some(tmp_path):
    assert "python -m validation.training.grid --out" in part.findings(tmp_path, lambda what, share: None).missing


def test_without_a_calibration_it_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"overlay.toml: no such file; 'python -m validation.training --refit'"):
        part.predict(cases()[0], tmp_path)


def test_rank_correlation_by_hand():
    rows = [
        (Case(name, 2, "mlp", "narrow", 8), time, guess)
        for name, time, guess in zip("abcd", (1, 2, 3, 4), (1, 2, 4, 3), strict=True)
    ]
    assert part.rank_correlation(rows) == [pytest.approx(0.8)]
    assert part.rank_correlation(rows[:3]) == []


def test_runs_are_long_enough_to_have_a_median():
    assert STEPS >= 8
