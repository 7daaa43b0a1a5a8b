"""What a scenario's ranks hold, masters included; what is refused, what helps, and how the command shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.cli import main
from simulator.errors import InfeasibleError, InputError
from simulator.memory_plan import memory_of, remedies
from simulator.scenario import Scenario
from simulator.simulation import Simulation

MIB = 2**20


def scenario(**changes: Any) -> Scenario:
    base = {
        "cluster": {"system": "m40x4"},
        "workload": {"network": "alexnet", "dataset": "imagenet", "batch_size": 64, "steps": 2},
        "algorithm": {"name": "sync-sgd"},
    }
    return Scenario.from_dict(base, "s").override({key.replace("__", "."): value for key, value in changes.items()})


def test_a_device_has_what_its_driver_says_and_loses_what_the_process_takes():
    plan = memory_of(scenario())
    assert plan.tightest.capacity == 11448 * MIB
    assert plan.worker.runtime == 300_000_000
    assert plan.fits
    assert plan.tightest.headroom == plan.tightest.capacity - plan.worker.total


def test_resnet_152_with_64_samples_fits_on_a_p100_as_it_did_in_2017():
    """TensorFlow's benchmarks of May 2017 ran it on a DGX-1; 16 GB, parameters on the host."""
    plan = memory_of(
        scenario(
            cluster__system="dgx1-p100",
            workload__network="resnet-152",
            algorithm__name="sync-ps",
        )
    )
    assert plan.fits


def test_the_host_holds_what_every_thread_has_received():
    plan = memory_of(scenario(algorithm__name="async-msgd"))
    (master,) = plan.masters
    parameters = plan.worker.weights
    assert master.need.parts() | {"workspace": 0} == master.need.parts()
    assert (master.need.weights, master.need.optimizer, master.need.messages) == (
        parameters,
        parameters,
        4 * parameters,
    )


def test_a_master_on_a_workers_device_takes_from_that_one_alone():
    plan = memory_of(scenario(algorithm__name="sync-easgd1", cluster__master="device"))
    assert plan.masters == ()
    first, second, *_ = plan.workers
    assert first.need.total - second.need.total == 2 * plan.worker.weights
    assert plan.tightest == first
    assert first.largest_batch is not None and second.largest_batch is not None  # noqa: PT018
    assert plan.largest_batch == first.largest_batch < second.largest_batch


def test_shards_divide_what_a_master_holds():
    one, two = (
        memory_of(
            scenario(algorithm__name="async-sgd", cluster__nodes=2, cluster__system="dgx1-p100", cluster__shards=shards)
        )
        for shards in (1, 2)
    )
    assert len(two.masters) == 2
    assert two.masters[0].need.total == pytest.approx(one.masters[0].need.total / 2, rel=1e-6)


@pytest.mark.parametrize("master", ["host", "device"])
def test_the_largest_batch_of_a_plan_fits_and_one_more_does_not(master: str):
    base = scenario(algorithm__name="sync-easgd1", cluster__master=master)
    largest = memory_of(base).largest_batch
    assert Simulation(base.override({"workload.batch_size": largest})).memory_plan.fits
    with pytest.raises(InfeasibleError, match=f"the largest batch that fits is {largest}$"):
        Simulation(base.override({"workload.batch_size": largest + 1}))


def test_remedies_allow_what_they_say():
    base = scenario(cluster__system="dgx1-v100", workload__network="resnet-50", workload__batch_size=1000)
    found = remedies(base)
    assert {remedy.key for remedy in found} == {"workload.recompute", "workload.precision"}
    for remedy in found:
        changed = base.override({remedy.key: remedy.value, "workload.batch_size": remedy.largest_batch})
        assert memory_of(changed).fits
        assert not memory_of(changed.override({"workload.batch_size": remedy.largest_batch + 1})).fits


def test_computing_twice_takes_longer_by_less_than_a_forward_pass():
    changes = {"cluster__system": "dgx1-v100", "cluster__workers": 1, "workload__network": "resnet-50"}
    plain, twice = (Simulation(scenario(**changes, workload__recompute=again)) for again in (False, True))
    costs = plain.setups()[0].costs
    times = [simulation.run().breakdown["forward_backward"] / 2 for simulation in (plain, twice)]
    assert times[0] == pytest.approx(costs.gradient(64))
    assert 0.5 * costs.forward(64) < times[1] - times[0] < costs.forward(64)
    assert twice.memory.activations < plain.memory.activations / 2


def test_recomputing_nothing_is_refused():
    with pytest.raises(InputError, match=r"s: workload\.recompute: there is nothing in synthetic"):
        memory_of(scenario(workload__network="synthetic:parameters=1e6,flops=1e8", workload__recompute=True))


def test_the_command_shows_what_does_not_fit_and_what_would(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["memory", "m40x4-alexnet", "--set", "workload.batch_size=100000", "--systems", "m40x4,dgx1-v100"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "too little" in shown
    assert "m40x4: does not fit; the largest batch that fits is" in shown
    assert "dgx1-v100: --set workload.precision=fp16 raises the largest batch to" in shown


def test_the_json_has_every_part(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["memory", "m40x4-alexnet", "--json", "-"])
    document = json.loads(capsys.readouterr().out)
    (system,) = document["systems"]
    assert document["schema"] == "clustersim/memory/1"
    for device in system["devices"]:
        assert sum(device["parts_bytes"].values()) == device["needed_bytes"]
        assert device["headroom_bytes"] == device["capacity_bytes"] - device["needed_bytes"]


def test_an_unknown_system_is_one_line(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["memory", "m40x4-alexnet", "--systems", "m40x4,dgx9"])
    assert ended.value.code == 2
    assert "unknown" in capsys.readouterr().err
