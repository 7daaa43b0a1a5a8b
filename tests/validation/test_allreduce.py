"""Simulated all-reduces against DeepBench's rows, and the laws that hold without them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simulator.execution.collective_time import play_collective
from validation.deepbench.allreduce import ALLOWED_MEDIAN, Score, main, score
from validation.deepbench.allreduce_fit import Equations, fit
from validation.deepbench.allreduce_rows import MeasuredAllReduce, read_all_reduces
from validation.deepbench.allreduce_systems import SYSTEMS, Machine, MeasuredSystem
from validation.deepbench.reference import default_reference

KNL = SYSTEMS[0]
every_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.profile)


def runs(system: MeasuredSystem) -> list[tuple[int, int]]:
    """(ranks, nodes) that were measured on a system."""
    if system is KNL:
        return [(2, 2), (4, 4), (8, 8), (16, 16)]
    return [(2, 1), (4, 1), (8, 1)] + ([] if system.profile == "deepbench-p100x8" else [(16, 2)])


def row(system: MeasuredSystem, ranks: int, nodes: int, floats: int, seconds: float = 1.0) -> MeasuredAllReduce:
    return MeasuredAllReduce(system.devices[0], "made", ranks, nodes, floats, seconds, 0.0, 0)


def made_rows(system: MeasuredSystem, machine: Machine) -> list[MeasuredAllReduce]:
    """What the benchmark would have measured if the machine were as simulated."""
    sizes = (100_000, 3_097_600, 6_553_600, 38_360_000, 64_500_000)
    rows = [row(system, *run, floats) for run in runs(system) for floats in sizes]
    return [row(system, r.ranks, r.nodes, r.floats, machine.simulated(r)) for r in rows]


def write_rows(folder: Path, rows: Sequence[MeasuredAllReduce]) -> None:
    names = ("device", "library", "ranks", "nodes", "floats", "time_us", "std_us", "row")
    with (folder / "allreduce.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        for r in rows:
            writer.writerow((r.device, r.library, r.ranks, r.nodes, r.floats, r.seconds * 1e6, 0.0, r.row))


# Against the measured rows -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    folder = default_reference()
    if not (folder / "allreduce.csv").exists():
        pytest.skip("the reference folder with DeepBench's allreduce.csv is not here")
    measured = read_all_reduces(folder)
    return {system.profile: score(system, measured) for system in SYSTEMS}


def test_every_row_belongs_to_one_system(scores: dict[str, Score]) -> None:
    assert sum(s.all_rows for s in scores.values()) == len(read_all_reduces(default_reference())) == 119


@every_system
def test_held_out_rows_are_within_the_allowed_error(system: MeasuredSystem, scores: dict[str, Score]) -> None:
    assert scores[system.profile].row_out.median <= ALLOWED_MEDIAN
    assert scores[system.profile].size_out.median <= ALLOWED_MEDIAN
    assert scores[system.profile].all_row_out.median <= ALLOWED_MEDIAN


@every_system
def test_the_simulator_with_the_shipped_profile_is_within_it(system: MeasuredSystem, scores: dict[str, Score]) -> None:
    assert scores[system.profile].simulated.median <= ALLOWED_MEDIAN


@every_system
def test_the_profile_has_the_fitted_numbers(system: MeasuredSystem, scores: dict[str, Score]) -> None:
    assert scores[system.profile].drift < 0.01  # rounded to three digits


# Without them ------------------------------------------------------------------------------------------------------


@every_system
@pytest.mark.parametrize("floats", [1, 1000, 100_003, 38_360_000])
def test_the_linear_sum_is_what_the_simulator_says(system: MeasuredSystem, floats: int) -> None:
    machine = Machine(system)
    rows = [row(system, ranks, nodes, floats) for ranks, nodes in runs(system) if floats >= ranks]
    if not rows:
        rows = [row(system, *runs(system)[0], floats=2)]
    shipped = machine.shipped()
    solution = [shipped[p.name] if p.quantity == "time" else 1.0 / shipped[p.name] for p in machine.measured.parameters]
    predicted = Equations.of(machine, rows).relative_errors(np.array(solution)) + 1.0
    # Chunks differ by one element when the array does not divide; the sum takes the longest of each round.
    assert predicted == pytest.approx([machine.simulated(r) for r in rows], rel=1e-6 if floats > 1e6 else 1e-3)


@every_system
def test_fitting_simulated_rows_recovers_the_profile(system: MeasuredSystem) -> None:
    machine = Machine(system)
    rows = made_rows(system, machine)
    fitted = fit(Equations.of(machine, rows)).parameters(machine)
    found = {number.parameter.name: number.value for number in fitted}
    # Messages that set out 0.1 us apart, as those across sockets do, share uplinks a little unevenly: hence 1e-4.
    assert found == pytest.approx(machine.shipped(), rel=1e-4, abs=1e-12)


@every_system
def test_more_ranks_are_never_faster_at_equal_size(system: MeasuredSystem) -> None:
    machine = Machine(system)
    for floats in (100_000, 4_194_304, 64_500_000):
        times = [machine.simulated(row(system, ranks, nodes, floats)) for ranks, nodes in runs(system)]
        assert times == sorted(times)


@every_system
def test_every_rank_sends_its_share_of_bytes_and_no_more(system: MeasuredSystem) -> None:
    machine = Machine(system)
    for ranks, nodes in runs(system):
        size = 4.0 * 48_000
        devices = machine.order(nodes, ranks)
        run = play_collective(machine.platform(nodes), devices, "all_reduce", size, system.algorithm)
        for rank in range(ranks):
            sent = sum(s.bytes for s in run.trace.spans if s.rank == rank and s.name == "send all_reduce")
            assert sent == pytest.approx(2 * (ranks - 1) / ranks * size, rel=1e-12)
        # On every link it crosses a message counts once.
        crossed = sum(
            s.bytes * len(machine.platform(nodes).route(devices[s.rank], devices[s.peer]).links)
            for s in run.trace.spans
            if s.name == "send all_reduce"
        )
        assert sum(run.traffic.values()) == pytest.approx(crossed, rel=1e-12)


def test_the_command_passes_what_it_predicts_and_fails_what_it_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [r for system in SYSTEMS for r in made_rows(system, Machine(system))]
    write_rows(tmp_path, rows)
    assert main(["--reference", str(tmp_path)]) == 0
    assert "FAILS" not in capsys.readouterr().out
    spoilt = [
        MeasuredAllReduce(r.device, "", r.ranks, r.nodes, r.floats, r.seconds * (4.0 if i % 2 else 0.5), 0.0, 0)
        for i, r in enumerate(rows)
    ]
    write_rows(tmp_path, spoilt)
    assert main(["--reference", str(tmp_path)]) == 1
    assert "FAILS" in capsys.readouterr().out


def test_a_missing_reference_is_one_line_and_status_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--reference", str(tmp_path / "absent")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "allreduce.csv" in captured.err
