"""Runs on a divided KNL: what a group may do at best, what it sends, where its memory lies, what is refused."""

from __future__ import annotations

import itertools
import math
from functools import cache

import pytest

from simulator.cost.device import DeviceCosts
from simulator.errors import InfeasibleError, InputError
from simulator.hardware import load_device
from simulator.simulation import Simulation, load, simulate
from simulator.trace import Category
from simulator.workload import load_network
from validation.paper import partition

STEPS = 3
WEIGHTS = 249_513_376
MODES = ("flat", "cache", "hybrid")
GROUPS = (1, 2, 4, 8, 16, 32)


def scenario(**changes):
    return load("knl-partition", **{"workload.steps": STEPS, **{k.replace("__", "."): v for k, v in changes.items()}})


@cache
def run(groups, mode="flat", batch=64):
    return simulate(scenario(cluster__partitions=groups, cluster__memory_mode=mode, workload__batch_size=batch))


@pytest.mark.parametrize("algorithm", ["chip-partition", "sync-sgd", "sync-easgd1"])
def test_one_group_is_the_undivided_chip_to_the_last_bit(algorithm):
    one = simulate(scenario(cluster__partitions=1, algorithm__name=algorithm))
    undivided = simulate(scenario(cluster__partitions=None, algorithm__name=algorithm))
    assert one.time == undivided.time
    assert one.breakdown == undivided.breakdown
    assert one.memory == undivided.memory
    assert [tuple(vars_of(span)) for span in one.trace.spans] == [tuple(vars_of(s)) for s in undivided.trace.spans]


def vars_of(span):
    return span.rank, span.lane, span.name, span.start, span.end, span.bytes


def test_one_group_of_chip_partition_is_plain_sgd():
    # Its copy of the data set changes no time while everything fits into MCDRAM.
    assert run(1).time == simulate(scenario(cluster__partitions=1, algorithm__name="sync-sgd")).time


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("groups", GROUPS[1:])
def test_throughput_stays_below_that_of_as_many_groups_alone_with_the_whole_bandwidth(groups, mode):
    device, network = load_device("knl-7250"), load_network("alexnet")
    alone = DeviceCosts(device, network, "fp32", 475e9, -(-68 // groups)).gradient(64)
    result = run(groups, mode)
    throughput = groups * 64 * STEPS / result.time
    assert throughput < groups * 64 / alone


@pytest.mark.parametrize("mode", MODES)
def test_more_groups_never_raise_the_bandwidth_of_one_or_of_all(mode):
    simulations = [
        Simulation(scenario(cluster__partitions=groups, cluster__memory_mode=mode)) for groups in range(1, 41)
    ]
    chip = [simulation.chip_bandwidth for simulation in simulations]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(chip))
    for groups, simulation in enumerate(simulations, 1):
        assert simulation.worker_bandwidth == pytest.approx(simulation.chip_bandwidth / groups)
    # All of it in MCDRAM or its cache at first, and beyond it in the end.
    assert chip[0] == pytest.approx(352e9 if mode == "cache" else 475e9, rel=0.01)
    assert chip[-1] < 130e9


@pytest.mark.parametrize(("mode", "addressable"), [("flat", 16e9), ("hybrid", 8e9)])
def test_the_whole_bandwidth_is_there_until_the_copies_fill_the_mcdram(mode, addressable):
    full = set()
    for groups in range(1, 15):
        simulation = Simulation(scenario(cluster__partitions=groups, cluster__memory_mode=mode))
        fits = groups * simulation.memory.total <= addressable
        assert (simulation.chip_bandwidth == pytest.approx(475e9)) == fits
        full.add(not fits)
    assert full == {False, True}


def test_copies_of_the_data_set_can_be_left_out():
    kept = Simulation(scenario(cluster__partitions=16))
    shared = Simulation(scenario(cluster__partitions=16, algorithm__data_copies=False))
    assert kept.memory.total - shared.memory.total == kept.memory.dataset == 60_000 * 3 * 32 * 32 * 4
    assert shared.chip_bandwidth > kept.chip_bandwidth


@pytest.mark.parametrize("groups", [2, 4, 5, 16])
def test_bytes_of_the_tree(groups):
    """P - 1 edges, each passed once by a gradient on its way up and once by the sum on its way down."""
    result = run(groups)
    copies = 2 * (groups - 1)
    received = [span for span in result.trace.spans if span.name.startswith("receive")]
    assert len(received) == STEPS * copies
    assert math.fsum(span.bytes for span in received) == STEPS * copies * WEIGHTS
    assert result.traffic == {"memory": pytest.approx(STEPS * copies * WEIGHTS)}
    assert {span.category for span in received} == {Category.GPU_GPU_PARAMETERS}


@pytest.mark.parametrize("groups", [4, 16, 32])
def test_copies_beat_neither_the_memory_together_nor_the_receiver_s_cores_alone(groups):
    simulation = Simulation(scenario(cluster__partitions=groups))
    copies = [span for span in run(groups).trace.spans if span.name.startswith("receive")]
    for copy in copies:
        cores = simulation.workers[copy.rank].cores
        assert copy.bytes / (copy.end - copy.start) <= cores * 6.5e9
    for first in copies:
        together = [copy for copy in copies if first.start <= copy.start < first.end]
        lasted = max(copy.end for copy in together) - first.start
        moved = math.fsum(copy.bytes for copy in together)
        assert moved / lasted <= simulation.chip_bandwidth / 2 * (1 + 1e-9)


def test_every_group_computes_and_updates_its_own_copy():
    result = run(4)
    for name in ("gradient", "gradient step"):
        spans = [span for span in result.trace.spans if span.name == name]
        assert sorted((span.rank, span.step) for span in spans) == [(r, s) for r in range(4) for s in range(STEPS)]
    assert result.gradients == 4 * STEPS
    assert result.workers == 4


def test_the_chip_is_paid_for_once():
    assert run(8).energy / run(8).time == pytest.approx(run(1).energy / run(1).time)


def test_divided_nodes_meet_over_the_fabric():
    result = simulate(scenario(cluster__partitions=4, cluster__nodes=2))
    assert result.workers == 8
    assert {"memory", "aries"} <= set(result.traffic)


def test_the_host_of_a_divided_node_is_the_chip():
    result = simulate(scenario(cluster__partitions=4, algorithm__name="sync-easgd1", workload__steps=2))
    infos = [rank.device for rank in result.trace.ranks]
    assert infos[-1] == "n0.knl"
    assert result.time > 0


@pytest.mark.parametrize(
    ("example", "changes", "error", "message"),
    [
        (
            "m40x4-lenet",
            {"cluster.partitions": 2},
            InputError,
            "cluster: partitions: m40 is not a many-core chip",
        ),
        ("knl-partition", {"cluster.partitions": 69}, InfeasibleError, "expected 1 to 68, the cores of a knl-7250"),
        ("knl-partition", {"cluster.partitions": 0}, InputError, "cluster.partitions"),
        ("knl-partition", {"cluster.partitions": 60}, InfeasibleError, "for each of 60 groups; the largest batch"),
        ("knl-partition", {"cluster.host_memory": "pinned"}, InputError, "knl-7250 hosts itself"),
        ("knl-partition", {"cluster.workers": 17}, InfeasibleError, "17 workers"),
    ],
)
def test_refusals_name_the_key(example, changes, error, message):
    with pytest.raises(error, match=message):
        Simulation(load(example, **changes))


def test_what_hardware_explains_of_the_printed_speed_up_is_small():
    """The finding of the validation section, with the margin it may move by before its text has to change."""
    shared = {row.groups: row for row in partition.rows("flat", data_copies=False, steps=STEPS)}
    serial = partition.serial_seconds_per_sample(steps=STEPS)
    assert serial == pytest.approx(1.04e-3, rel=0.1)
    for groups, printed in partition.PRINTED.items():
        kernels = shared[groups].samples_per_second / shared[1].samples_per_second
        bound = shared[groups].with_serial_part(serial) / shared[1].with_serial_part(serial)
        assert kernels <= bound <= 1.5
        if groups > 1:
            assert kernels < 1.0
            assert partition.PRINTED[1] / printed / bound > 1.1
    assert 1.0 == partition.core_efficiency(1) < partition.core_efficiency(4) < partition.core_efficiency(32) < 1.1
