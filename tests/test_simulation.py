"""Whole runs on the paper's machines: conservation, order, what each key does, determinism, refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from simulator.errors import InfeasibleError, InputError
from simulator.randomness import stream
from simulator.simulation import Simulation, load, simulate
from simulator.trace import Category

STEPS = 5


def run(example="m40x4-lenet", **changes):
    return simulate(load(example, **{"workload.steps": STEPS, **{k.replace("__", "."): v for k, v in changes.items()}}))


METHODS = ("original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3")


@pytest.mark.parametrize("method", [*METHODS, "sync-sgd"])
def test_the_breakdown_adds_up_to_the_time_and_bytes_to_what_the_algorithm_sends(method):
    result = run(algorithm__name=method)
    assert math.fsum(result.breakdown.values()) == pytest.approx(result.time, rel=1e-9)
    assert result.breakdown[Category.IDLE] == pytest.approx(0.0, abs=1e-12)
    spans = result.trace.spans
    batches = math.fsum(s.bytes for s in spans if s.name == "load batch")
    assert batches == STEPS * 4 * 64 * 28 * 28 * 4
    received = math.fsum(s.bytes for s in spans if s.name.startswith("receive"))
    weights = 4 * 431_080
    messages = {
        "original-easgd": 2 * 4,  # the centre down and a replica up, for each of four turns
        "sync-easgd1": 2 * 4,  # a tree over five ranks has four edges, down and up
        "sync-easgd2": 2 * 3,
        "sync-easgd3": 2 * 3,
        "sync-sgd": 2 * 3,  # four ranks send 2 (P - 1) / P each
    }
    assert received == pytest.approx(STEPS * messages[method] * weights, rel=1e-9)


def test_the_paper_s_order_and_mechanism_come_out_on_lenet():
    """Original is slowest and bound by CPU-GPU parameter transfers; 1, 2, 3 are each faster and communicate less."""
    results = [run(algorithm__name=method, workload__steps=20) for method in METHODS]
    times = [result.time_per_gradient for result in results]
    ratios = [result.communication_ratio for result in results]
    assert times == sorted(times, reverse=True)
    assert ratios == sorted(ratios, reverse=True)
    assert results[0].bounded_by[0] == Category.CPU_GPU_PARAMETERS
    assert results[-1].bounded_by[0] == Category.FORWARD_BACKWARD
    # Version 2 moves no parameters between CPU and GPU, version 1 does.
    assert results[1].breakdown[Category.CPU_GPU_PARAMETERS] > 0 == results[2].breakdown[Category.CPU_GPU_PARAMETERS]


@pytest.mark.parametrize(
    ("changes", "slower"),
    [
        ({"algorithm.name": "sync-easgd1"}, {"cluster.host_memory": "pageable"}),
        ({"algorithm.name": "sync-easgd2"}, {"algorithm.packed": False}),
        ({"algorithm.name": "original-easgd"}, {"algorithm.overlap": False}),
        ({"algorithm.name": "sync-sgd"}, {"workload.batch_size": 128}),
        ({"algorithm.name": "sync-sgd"}, {"algorithm.collectives.all_reduce": "flat"}),
        ({"algorithm.name": "sync-easgd2"}, {"workload.network": "alexnet"}),
    ],
)
def test_each_key_does_what_it_says(changes, slower):
    base = load("m40x4-lenet", **{"workload.steps": STEPS, "compare.algorithms": None, **changes})
    assert simulate(base.override(slower)).time > simulate(base).time * 1.001


def test_sharing_links_never_makes_a_run_faster():
    for method in METHODS:
        fluid = run(algorithm__name=method)
        alone = run(algorithm__name=method, network__model="alpha-beta")
        assert fluid.time >= alone.time * (1 - 1e-12)


def test_memory_and_cluster_modes_change_results_on_knl():
    times = {
        (memory, cluster): run("knl-alexnet", cluster__memory_mode=memory, cluster__cluster_mode=cluster).time
        for memory in ("flat", "cache", "hybrid")
        for cluster in ("quadrant", "all-to-all")
    }
    assert times["flat", "quadrant"] < times["cache", "quadrant"]
    assert times["flat", "quadrant"] < times["flat", "all-to-all"]


def test_more_nodes_never_take_less_time_for_the_same_batch_a_node():
    times = [run("cori-googlenet", cluster__nodes=nodes, algorithm__name="sync-easgd2").time for nodes in (1, 2, 4, 8)]
    assert times == sorted(times)


def test_epochs_are_counted_in_steps_of_all_workers():
    result = run(workload__steps=None, workload__epochs=1, workload__batch_size=5000)
    assert result.steps == 60_000 // (4 * 5000)


def test_steps_partition_the_run():
    result = run(workload__steps=50)
    assert result.step_times.shape == (50,)
    assert result.step_times.sum() == pytest.approx(result.time, rel=0.02)
    # Batches and parameters share links; the first steps' overlap settles geometrically into a steady state.
    steady = result.step_times[30:]
    assert np.allclose(steady, steady[0], rtol=1e-9)


def test_a_result_is_a_function_of_scenario_and_seed():
    once, again, other = (run(simulation__jitter=0.2, simulation__seed=seed) for seed in (1, 1, 2))
    assert once.trace.spans == again.trace.spans
    assert once.time != other.time


def test_without_jitter_the_seed_changes_nothing():
    assert run(simulation__seed=1).trace.spans == run(simulation__seed=2).trace.spans


def test_adding_a_rank_does_not_disturb_the_others_streams():
    three, four = (
        run(simulation__jitter=0.2, cluster__workers=workers, algorithm__name="sync-sgd") for workers in (3, 4)
    )

    def gradients(result, rank):
        return [s.end - s.start for s in result.trace.spans if s.rank == rank and s.name == "gradient"]

    for rank in range(3):
        assert gradients(three, rank) == pytest.approx(gradients(four, rank), rel=1e-9)


def test_jitter_has_mean_one_and_the_variation_asked_for():
    from simulator.randomness import jitter

    draw = jitter(lambda: stream(3, "jitter"), 0.3)
    sample = np.array([draw() for _ in range(20_000)])
    assert sample.mean() == pytest.approx(1.0, abs=4 * 0.3 / math.sqrt(sample.size))
    assert sample.std() == pytest.approx(0.3, rel=0.05)


def test_synchronous_steps_wait_for_the_slowest():
    """With jitter, sync-sgd is slower on average: every step costs the maximum of four draws."""
    calm, shaken = (run(simulation__jitter=j, algorithm__name="sync-sgd", workload__steps=60).time for j in (0.0, 0.2))
    assert shaken > calm * 1.05


def test_the_json_result_has_the_documented_keys_and_is_plain_json():
    document = run().to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    keys = {"schema", "scenario", "seed", "time_s", "steps", "step_time_s", "throughput_samples_per_s", "breakdown_s"}
    keys |= {"communication_ratio", "traffic_bytes", "memory", "learning", "energy_j", "cost_usd", "warnings"}
    assert keys <= set(document)
    parts = {"gpu_gpu_parameters", "cpu_gpu_data", "cpu_gpu_parameters", "node_node_parameters"}
    parts |= {"forward_backward", "device_update", "host_update", "idle"}
    assert parts == set(document["breakdown_s"])
    assert set(document["step_time_s"]) == {"mean", "p50", "p95", "max"}


def test_the_scenario_in_a_result_repeats_the_run():
    from simulator.scenario import Scenario

    first = run(simulation__jitter=0.1, simulation__seed=5)
    again = simulate(Scenario.from_dict(first.to_dict()["scenario"]))
    assert again.time == first.time


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"workload.network": "lennet"},
            InputError,
            "s: workload.network: unknown network 'lennet'; did you mean 'lenet'",
        ),
        ({"workload.dataset": "mnst"}, InputError, "s: workload.dataset: unknown dataset"),
        ({"algorithm.name": "sync-easgd9"}, InputError, "s: algorithm.name: unknown algorithm"),
        (
            {"cluster.system": "m40x5"},
            InputError,
            "s: cluster.system: unknown system profile 'm40x5'; did you mean 'm40x4'",
        ),
        ({"cluster.nodes": 2}, InfeasibleError, "s: cluster: m40x4: nodes: expected 1 node, got 2"),
        ({"cluster.workers": 5}, InfeasibleError, "s: cluster.workers: 5 workers need 5 accelerators"),
        ({"workload.precision": "fp16"}, InputError, "s: workload.precision: "),
        ({"workload.batch_size": 10**6}, InfeasibleError, "the largest batch that fits is"),
        (
            {"cluster.memory_mode": "flat"},
            InputError,
            "s: cluster.memory_mode: m40 has no memory modes; remove the key",
        ),
        ({"network.model": "fluidd"}, InputError, "s: network.model: unknown network model"),
        (
            {"algorithm.collectives": {"reduce": "rng"}},
            InputError,
            "s: algorithm.collectives.reduce: unknown reduce alg",
        ),
        (
            {"algorithm.collectives": {"all_reduce": "ring"}},
            InputError,
            "s: algorithm.collectives: unknown collective of",
        ),
        ({"algorithm.overlap": True}, InputError, "s: algorithm.overlap: unknown option of sync-easgd3"),
        ({"cluster.routing": "valiant"}, InputError, "needs a dragonfly"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(changes, error, message):
    from simulator.scenario import Scenario

    data = {
        "cluster": {"system": "m40x4"},
        "workload": {"network": "lenet", "dataset": "mnist", "batch_size": 64, "steps": 1},
        "algorithm": {"name": "sync-easgd3"},
    }
    with pytest.raises(error) as caught:
        Simulation(Scenario.from_dict(data, "s").override(changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_largest_batch_that_an_error_offers_does_fit():
    with pytest.raises(InfeasibleError) as caught:
        Simulation(load("m40x4-alexnet", **{"workload.batch_size": 10**6}))
    largest = int(str(caught.value).rsplit(" ", 1)[1])
    Simulation(load("m40x4-alexnet", **{"workload.batch_size": largest}))
    with pytest.raises(InfeasibleError):
        Simulation(load("m40x4-alexnet", **{"workload.batch_size": largest + 1}))
