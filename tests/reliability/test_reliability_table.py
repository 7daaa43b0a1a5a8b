"""What a scenario's [reliability] table means, for which algorithm and system, and what is wrong input."""

import math

import pytest

from simulator.errors import InfeasibleError, InputError
from simulator.hardware import load_system, names
from simulator.reliability.intervals import daly_interval, optimum_interval
from simulator.reliability.mtbf import node_mtbf
from simulator.reliability.table import ReliabilityTable
from simulator.scenario import Scenario
from simulator.simulation import Simulation, load, simulate

TABLE = {"restart": "10 min", "mtbf": "30 d", "checkpoint_bandwidth": "100 MB/s", "work": "10 d", "trials": 200}
CLUSTER = {"cluster.system": "k80-fdr", "cluster.nodes": 4, "workload.steps": 4}


def scenario(algorithm="sync-sgd", **table):
    keys = {f"reliability.{key}": value for key, value in (TABLE | table).items() if value is not None}
    return load("m40x4-lenet", **{**CLUSTER, "algorithm.name": algorithm, **keys})


def setup(algorithm="sync-sgd", **table):
    return Simulation(scenario(algorithm, **table)).reliability


def test_a_scenario_without_the_table_has_no_failures():
    assert simulate(load("m40x4-lenet", **{"workload.steps": 2})).reliability is None


def test_the_printed_scenario_can_be_run_again_with_the_same_result():
    first = simulate(scenario(epochs=2.5, work=None, repair="2 h", spares=1))
    again = simulate(Scenario.from_dict(first.to_dict()["scenario"]))
    assert again.to_dict()["reliability"] == first.to_dict()["reliability"]


def test_one_failing_node_stops_a_synchronous_run_whichever_it_is():
    found = setup()
    assert (found.critical, found.replaceable) == (4, 0)
    assert found.system_mtbf == 30 * 86400 / 4


@pytest.mark.parametrize("algorithm", ["async-sgd", "async-measgd", "hogwild-easgd"])
def test_workers_of_an_asynchronous_server_are_done_without(algorithm):
    found = setup(algorithm)
    assert (found.critical, found.replaceable) == (1, 3)
    assert found.share == pytest.approx(1 / 4)  # of each node that only computes


@pytest.mark.parametrize("algorithm", ["original-easgd", "ssp", "sync-ps", "sync-easgd1", "sync-easgd3", "ad-psgd"])
def test_whoever_is_waited_for_stops_the_run(algorithm):
    assert setup(algorithm).replaceable == 0


def test_the_scenario_may_say_otherwise():
    assert setup("async-sgd", on_failure="restart").critical == 4
    assert setup("original-easgd", on_failure="continue").critical == 1
    assert setup("ad-psgd", on_failure="continue").critical == 0  # gossip has no master to lose


def test_a_master_of_its_own_node_leaves_all_workers_replaceable():
    keys = {f"reliability.{key}": value for key, value in TABLE.items()}
    found = Simulation(
        load("m40x4-lenet", **{**CLUSTER, "algorithm.name": "async-sgd", "cluster.master": "node", **keys})
    ).reliability
    assert (found.critical, found.replaceable) == (1, 3)
    assert found.share == pytest.approx(1 / 3)


def test_nodes_without_a_part_in_the_run_do_not_count():
    keys = {f"reliability.{key}": value for key, value in TABLE.items()}
    found = Simulation(load("m40x4-lenet", **{**CLUSTER, "cluster.workers": 5, **keys})).reliability
    assert found.critical == 2  # four workers on the first node, one on the second


def test_a_checkpoint_holds_weights_and_what_the_optimizer_keeps():
    simulation = Simulation(scenario())
    assert simulation.reliability.size == simulation.network.parameter_bytes(4)
    momentum = Simulation(scenario("ddp-msgd"))
    assert momentum.reliability.size == 2 * momentum.network.parameter_bytes(4)
    assert setup(checkpoint_size="3 GB").size == 3e9
    assert setup(checkpoint_size="3 GB").stall == 30.0


def test_an_asynchronous_checkpoint_stops_training_for_the_copy_to_the_host_alone():
    waiting, behind = setup(checkpoint_size="3 GB"), setup(checkpoint_size="3 GB", asynchronous=True)
    assert behind.drain == waiting.stall
    assert waiting.drain == 0.0
    assert 3e9 / 16e9 < behind.stall < 3e9 / 5e9  # PCIe 3 x16
    in_host_memory = setup("async-sgd", checkpoint_size="3 GB", asynchronous=True)
    assert in_host_memory.stall < behind.stall  # the master's centre lies there already


def test_the_optimal_interval_is_youngs_and_dalys_up_to_a_whole_number():
    found = simulate(scenario(checkpoint_size="3 GB")).reliability
    kept, mtbf = found.checkpoints, found.mtbf
    assert kept.daly == daly_interval(kept.stall, mtbf)
    assert kept.optimum == optimum_interval(kept.stall, mtbf)
    assert kept.interval == pytest.approx(kept.daly, rel=1.0 / kept.count)
    assert kept.count * kept.interval == pytest.approx(found.work)
    for interval in ("4 h", "30 min"):
        other = simulate(scenario(checkpoint_size="3 GB", checkpoint=interval)).reliability
        assert other.expected_time > found.expected_time


@pytest.mark.parametrize(("interval", "count"), [("1 d", 10), ("23 h", 11), ("20 d", 1), ("600 s", 1440)])
def test_intervals_are_equal_and_at_most_as_long_as_asked_for(interval, count):
    assert setup(checkpoint=interval).intervals(10 * 86400.0) == count


def test_work_is_given_as_a_time_in_steps_or_in_epochs():
    run = simulate(scenario())
    assert run.reliability.work == 10 * 86400
    steps = simulate(scenario(work=None, steps=400)).reliability
    assert steps.work == pytest.approx(100 * run.time)
    assert steps.scale == pytest.approx(100)
    epochs = simulate(scenario(work=None, epochs=3)).reliability
    passes = 3 * 60_000 / (64 * run.workers)
    assert epochs.work == pytest.approx(run.time * passes / run.steps)
    assert simulate(scenario(work=None)).reliability.work == run.time


def test_the_result_says_how_many_times_longer_and_what_that_costs_and_draws():
    result = simulate(scenario(spares=1, repair="12 h"))
    document = result.to_dict()
    found = document["reliability"]
    assert found["expected_time_s"] == found["simulated"]["mean_s"]  # spares have no closed form
    ratio = found["expected_time_s"] / result.time
    assert found["energy_j"] == pytest.approx(result.energy * ratio)
    assert found["runs"] == pytest.approx(10 * 86400 / result.time)
    assert 0 < found["efficiency"] < 1
    priced = result.reliability.to_dict(energy=None, cost=2.0)
    assert priced["cost_usd"] == pytest.approx(2.0 * ratio * 5 / 4)
    assert priced["energy_j"] is None


def test_without_failures_only_the_checkpoints_are_added():
    found = simulate(scenario(mtbf="100000000 d", checkpoint="1 d", checkpoint_size="1 GB")).reliability
    assert found.expected_time == pytest.approx(10 * 86400 + 10 * 10, rel=1e-6)


@pytest.mark.parametrize("algorithm", ["sync-sgd", "async-sgd"])
def test_nodes_that_fail_more_often_never_make_it_faster(algorithm):
    times = [
        simulate(scenario(algorithm, mtbf=mtbf)).reliability.expected_time for mtbf in ("90 d", "30 d", "5 d", "1 d")
    ]
    assert times == sorted(times)


@pytest.mark.parametrize("algorithm", ["sync-sgd", "async-sgd"])
def test_more_nodes_lose_more_of_the_same_work(algorithm):
    keys = {f"reliability.{key}": value for key, value in TABLE.items()} | {"reliability.mtbf": "5 d"}
    few, many = (
        simulate(load("m40x4-lenet", **{**CLUSTER, "cluster.nodes": nodes, "algorithm.name": algorithm, **keys}))
        for nodes in (2, 8)
    )
    assert few.reliability.failures + few.reliability.outages < many.reliability.failures + many.reliability.outages
    if algorithm == "sync-sgd":
        assert few.reliability.expected_time < many.reliability.expected_time


def test_going_on_is_never_slower_than_starting_again():
    asynchronous = [simulate(scenario("async-sgd", mtbf="5 d", on_failure=how)) for how in ("continue", "restart")]
    going_on, starting_again = (result.reliability.expected_time for result in asynchronous)
    assert going_on < starting_again


def test_weibull_lives_with_infant_mortality_fail_more_in_a_young_cluster():
    young = simulate(scenario(distribution="weibull", shape=0.6)).reliability
    assert not young.exact
    assert young.failures > 1.2 * simulate(scenario()).reliability.failures


def test_the_seed_of_the_scenario_decides():
    first, again, other = (
        simulate(scenario().override({"simulation.seed": seed})).reliability.simulated for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


# Published figures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gpus", "hours"), [(16_384, 1.8), (131_072, 0.23)])
def test_failures_of_nodes_add_up_to_what_is_projected_for_large_jobs(gpus, hours):
    # Kokolis et al., HPCA 2025: mean time to failure of jobs on RSC-1, projected.
    mtbf, _ = node_mtbf(ReliabilityTable(restart="1 s", checkpoint="none"), load_system("dgx-a100"), "here")
    assert mtbf / (gpus / 8) / 3600 == pytest.approx(hours, rel=0.03)


def test_interruptions_of_a_published_run_are_expected_of_its_nodes():
    # Llama 3 herd: 419 in 54 days on 16,384 H100; the figure is derived from it, so this checks the arithmetic.
    mtbf, source = node_mtbf(ReliabilityTable(restart="1 s", checkpoint="none"), load_system("dgx-h100"), "here")
    assert 54 * 86400 / (mtbf / 2048) == pytest.approx(419, rel=1e-3)
    assert "2407.21783" in source


def test_devices_stand_in_for_a_system_that_says_nothing():
    system = load_system("h100x4-ib")
    mtbf, source = node_mtbf(ReliabilityTable(restart="1 s", checkpoint="none"), system, "here")
    assert mtbf == pytest.approx(79230 * 3600 / 4)
    assert "accelerators alone" in source
    assert mtbf > node_mtbf(ReliabilityTable(restart="1 s", checkpoint="none"), load_system("dgx-h100"), "here")[0]


@pytest.mark.parametrize("system", names("systems"))
def test_a_profile_has_a_sourced_figure_or_the_scenario_is_asked_for_one(system):
    profile, table = load_system(system), ReliabilityTable(restart="1 s", checkpoint="none")
    accelerators = [profile.devices[name] for name in profile.node.accelerators]
    if profile.profile.facts.mtbf is None and not all(device.mtbf for device in accelerators):
        with pytest.raises(InputError, match=f"here: reliability.mtbf: the profile of {system} does not say"):
            node_mtbf(table, profile, "here")
        return
    mtbf, source = node_mtbf(table, profile, "here")
    assert 30 * 86400 < mtbf < 50 * 365 * 86400
    assert system in source or "accelerators" in source


# Wrong input --------------------------------------------------------------------------------------------------------

WRONG = [
    ({"restart": None}, "reliability.restart: missing"),
    ({"restart": "0 s"}, "reliability.restart: expected more than nothing, got '0 s'"),
    ({"restart": 10}, "reliability.restart"),
    ({"mtbf": "often"}, "reliability.mtbf: expected 'profile' or a time such as '1.5 us', got 'often'"),
    ({"mtbf": "3 GB"}, "has the unit 'GB'"),
    ({"checkpoint": "sometimes"}, "reliability.checkpoint: expected 'optimal' or 'none' or a time"),
    ({"checkpoint_bandwidth": None}, "checkpoint_bandwidth: missing; expected what the storage takes"),
    ({"checkpoint": "none"}, "checkpoint_bandwidth has no effect with checkpoint = 'none'"),
    ({"checkpoint": "none", "checkpoint_bandwidth": None, "asynchronous": True}, "asynchronous has no effect"),
    ({"shape": 0.7}, "shape has an effect only with distribution = 'weibull'"),
    ({"distribution": "weibull"}, "shape: missing"),
    ({"distribution": "normal"}, "reliability.distribution"),
    ({"spares": 2}, "repair: missing; spares that are used up come back after it"),
    ({"spares": -1, "repair": "1 h"}, "reliability.spares"),
    ({"steps": 3}, "expected one of 'work', 'epochs' and 'steps', got 'work' and 'steps'"),
    ({"on_failure": "pray"}, "reliability.on_failure"),
    ({"mtfb": "3 d"}, "did you mean 'mtbf'?"),
    ({"trials": 1}, "reliability.trials"),
]


@pytest.mark.parametrize(("table", "message"), WRONG, ids=[f"{next(iter(t))}-{i}" for i, (t, _) in enumerate(WRONG)])
def test_wrong_tables_are_refused_in_one_line(table, message):
    with pytest.raises(InputError) as caught:
        setup(**table)
    assert message in str(caught.value)
    assert str(caught.value).startswith("m40x4-lenet: ")
    assert "\n" not in str(caught.value)


def test_campaigns_that_no_memory_holds_are_refused():
    """Each spare has a time of its own in each campaign; each node, too, where young ones fail more often."""
    with pytest.raises(InputError, match=r"reliability.trials: 200 campaigns with 1,000,000,000 nodes and spares"):
        simulate(scenario(spares=10**9, repair="1 h"))
    with pytest.raises(InputError, match=r"reliability.trials: 100,000 campaigns with 504 nodes and spares"):
        simulate(scenario(spares=500, repair="1 h", trials=100_000, distribution="weibull", shape=0.7))


def test_an_algorithm_whose_workers_wait_for_each_other_cannot_go_on():
    with pytest.raises(InputError, match=r"reliability.on_failure: every worker of sync-sgd waits for all others"):
        setup(on_failure="continue")


def test_a_system_that_is_not_known_to_fail_asks_for_a_figure():
    with pytest.raises(InputError, match=r"m40x4-lenet: reliability.mtbf: the profile of k80-fdr does not say"):
        setup(mtbf="profile")


def test_checkpoints_that_come_faster_than_they_are_written_are_refused():
    with pytest.raises(InputError, match=r"reliability.checkpoint: a checkpoint is safe 300 s after it was taken"):
        simulate(scenario(checkpoint="1 min", checkpoint_size="30 GB", asynchronous=True))
    optimal = simulate(scenario(mtbf="2 h", checkpoint_size="30 GB", asynchronous=True)).reliability.checkpoints
    assert optimal.interval + optimal.stall >= optimal.drain > optimal.daly


def test_work_that_would_never_be_done_is_infeasible():
    with pytest.raises(
        InfeasibleError, match=r"reliability: a failure every 1 h and 10 d from checkpoint to checkpoint"
    ):
        simulate(scenario(mtbf="4 h", checkpoint="none", checkpoint_bandwidth=None))
    assert math.isinf(setup("ad-psgd", on_failure="continue").system_mtbf)
