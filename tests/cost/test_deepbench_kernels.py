"""The committed kernel models against the measured rows they were fitted to, and a small held-out refit."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.cost import load_kernel_model
from validation.deepbench.devices import measured_devices
from validation.deepbench.reference import default_reference, read_convolutions, read_gemms
from validation.deepbench.scoring import cross_validate_gemm

REFERENCE = default_reference()
pytestmark = pytest.mark.skipif(
    not (REFERENCE / "gemm.csv").exists(), reason="the project's reference folder with the DeepBench tables is absent"
)
PROMISED = ("knl7250", "m40", "p100", "v100")


@pytest.mark.parametrize("name", PROMISED)
def test_committed_fit_describes_the_measured_rows(name: str) -> None:
    device, _ = measured_devices(name)[name]
    model = load_kernel_model(name)
    for rows, median, p90 in ((read_gemms(REFERENCE), 0.08, 0.25), (read_convolutions(REFERENCE), 0.20, 0.60)):
        chosen = [row for row in rows if row.device == device.label and row.precision == "fp32"]
        errors = [abs(model.time(row.kernel) / row.seconds - 1) for row in chosen]
        assert np.median(errors) <= median
        assert np.quantile(errors, 0.9) <= p90


def test_held_out_products_of_v100_are_predicted() -> None:
    device, _ = measured_devices("v100")["v100"]
    rows = [row for row in read_gemms(REFERENCE) if row.device == device.label and row.precision == "fp32"]
    errors = cross_validate_gemm(rows, device.device_rates("v100"), "fp32", folds=5, repeats=1)
    assert errors.median <= 0.08
    assert errors.p90 <= 0.25
    assert errors.by_shape.min() > 0, "a held-out row predicted exactly was not held out"


@pytest.mark.parametrize("name", PROMISED)
def test_rates_of_the_committed_model_are_those_it_was_fitted_with(name: str) -> None:
    device, _ = measured_devices(name)[name]
    assert load_kernel_model(name).rates == device.device_rates(name)


@pytest.mark.parametrize("name", PROMISED)
def test_no_measured_product_beats_the_floor(name: str) -> None:
    device, _ = measured_devices(name)[name]
    rates = device.device_rates(name)
    for row in read_gemms(REFERENCE):
        if row.device == device.label:
            assert row.seconds >= row.kernel.flops / rates.peak[row.precision]
            size = 4 if row.precision == "fp32" else 2
            traffic = max(0.0, row.kernel.bytes_moved(size) - rates.cache_size)
            assert row.seconds >= 0.95 * traffic / rates.bandwidth
