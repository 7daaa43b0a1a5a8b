"""`clustersim sensitivity`."""

import importlib.util
import json

import pytest

ONE = ("sensitivity", "m40x4-lenet", "--steps", "3", "--jobs", "1")


def test_the_document_holds_what_the_table_shows(clustersim):
    code, out, _ = clustersim(*ONE, "--json", "-")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "clustersim/sensitivity/1"
    kinds = {row["kind"] for row in document["sensitivities"]}
    assert kinds == {"hardware", "choice"}
    for row in document["sensitivities"]:
        assert row["saving"] == pytest.approx(1.0 - row["time_s"] / document["base_time_s"])


def test_the_table_says_what_helps(clustersim):
    code, out, _ = clustersim(*ONE, "--no-choices")
    assert code == 0
    assert "device.m40.compute = 2" in out
    assert "is in proportion to the m40 compute" in " ".join(out.split())
    assert "what the job may choose" not in out


def test_a_tornado_is_drawn(clustersim, tmp_path):
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    picture = tmp_path / "tornado.svg"
    code, _, err = clustersim(*ONE, "--plot", picture)
    assert code == 0
    assert f"plot: {picture}" in err
    text = picture.read_text()
    assert text.startswith("<?xml")
    assert "m40: compute" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--factor", "1"), "factor: expected a number above 1"),
        (("--plot", "a.txt"), "expected a file name that ends in"),
        (("--json", "no/such/folder/x.json"), "cannot be written"),
        (("--set", "what_if.nic.bandwidth=2"), "unknown hardware parameter"),
    ],
    ids=["factor", "plot", "json", "what-if"],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(clustersim, arguments, expected):
    code, out, err = clustersim(*ONE, *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1
