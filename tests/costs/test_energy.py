"""Energy by hand on small cases, its bound, and what overrides what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.energy import Draw
from simulator.errors import InputError, UnknownNameError
from simulator.hardware import load_device
from simulator.hardware.catalogue import names
from simulator.result import Result
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.trace import Category, Span
from simulator.trace.summary import busy_seconds


def run(system: str = "dgx1-v100", **tables: Any) -> Result:
    data: dict[str, Any] = {
        "cluster": {"system": system},
        "workload": {"network": "lenet", "dataset": "mnist", "batch_size": 64, "steps": 3},
        "algorithm": {"name": "sync-sgd"},
    }
    for name, table in tables.items():
        data[name] = {**data.get(name, {}), **table}
    return Simulation(Scenario.from_dict(data, "s")).run()


def span(rank: int, start: float, end: float, category: Category = Category.FORWARD_BACKWARD) -> Span:
    return Span(rank, "compute", category, "x", start, end, 0.0, 0, -1, -1)


def test_a_device_that_works_half_of_the_time_draws_the_mean():
    assert Draw(busy=300.0, idle=100.0).mean(0.5) == 200.0
    assert Draw(busy=300.0, idle=None).mean(0.5) == 300.0


def test_work_on_several_lanes_at_once_counts_once_and_copies_not_at_all():
    spans = [span(0, 0, 2), span(0, 1, 3), span(0, 5, 6), span(0, 3, 5, Category.CPU_GPU_DATA), span(1, 0, 1)]
    assert busy_seconds(spans) == {0: 4.0, 1: 1.0}


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_busy_time_is_the_length_of_the_union(intervals: list[list[int]], random: Any):
    random.shuffle(intervals)
    seconds = {second for start, end in intervals for second in range(start, end)}
    assert busy_seconds([span(0, *interval) for interval in intervals])[0] == len(seconds)


def test_one_gpu_box_by_hand():
    """A DGX-1 with idle, busy and node power stated: eight GPUs, one host entry, the rest of the node, overhead 1.5."""
    power = {
        "devices": {
            "v100-sxm2": {"busy": "300 W", "idle": "100 W"},
            "xeon-e5-2698v4-2s": {"busy": "250 W", "idle": "150 W"},
        },
        "node": "3500 W",
    }
    result = run(power=power, prices={"pue": 1.5})
    working = sum(busy_seconds(result.trace.spans).values())  # the host does nothing in an all-reduce among GPUs
    gpus = 8 * 100.0 * result.time + 200.0 * working
    host, rest = 150.0 * result.time, (3500.0 - 8 * 300.0 - 250.0) * result.time
    assert result.energy == pytest.approx(1.5 * (gpus + host + rest))
    assert result.energy_account.upper_bound == pytest.approx(1.5 * 3500.0 * result.time)
    assert result.energy_account.busy == pytest.approx(working / (8 * result.time))


def test_the_old_bound_is_what_comes_without_idle_powers():
    result = run("ethernet-cluster", power={"devices": {"p100-pcie": {"idle": "250 W"}}})
    assert result.energy == pytest.approx(result.energy_account.upper_bound)
    assert result.energy == pytest.approx(result.time * 250.0 * result.workers + result.time * 270.0)


def test_an_accelerator_without_a_rank_waits():
    busy, waiting = run(cluster={"workers": 8}), run(cluster={"workers": 4})
    assert waiting.energy_account.busy <= 0.5 < busy.energy_account.busy + 0.5
    assert waiting.energy_account.bound / waiting.time == pytest.approx(busy.energy_account.bound / busy.time)


@pytest.mark.parametrize("system", sorted(names("systems")))
def test_energy_stays_between_idle_and_the_bound(system: str):
    result = run(system)
    account = result.energy_account
    assert 0 < result.energy <= account.upper_bound * (1 + 1e-12)
    assert 0 <= account.busy <= 1
    assert result.energy == pytest.approx(account.accelerators + account.hosts + account.rest)


def test_groups_of_a_chip_count_with_their_share_of_it():
    groups = run("cori-knl", cluster={"partitions": 4}, power={"devices": {"knl-7250": {"idle": "100 W"}}})
    spans = busy_seconds(groups.trace.spans)
    assert groups.energy_account.busy == pytest.approx(sum(spans.values()) / 4 / groups.time)


@pytest.mark.parametrize("name", sorted(names("devices")))
def test_no_device_draws_more_idle_than_busy(name: str):
    power = load_device(name).power
    assert power.idle is None or power.idle.value < power.tdp.value


def test_more_overhead_of_the_facility_is_more_energy_and_nothing_else():
    plain, facility = run(), run(prices={"pue": 1.2})
    assert facility.energy == pytest.approx(1.2 * plain.energy)
    assert facility.time == plain.time


@pytest.mark.parametrize(
    ("power", "message"),
    [
        ({"devices": {"v100-sxm2": {"idle": "400 W"}}}, "power.devices.v100-sxm2: idle: expected at most busy, 300 W"),
        ({"devices": {"v100-sxm2": {"busy": "20 W"}}}, "power.devices.v100-sxm2: idle: expected at most busy, 20 W"),
        ({"node": "1 kW"}, "power.node: expected at least 2670 W, what its devices draw, got '1 kW'"),
        ({"devices": {"v100-sxm2": {}}}, "devices.v100-sxm2: expected busy, idle or both"),
        ({"node": "1 J"}, "power.node: expected a power such as '215 W'"),
    ],
    ids=["idle", "busy", "node", "nothing", "unit"],
)
def test_power_that_cannot_be_is_refused(power: dict[str, Any], message: str):
    with pytest.raises(InputError) as caught:
        run(power=power)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_power_of_a_device_that_is_not_there_is_refused():
    with pytest.raises(UnknownNameError, match=r"power\.devices: unknown device of dgx1-v100 'm40'"):
        run(power={"devices": {"m40": {"busy": "200 W"}}})
