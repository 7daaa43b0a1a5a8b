"""``clustersim failures`` and the lines of ``run``."""

import json

import pytest

from simulator.units import format_quantity

pytest.importorskip("matplotlib")

SETTINGS = (
    "--set=workload.steps=2",
    "--set=cluster.system=k80-fdr",
    "--set=cluster.nodes=2",
    "--set=reliability.mtbf=5 d",
    "--set=reliability.work=20 d",
    "--set=reliability.restart=10 min",
    "--set=reliability.checkpoint_size=3 GB",
    "--set=reliability.checkpoint_bandwidth=100 MB/s",
    "--set=reliability.trials=100",
)


def test_curves_have_their_least_time_at_the_optimum_and_are_drawn(clustersim, tmp_path):
    code, out, _ = clustersim(
        "failures",
        "m40x4-lenet",
        *SETTINGS,
        "--nodes",
        "1,2,4",
        "--plot",
        tmp_path / "f.svg",
        "--json",
        tmp_path / "f.json",
    )
    assert code == 0
    assert "best" in out
    assert "4 nodes are done first" in out
    assert "<svg" in (tmp_path / "f.svg").read_text()
    document = json.loads((tmp_path / "f.json").read_text())
    assert document["schema"] == "clustersim/failures/1"
    points = [(one["expected_time_s"], one["checkpoint"]["interval_s"]) for one in document["intervals"]]
    optimum = document["intervals"][0]["checkpoint"]["optimum_interval_s"]
    assert min(points)[1] == pytest.approx(optimum, rel=0.05)
    assert len(points) > 8
    assert [point["nodes"] for point in document["nodes"]] == [1, 2, 4]
    # The same samples: as long on the scenario's own number of nodes as its own campaign.
    own = document["result"]["reliability"]
    assert document["nodes"][1]["reliability"]["expected_time_s"] == pytest.approx(own["expected_time_s"])
    efficiency = [point["reliability"]["efficiency"] for point in document["nodes"]]
    assert efficiency == sorted(efficiency, reverse=True)


def test_too_many_nodes_stop_helping(clustersim, tmp_path):
    hopeless = ("--set=reliability.mtbf=2 h", "--set=reliability.restart=30 min", "--set=reliability.work=2 d")
    code, _, error = clustersim(
        "failures", "m40x4-lenet", *SETTINGS, *hopeless, "--nodes", "1,2,4,16", "--json", tmp_path / "f.json"
    )
    assert code == 0, error
    points = json.loads((tmp_path / "f.json").read_text())["nodes"]
    times = {point["nodes"]: point["reliability"] and point["reliability"]["expected_time_s"] for point in points}
    assert times[16] is None or times[16] > times[4]


def test_run_tells_time_failures_and_checkpoints(clustersim):
    code, out, _ = clustersim("run", "m40x4-lenet", *SETTINGS)
    assert code == 0
    for text in ("with failures", "that stop the run, one every 2.5 d of 2 nodes", "3 GB every"):
        assert text in out


def test_the_campaign_costs_what_the_run_does_as_often_as_it_takes_longer(clustersim, tmp_path):
    """Three nodes are paid for while two train: by hand, from the run's own time, cost and energy."""
    out = tmp_path / "run.json"
    settings = [
        *SETTINGS,
        "--set=prices.node_hour=2 USD/h",
        "--set=reliability.spares=1",
        "--set=reliability.repair=1 h",
    ]
    code, printed, _ = clustersim("run", "m40x4-lenet", *settings, "--json", out)
    assert code == 0
    result = json.loads(out.read_text())
    hours = result["reliability"]["expected_time_s"] / 3600.0
    assert result["reliability"]["cost_usd"] == pytest.approx(hours * 3 * 2.0)
    power = result["energy_j"] / result["time_s"]
    assert result["reliability"]["energy_j"] == pytest.approx(power * hours * 3600.0)
    line = next(line for line in printed.splitlines() if line.startswith("campaign"))
    assert format_quantity(hours * 3 * 2.0, "money") in line
    assert "with all failures and 1 spare node" in line


def test_a_scenario_that_says_nothing_of_failures_is_told_what_to_say(clustersim):
    code, out, error = clustersim("failures", "m40x4-lenet")
    assert code == 2
    assert out == ""
    assert error.startswith("clustersim: m40x4-lenet: reliability: missing; expected a table [reliability]")


def test_curves_need_checkpoints_and_free_nodes(clustersim):
    none = ("--set=reliability.restart=1 min", "--set=reliability.checkpoint=none", "--set=reliability.mtbf=9 d")
    code, _, error = clustersim("failures", "m40x4-lenet", "--set=workload.steps=2", *none)
    assert code == 2
    assert "reliability.checkpoint: no checkpoints are written" in error
    code, _, error = clustersim("failures", "m40x4-lenet", *SETTINGS, "--set=cluster.workers=2", "--nodes", "1,2")
    assert code == 2
    assert "cluster.workers: more nodes would stay idle" in error


@pytest.mark.parametrize("nodes", ["", "0", "1,-1", "1,x", "1.5", "4..1", "1..4:smallest"])
def test_node_counts_that_are_none_are_one_line(clustersim, nodes):
    code, out, error = clustersim("failures", "m40x4-lenet", *SETTINGS, "--nodes", nodes)
    assert (code, out) == (2, "")
    assert error.startswith("clustersim: nodes: ")
    assert error.count("\n") == 1


def test_node_counts_may_be_a_range(clustersim):
    code, out, _ = clustersim("failures", "m40x4-lenet", *SETTINGS, "--nodes", "1..4", "--json", "-")
    assert code == 0
    assert [point["nodes"] for point in json.loads(out)["nodes"]] == [1, 2, 4]


def test_compare_shows_the_campaign_beside_the_run_where_nodes_may_fail(clustersim):
    algorithms = ("--algorithms", "sync-sgd,async-sgd")
    code, out, _ = clustersim("compare", "m40x4-lenet", *SETTINGS, *algorithms)
    assert code == 0
    assert "with failures" in out
    code, out, _ = clustersim("compare", "m40x4-lenet", "--set=workload.steps=2", *algorithms)
    assert code == 0
    assert "with failures" not in out
