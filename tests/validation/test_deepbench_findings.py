"""The part ``deepbench`` on a small made-up clone: it passes where kernels are as modelled and fails elsewhere."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from xlsx_files import result_sheet, write_xlsx

from simulator.cost import load_kernel_model
from simulator.workload.kernels import Convolution, Gemm, Pass
from validation.deepbench.allreduce_rows import MeasuredAllReduce
from validation.deepbench.allreduce_systems import SYSTEMS, Machine
from validation.deepbench.devices import measured_devices
from validation.deepbench.findings import ALL_REDUCE, findings
from validation.deepbench.reference import read_gemms
from validation.deepbench.scoring import cross_validate_gemm

DEVICE = "m40"
RUNS = ((2, 1), (4, 1), (8, 1), (16, 2))


def quiet(what: str, share: float) -> None:
    pass


def made_clone(folder: Path, spread: float) -> Path:
    """Times of the shipped models, each off by a factor between 1 / (1 + spread) and 1 + spread, by chance."""
    chance = random.Random(1)
    model = load_kernel_model(DEVICE)

    def ms(seconds: float) -> float:
        return 1e3 * seconds * (1.0 + spread) ** chance.uniform(-1.0, 1.0)

    products = []
    for m in (512, 1024, 1760, 2560):
        for n in (32, 64, 128, 700, 1500):
            products.append((float(m), float(n), float(m), "N", "N", ms(model.time(Gemm(m, n, m)))))
    convolutions = []
    for batch in (4, 16):
        for channels in (64, 128):
            for size, side in ((14, 1), (14, 3), (28, 5)):
                pad = side // 2
                times = [
                    ms(
                        model.time(
                            Convolution(batch, channels, size, size, 128, side, side, pad, pad, direction=direction)
                        )
                    )
                    for direction in Pass
                ]
                shape = (size, size, channels, batch, 128, side, side, pad, pad, 1, 1)
                convolutions.append((*map(float, shape), *times))
    system = next(system for system in SYSTEMS if "M40" in system.devices)
    machine = Machine(system)
    reduces = []
    for ranks, nodes in RUNS:
        for floats in (100_000, 3_097_600, 6_553_600, 64_500_000):
            row = MeasuredAllReduce("M40", "", ranks, nodes, floats, 1.0, 0.0, 0)
            two = float(nodes) if nodes > 1 else None
            reduces.append((float(floats), float(ranks), two, ms(machine.simulated(row)), 0.0))
    results = folder / "results" / "train"
    results.mkdir(parents=True)
    sheet = result_sheet(products, convolutions, reduces)
    write_xlsx(results / "DeepBench_NV_M40.xlsx", {"Specs": {1: ("GPU",)}, "Results - FP32": sheet})
    return folder


@pytest.fixture(scope="module")
def as_modelled(tmp_path_factory: pytest.TempPathFactory):
    return findings(made_clone(tmp_path_factory.mktemp("clone"), 0.0), quiet)


def test_kernels_that_are_as_modelled_pass(as_modelled) -> None:
    assert as_modelled.missing == ""
    assert as_modelled.passed
    assert "workbooks of a clone" in as_modelled.introduction


def test_every_measured_row_is_shown_once(as_modelled) -> None:
    assert len(as_modelled.checks) == 20 + 3 * 12 + 16
    names = [(check.section, check.name) for check in as_modelled.checks]
    assert len(set(names)) == len(names)
    assert {check.series for check in as_modelled.checks} == {DEVICE, "deepbench-m40x8"}


def test_every_promise_is_a_verdict(as_modelled) -> None:
    sections = [verdict.section for verdict in as_modelled.verdicts]
    assert len(sections) == 2 + 3 + 1  # products: median and 90th percentile; three passes; all-reduces
    assert sections[-1] == ALL_REDUCE


def test_kernels_that_are_not_as_modelled_fail(tmp_path: Path) -> None:
    found = findings(made_clone(tmp_path, 3.0), quiet)
    failed = {verdict.section for verdict in found.verdicts if not verdict.passed}
    assert "matrix products, fp32" in failed
    assert ALL_REDUCE in failed
    assert not found.passed


def test_predictions_are_of_fits_that_did_not_see_the_row(tmp_path: Path) -> None:
    """One row measured ten times too long: a fit that had seen it would not say the same as before."""
    rows = read_gemms(made_clone(tmp_path, 0.0))
    odd = [replace(row, seconds=10.0 * row.seconds) if place == 7 else row for place, row in enumerate(rows)]
    device, _ = measured_devices(DEVICE)[DEVICE]
    rates = device.device_rates(DEVICE)
    before, after = (
        cross_validate_gemm(measured, rates, "fp32", repeats=1).typical_ratio[7] * measured[7].seconds
        for measured in (rows, odd)
    )
    assert after == pytest.approx(before, rel=1e-9)


def test_a_folder_without_the_data_is_missing_with_what_is_expected(tmp_path: Path) -> None:
    found = findings(tmp_path, quiet)
    assert str(tmp_path) in found.missing
    assert "gemm.csv" in found.missing
    assert "clone of baidu-research/DeepBench" in found.missing
    assert not found.checks
