"""The [background] table: what each key does, what is refused, and that results can be run again."""

from __future__ import annotations

import pytest

from simulator.errors import InfeasibleError, InputError
from simulator.scenario import Scenario
from simulator.simulation import Simulation, load, simulate


def background(machines, table, system=None, nodes=6, **changes):
    return machines.job(system or machines.tree, nodes, workload__steps=3, **changes).override({"background": table})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, r"background: expected 'load', \[\[background.jobs\]\] or placement = 'random'"),
        ({"placement": "interleaved"}, r"background: expected 'load'"),
        ({"jobs": [{}], "nodes": 4}, "nodes has an effect only together with load"),
        ({"jobs": [{}], "flow_size": "1 MB"}, "flow_size has an effect only together with load"),
        ({"jobs": [{}], "seed": 4}, "seed has an effect only with load or placement = 'random'"),
        ({"load": 0.1, "machine_nodes": 20}, "machine_nodes has an effect only with placement = 'random'"),
        ({"load": 0.1, "placement": "colocated"}, "needs .*background.jobs.* to share nodes with"),
        ({"load": 1.0}, "background.load: .*less than 1"),
        ({"load": -0.1}, "background.load: .*greater than or equal to 0"),
        ({"load": 0.1, "nodes": 1}, "background.nodes: .*greater than or equal to 2"),
        ({"load": 0.1, "flow_size": "big"}, "background.flow_size: expected a size such as '25 MiB', or 'web-search'"),
        ({"load": 0.1, "flow_size": 0}, "background.flow_size: expected a size"),
        ({"load": 0.1, "flow_size": "1 s"}, "background.flow_size: expected a size"),
        ({"load": 0.1, "burst": 2}, "background.burst: unknown key"),
        ({"jobs": [{"scenaro": "x"}]}, "scenaro: unknown key; did you mean 'scenario'"),
        ({"jobs": [{"start": -1}]}, "start: .*greater than or equal to 0"),
        ({"jobs": [{"start": 1e17}]}, "start: .*less than or equal to 1000000"),
        ({"jobs": [{"override": 3}]}, "override: expected a table of names and values, got 3"),
        ({"load": 0.1, "placement": "spread"}, "background.placement: "),
    ],
)
def test_tables_that_say_nothing_or_nonsense_are_refused(machines, table, message):
    with pytest.raises(InputError, match=message):
        background(machines, table)


@pytest.mark.parametrize(
    ("table", "changes", "kind", "message"),
    [
        ({"jobs": [{}] * 4}, {}, InfeasibleError, r"background: 6 \+ 6 \+ 6 \+ 6 \+ 6 make 30 nodes, but .* has 24"),
        ({"load": 0.1, "nodes": 19}, {}, InfeasibleError, r"background: 6 \+ 19 make 25 nodes"),
        (
            {"jobs": [{"scenario": "cori-vgg"}]},
            {},
            InputError,
            r"jobs\[0\]: cori-vgg: cluster.system: 'cori-knl' is not the system of job-6.toml",
        ),
        ({"jobs": [{"scenario": "no-such"}]}, {}, InputError, r"jobs\[0\]: unknown scenario file or example 'no-such'"),
        ({"jobs": [{"scenario": "gone.toml"}]}, {}, InputError, r"jobs\[0\]: gone.toml: no such file"),
        ({"jobs": [{"override": {"cluster.nodez": 2}}]}, {}, InputError, r"jobs\[0\]: .*cluster.nodez: unknown key"),
        (
            {"jobs": [{"override": {"learning": {"data": "digits"}}}]},
            {},
            InputError,
            r"jobs\[0\]: jobs in the background do not learn; override simulation.timing_only",
        ),
        (
            {"jobs": [{"override": {"background": {"load": 0.1}}}]},
            {},
            InputError,
            r"jobs\[0\]: .* has a \[background\] of its own",
        ),
        (
            {"jobs": [{"override": {"calibration": {"parameters": {"link.ethernet-10g-tcp.bandwidth": 0.5}}}}]},
            {},
            InputError,
            r"jobs\[0\].override: calibration.parameters.* is of the machine; state it in the scenario itself",
        ),
        ({"jobs": [{}]}, {"network__model": "alpha-beta"}, InputError, "network.model: jobs share links only with"),
        ({"load": 0.1}, {"network__model": "alpha-beta"}, InputError, "network.model: jobs share links only with"),
        (
            {"jobs": [{}], "placement": "colocated"},
            {},
            InfeasibleError,
            "other jobs have all accelerators of the nodes",
        ),
    ],
)
def test_others_that_cannot_be_there_are_refused(machines, table, changes, kind, message):
    with pytest.raises(kind, match=message):
        Simulation(background(machines, table, **changes))


def test_a_box_without_a_fabric_has_no_tenants():
    with pytest.raises(InfeasibleError, match="background: 1 \\+ 2 make 3 nodes, but the system has 1"):
        Simulation(load("m40x4-lenet", **{"background.load": 0.1}))


def test_jobs_on_one_chip_cannot_share_nodes():
    with pytest.raises(InputError, match="jobs cannot share nodes of cori-knl, which are one chip each"):
        Simulation(load("cori-vgg", **{"background": {"jobs": [{}], "placement": "colocated"}}))


def test_flows_that_would_be_simulated_for_hours_are_refused(machines):
    """20 % of 48 adapters of 1.15 GB/s in flows of one byte: as a rule, a unit was left out."""
    with pytest.raises(InputError, match=r"background.flow_size: \S+ flows of a mean of 1 B arrive while the job runs"):
        simulate(background(machines, {"load": 0.2, "flow_size": 1}))


def test_whoever_comes_when_the_job_has_ended_is_said_to_change_nothing(machines):
    base = machines.job(machines.tree, 6, workload__steps=3)
    table = {"load": 0.1, "flow_size": 1e15, "jobs": [{"start": 1e6}]}
    late = simulate(base.override({"background": table}))
    assert late.time == pytest.approx(simulate(base).time)
    assert [warning.partition(":")[0] for warning in late.warnings] == [
        "background.jobs[0] changed nothing",
        "background.load changed nothing",
    ]
    felt = simulate(base.override({"background": {"load": 0.3, "flow_size": "1 kB", "jobs": [{}]}}))
    assert felt.warnings == ()


def test_no_load_is_the_job_alone(machines):
    """So that a sweep of loads can begin at nothing."""
    base = machines.job(machines.tree, 6, workload__steps=3)
    result = simulate(base.override({"background.load": 0}))
    assert result.trace.spans == simulate(base).trace.spans
    assert result.sharing is None


def test_each_key_of_the_traffic_changes_the_result(machines):
    base = background(machines, {"load": 0.3, "placement": "random", "flow_size": "1 MB"}, nodes=8)
    first = simulate(base)
    for key, value in {
        "load": 0.1,
        "nodes": 12,
        "flow_size": "2 MB",
        "placement": "interleaved",
        "machine_nodes": 24,
        "seed": 5,
    }.items():
        changes = {f"background.{key}": value}
        if key == "placement":
            changes |= {"background.seed": 0}
        assert simulate(base.override(changes)).sharing != first.sharing, key


def test_a_result_s_scenario_runs_again(machines):
    table = {"load": 0.2, "placement": "random", "jobs": [{"start": 0.001, "override": {"cluster": {"nodes": 3}}}]}
    first = simulate(background(machines, table))
    again = simulate(Scenario.from_dict(first.scenario, "again", machines.folder))
    assert again.trace.spans == first.trace.spans
    assert again.sharing["jobs"][0]["nodes"] == first.sharing["jobs"][0]["nodes"]
    assert len(first.sharing["jobs"][0]["nodes"]) == 3


def test_a_job_beside_the_scenario_is_found_there(machines):
    text = (
        f'[cluster]\nsystem = "{machines.tree}"\nnodes = 4\n[workload]\nnetwork = "lenet"\ndataset = "mnist"\n'
        'batch_size = 4\nsteps = 2\n[algorithm]\nname = "sync-sgd"\n'
    )
    (machines.folder / "neighbour.toml").write_text(text)
    result = simulate(background(machines, {"jobs": [{"scenario": "neighbour.toml"}], "placement": "random"}))
    (job,) = result.sharing["jobs"]
    assert (job["network"], job["workers"], job["runs_ended"] >= 1) == ("lenet", 4, True)


def test_a_job_in_the_background_costs_time_and_says_where(machines):
    """Two six-node jobs that exchange across the dumbbell: the thin link is what they share."""
    job = machines.job(machines.dumbbell, 4, workload__steps=4)
    result = simulate(job.override({"background": {"jobs": [{}], "placement": "interleaved"}}))
    assert result.sharing["slow_down"] > 1.2
    assert result.time == pytest.approx(result.sharing["slow_down"] * result.sharing["alone_time_s"])
    assert {link["resource"] for link in result.sharing["shared_links"]} == {"left->right", "right->left"}
    assert result.simulated_steps == result.steps == 4


@pytest.mark.parametrize(
    "table",
    [
        {"calibration": {"parameters": {"link.ethernet-10g-tcp.bandwidth": 0.5}}},
        {"what_if": {"link.ethernet-10g-tcp.bandwidth": 0.5}},
    ],
    ids=["calibration", "what_if"],
)
def test_the_machine_is_the_same_for_all(machines, table):
    """What is said of its links holds for the jobs in the background, too: they agree on what they share."""
    job = machines.job(machines.dumbbell, 4, workload__steps=4).override(
        {"background": {"jobs": [{}], "placement": "interleaved"}}
    )
    usual, thinner = Simulation(job), Simulation(job.override(table))
    (other,) = thinner.background._others
    rates = [_across(simulation) for simulation in (usual, thinner, other)]
    assert rates[1] == rates[2] == pytest.approx(rates[0] / 2)
    assert thinner.run().time > usual.run().time


def _across(simulation):
    """The rate of a message from its first worker to its last."""
    return simulation.platform.route(simulation.workers[0].name, simulation.workers[-1].name).bandwidth


def test_what_is_said_of_the_machine_need_not_concern_the_others(machines):
    """A correction for the job's own network is of no use to a neighbour with another, and no reason to refuse it."""
    job = machines.job(machines.tree, 4, workload__steps=2).override(
        {
            "workload.network": "lenet",
            "calibration": {"parameters": {"compute.scale.lenet": 2.0}},
            "background": {"jobs": [{"override": {"workload.network": "cifar10-quick"}}]},
        }
    )
    assert simulate(job).sharing["jobs"][0]["network"] == "cifar10-quick"


def test_two_jobs_on_one_box_share_what_leads_to_its_host():
    """Four GPUs behind one switch, two for each job: the masters' messages take turns on the link to the host."""
    base = load("m40x4-lenet", **{"cluster.workers": 2, "workload.steps": 4, "algorithm.name": "sync-easgd1"})
    result = simulate(base.override({"background": {"jobs": [{}], "placement": "colocated"}}))
    assert result.sharing["slow_down"] > 1.05
    assert {rank.device for rank in result.trace.ranks if rank.role == "worker"} == {"n0.gpu0", "n0.gpu1"}


def test_a_job_that_learns_learns_the_same_beside_others():
    """A synchronous method's weights do not depend on when things happen."""
    changes = {"workload.steps": 8, "cluster.workers": 2, "learning.target_accuracy": None, "learning.time_limit": None}
    base = load("m40x4-digits", **changes)
    others = {"jobs": [{"override": {"simulation.timing_only": True}}], "placement": "colocated"}
    alone, beside = simulate(base), simulate(base.override({"background": others}))
    assert (beside.weights == alone.weights).all()
    assert beside.sharing["slow_down"] >= 1.0 - 1e-9
