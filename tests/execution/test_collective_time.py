"""One collective on a platform: closed forms, what a call costs, agreement with training runs, one-line errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.collectives.costs import closed_form, with_closed_form
from simulator.errors import InputError, UnknownNameError
from simulator.execution.collective_time import collective_time, play_collective
from simulator.hardware import load_system
from simulator.platform import Platform, build_platform
from simulator.scenario import Scenario
from simulator.simulation import Simulation, simulate
from simulator.trace import Trace
from simulator.units import format_quantity

SIZE = 4.0 * 3 * 2**16  # whole elements in 2, 3, 4 and 6 equal chunks


def cluster(nodes: int, system: str = "ethernet-cluster") -> tuple[Platform, list[str]]:
    """One accelerator of each node: every pair of them is equally far apart."""
    platform = build_platform(load_system(system), nodes)
    return platform, [device.name for device in platform.accelerators if device.local_index == 0]


@pytest.mark.parametrize("algorithm", with_closed_form("broadcast"))
@pytest.mark.parametrize("ranks", [2, 3, 4, 6])
def test_broadcast_without_contention_equals_closed_form(algorithm: str, ranks: int) -> None:
    platform, devices = cluster(ranks)
    route = platform.route(devices[0], devices[1])
    latency, bandwidth = route.overhead + route.latency, route.bandwidth
    expected = closed_form("broadcast", algorithm, ranks, SIZE, latency, bandwidth)
    time = collective_time(platform, devices, "broadcast", SIZE, algorithm, network="alpha-beta")
    assert time == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("collective", ["broadcast", "reduce", "all_reduce", "reduce_scatter", "all_gather"])
def test_one_rank_alone_has_nothing_to_do(collective: str) -> None:
    platform, devices = cluster(1, "deepbench-m40x8")
    assert collective_time(platform, devices, collective, SIZE, "ring") == 0.0


@pytest.mark.parametrize("ranks", [2, 3, 8])
@pytest.mark.parametrize("size", [4.0, 1e6, 1e8])
def test_a_call_takes_its_overhead_once(ranks: int, size: float, tmp_path: Path) -> None:
    profile = load_system("deepbench-m40x8").path.read_text()
    line = next(line for line in profile.splitlines() if line.startswith("collective.call"))
    path = tmp_path / "deepbench-m40x8.toml"
    path.write_text(profile.replace(line, ""))
    times = []
    for system in ("deepbench-m40x8", path):
        platform = build_platform(load_system(system), 1)
        devices = [device.name for device in platform.accelerators[:ranks]]
        times.append(collective_time(platform, devices, "all_reduce", size, "ring"))
    overheads = load_system("deepbench-m40x8").profile.overheads
    assert overheads.collective is not None
    assert times[0] - times[1] == pytest.approx(overheads.collective.call.value, rel=1e-6)


def test_a_large_array_takes_the_large_call_from_its_size_on() -> None:
    platform, devices = cluster(4, "deepbench-knl-opa")
    overheads = platform.system.profile.overheads.collective
    assert overheads is not None
    assert overheads.large_from is not None
    assert overheads.large_call is not None
    first = overheads.large_from.value
    below, above = (collective_time(platform, devices, "all_reduce", size, "ring") for size in (first - 16, first))
    assert above - below == pytest.approx(overheads.large_call.value - overheads.call.value, rel=1e-5)


@pytest.mark.parametrize("system", ["deepbench-m40x8", "m40x4"])
def test_a_training_run_pays_the_same(system: str) -> None:
    tables = {
        "cluster": {"system": system},
        "workload": {"network": "lenet", "dataset": "mnist", "batch_size": 64, "steps": 1},
        "algorithm": {"name": "sync-sgd", "collectives": {"all_reduce": "ring"}},
    }
    scenario = Scenario.from_dict(tables)
    workers = [device.name for device in Simulation(scenario).workers]
    trace: Trace = simulate(scenario).trace
    spans = [span for span in trace.spans if span.lane == "network" or "all_reduce" in span.name or span.name == "add"]
    in_training = max(span.end for span in spans) - min(span.start for span in spans)
    platform = build_platform(load_system(system), 1)
    alone = collective_time(platform, workers, "all_reduce", 4.0 * 431_080, "ring")
    assert in_training == pytest.approx(alone, rel=1e-9)


def test_messages_carry_every_byte() -> None:
    platform, devices = cluster(6)
    trace = play_collective(platform, devices, "all_reduce", SIZE, "ring").trace
    sent = sum(span.bytes for span in trace.spans if span.name == "send all_reduce")
    assert sent == 2 * (6 - 1) * SIZE


def test_wrong_requests_are_refused_in_one_line() -> None:
    platform, devices = cluster(2)
    for arguments, error, text in (
        ((["n0.gpu0", "n0.gpu99"], "all_reduce", 1.0, "ring"), UnknownNameError, "n0.gpu99"),
        (([devices[0], devices[0]], "all_reduce", 1.0, "ring"), InputError, "given twice"),
        (([], "all_reduce", 1.0, "ring"), InputError, "at least one"),
        ((devices, "all_reduce", -1.0, "ring"), InputError, "not negative"),
        ((devices, "all_reduce", float("nan"), "ring"), InputError, "finite"),
        ((devices, "allreduce", 1.0, "ring"), UnknownNameError, "all_reduce"),
        ((devices, "all_reduce", 1.0, "rign"), UnknownNameError, "ring"),
    ):
        with pytest.raises(error, match=text) as caught:
            collective_time(platform, *arguments)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ('call = {0}, large_from = {{ value = "1 MB", kind = "assumed", source = "rule", note = "x" }}', "together"),
        ("call = {0}, large_call = {1}, large_from = {2}", "at least as long as call"),
        ("cal = {0}", "cal"),
    ],
)
def test_a_profile_states_call_overheads_whole(table: str, text: str, tmp_path: Path) -> None:
    def number(value: float, quantity: str) -> str:
        shown = format_quantity(value, quantity)
        return f'{{ value = "{shown}", kind = "assumed", source = "rule", note = "for the test" }}'

    profile = load_system("deepbench-m40x8").path.read_text()
    line = next(line for line in profile.splitlines() if line.startswith("collective.call"))
    wrong = table.format(number(2e-6, "time"), number(1e-6, "time"), number(1e6, "size"))
    path = tmp_path / "deepbench-m40x8.toml"
    path.write_text(profile.replace(line, f"collective = {{ {wrong} }}"))
    with pytest.raises(InputError, match=text) as caught:
        load_system(path)
    assert "\n" not in str(caught.value)
