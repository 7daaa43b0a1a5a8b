"""Laws every kernel model obeys, for every measured device and precision."""

from __future__ import annotations

import pytest

from simulator.cost import kernel_model_names, load_kernel_model
from simulator.workload.kernels import Gemm


@pytest.mark.parametrize("name", kernel_model_names())
def test_product_never_beats_peak(name: str) -> None:
    model = load_kernel_model(name)
    kernel = Gemm(4096, 4096, 4096)
    assert model.time(kernel) >= kernel.flops / model.rates.peak["fp32"]
