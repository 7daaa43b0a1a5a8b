"""Plots are written for every format, and refuse what they cannot draw."""

from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.report.plots import COLOURS, breakdown_bars, timeline
from simulator.simulation import load, simulate
from simulator.trace import Category


@pytest.fixture(scope="module")
def result():
    return simulate(load("m40x4-lenet", **{"workload.steps": 3}))


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_both_plots_in_every_format(result, tmp_path: Path, suffix):
    bars, lanes = tmp_path / f"bars.{suffix}", tmp_path / f"lanes.{suffix}"
    breakdown_bars([("one", result), ("two", result)], bars, "title")
    timeline(result.trace, lanes, 0, 1)
    assert bars.stat().st_size > 1000
    assert lanes.stat().st_size > 1000


def test_the_timeline_names_every_part_that_it_shows(result, tmp_path: Path):
    path = tmp_path / "lanes.svg"
    timeline(result.trace, path, 1, 1)
    text = path.read_text()
    for part in {span.category for span in result.trace.spans if span.step == 1}:
        assert part.replace("_", " ") in text


def test_every_part_has_its_own_colour():
    assert set(COLOURS) == set(Category)
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_what_cannot_be_drawn_is_refused(result, tmp_path: Path):
    with pytest.raises(InputError, match="steps 7 to 9: expected steps between 0 and 2"):
        timeline(result.trace, tmp_path / "x.svg", 7, 9)
    with pytest.raises(InputError, match=r"ends in \.svg, \.png, \.pdf"):
        breakdown_bars([("one", result)], tmp_path / "x.gif", "title")
    with pytest.raises(InputError, match="cannot be written"):
        timeline(result.trace, tmp_path / "no" / "x.svg", 0, 1)
