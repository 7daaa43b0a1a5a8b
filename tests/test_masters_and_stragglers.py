"""Where the master runs, over how many devices it is spread, and workers that are slow for good or now and then."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from simulator.errors import InfeasibleError, InputError
from simulator.hardware import profile_path
from simulator.simulation import Simulation, load, simulate
from simulator.trace import Category

CLUSTER = {"cluster.system": "k80-fdr", "cluster.nodes": 3}
SERVED = ("async-sgd", "async-easgd", "hogwild-sgd", "original-easgd")


def run(method, **changes):
    keys = {key.replace("__", "."): value for key, value in changes.items()}
    return simulate(load("m40x4-lenet", **{"workload.steps": 6, "algorithm.name": method, **keys}))


@pytest.mark.parametrize("method", SERVED)
def test_a_master_on_a_device_moves_parameters_between_gpus_only(method):
    result = run(method, cluster__master="device")
    assert result.breakdown[Category.CPU_GPU_PARAMETERS] == 0.0
    assert result.breakdown[Category.HOST_UPDATE] == 0.0
    assert result.trace.ranks[-1].device == "n0.gpu0"


@pytest.mark.parametrize("method", SERVED)
def test_a_master_on_a_node_of_its_own_computes_no_gradients(method):
    result = run(method, **CLUSTER, cluster__master="node")
    assert result.workers == 8
    assert {rank.node for rank in result.trace.ranks if rank.role == "worker"} == {0, 1}
    assert {rank.node for rank in result.trace.ranks if rank.role == "master"} == {2}
    assert result.breakdown[Category.CPU_GPU_PARAMETERS] == 0.0


@pytest.mark.parametrize("method", ["async-sgd", "async-easgd", "hogwild-sgd"])
def test_a_master_spread_over_hosts_carries_the_same_bytes_over_more_links(method):
    whole, spread = (run(method, **CLUSTER, cluster__shards=shards, algorithm__packed=True) for shards in (1, 3))

    def received(result):
        return math.fsum(span.bytes for span in result.trace.spans if span.name.startswith("receive"))

    assert received(whole) == received(spread)
    # Messages to one host fight for its link; over three hosts each link carries a third of them.
    assert max(load.bytes for load in spread.links) < max(load.bytes for load in whole.links)


def test_large_arrays_gain_from_a_spread_master():
    times = [run("async-sgd", **CLUSTER, cluster__shards=shards, workload__network="alexnet").time for shards in (1, 3)]
    assert times[1] < times[0]


@pytest.mark.parametrize(
    ("method", "changes", "error", "message"),
    [
        ("sync-sgd", {"cluster.master": "host"}, InputError, "sync-sgd has no master; remove the key"),
        ("sync-sgd", {"cluster.shards": 2}, InputError, "sync-sgd has no master; remove the key"),
        ("async-sgd", {"cluster.shards": 2}, InfeasibleError, "2 shards need as many hosts, but there are 1"),
        ("async-sgd", {"cluster.master": "node"}, InfeasibleError, "leaves none for workers"),
        ("async-sgd", {"cluster.master": "gpu"}, InputError, "cluster.master"),
        ("async-sgd", {"simulation.slow_workers": {"4": 2.0}}, InputError, "expected the number of a worker, 0 to 3"),
        ("async-sgd", {"simulation.slow_workers": {"x": 2.0}}, InputError, "slow_workers.x"),
        ("async-sgd", {"simulation.slow_workers": {"1": -2.0}}, InputError, "expected a positive factor"),
        ("async-sgd", {"simulation.straggler_probability": 1.5}, InputError, "straggler_probability"),
    ],
)
def test_what_cannot_be_is_refused(method, changes, error, message):
    with pytest.raises(error) as caught:
        Simulation(load("m40x4-lenet", **{"algorithm.name": method, **changes}))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_slow_worker_makes_every_synchronous_step_as_slow_as_itself():
    gradient = run("sync-sgd").breakdown[Category.FORWARD_BACKWARD] / 6
    plain, slow = run("sync-sgd"), run("sync-sgd", simulation__slow_workers={"2": 3.0})
    # Everybody waits for it in every step, and only its gradient is slower.
    assert slow.time - plain.time == pytest.approx(6 * 2 * gradient, rel=0.05)


def test_asynchronous_workers_do_not_wait_for_a_slow_one():
    """The others finish their steps in hardly more time than without it."""
    plain = run("async-sgd", workload__steps=30)
    slow = run("async-sgd", workload__steps=30, simulation__slow_workers={"2": 4.0})

    def end(result, rank):
        return max(span.end for span in result.trace.spans if span.rank == rank)

    for rank in (0, 1, 3):
        assert end(slow, rank) <= end(plain, rank) * 1.05
    assert end(slow, 2) > 2.5 * end(plain, 2)


def test_certain_stragglers_are_a_slower_device():
    always = run("sync-sgd", simulation__straggler_probability=1.0, simulation__straggler_factor=2.0)
    slow = run("sync-sgd", simulation__slow_workers={str(worker): 2.0 for worker in range(4)})
    assert always.time == pytest.approx(slow.time, rel=1e-12)


def test_rare_stragglers_hurt_synchronous_methods_more():
    """P workers wait for the slowest of P: a straggle of one is paid by all."""

    def cost(method):
        calm = run(method, workload__steps=80)
        shaken = run(
            method, workload__steps=80, simulation__straggler_probability=0.1, simulation__straggler_factor=5.0
        )
        return shaken.time / calm.time

    assert cost("sync-sgd") > cost("async-easgd") * 1.1


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """One node with two different GPUs: an M40 and half a K80."""
    text = profile_path("systems", "m40x4").read_text(encoding="utf-8")
    text = text.replace('name = "m40x4"', 'name = "mixed"').replace("gpu[0-3]", "gpu[0-1]")
    text = text.replace('"gpu[0-1]" = { device = "m40" }', 'gpu0 = { device = "m40" }\ngpu1 = { device = "k80" }')
    path = tmp_path / "mixed.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_different_devices_in_one_node(mixed):
    """A synchronous step is the slower device's; an asynchronous worker does not wait for the other's device."""
    large = {"workload__network": "alexnet"}
    systems = {"m40": "m40x4", "k80": "k80-fdr"}
    alone = {
        name: run("sync-sgd", cluster__system=system, cluster__workers=1, **large).time_per_gradient
        for name, system in systems.items()
    }
    assert alone["k80"] > alone["m40"]
    together = run("sync-sgd", cluster__system=mixed, **large)
    assert together.time / together.steps >= alone["k80"] * 0.98
    apart = run("async-easgd", cluster__system=mixed, **large)
    ends = [max(span.end for span in apart.trace.spans if span.rank == rank) for rank in (0, 1)]
    assert ends[0] < 0.95 * ends[1]


def test_the_smallest_device_of_a_node_decides_what_fits(mixed):
    with pytest.raises(InfeasibleError, match="the largest batch that fits is"):
        Simulation(load("m40x4-alexnet", **{"cluster.system": mixed, "workload.batch_size": 5000}))
