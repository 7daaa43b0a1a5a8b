"""Networks known by their totals meet them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.workload import load_network, synthetic_network
from simulator.workload.kernels import Gemm


@given(
    layers=st.integers(1, 30),
    parameters=st.integers(30 * 1000, 10**9),
    flops_each=st.floats(2e3, 1e12),
)
def test_totals_come_out(layers: int, parameters: int, flops_each: float):
    network = synthetic_network(parameters, layers * flops_each, layers)
    assert network.parameters == parameters
    assert len(network.parameter_layout()) == layers
    # Rounding to whole rows loses less than one column of rows; the matrix is at least 22 wide here.
    rows = min(layer.rows for layer in network.layers)
    assert network.forward_flops == pytest.approx(layers * flops_each, rel=1.6 / rows)
    forward = sum(kernel.flops for _, kernel in network.kernels(3, "forward"))
    assert forward == pytest.approx(3 * network.forward_flops, rel=1e-12)


def test_backward_is_that_of_a_real_network():
    network = synthetic_network(10**6, 10**9, 4)
    backward = [kernel for _, kernel in network.kernels(2, "backward")]
    assert all(isinstance(kernel, Gemm) for kernel in backward)
    assert sum(kernel.flops for kernel in backward) == 2 * (2 * network.forward_flops - network.layers[0].flops)


def test_parameters_that_compute_nothing_are_still_sent():
    network = synthetic_network(10**9, 10**6)  # an embedding-like network
    assert network.parameters == 10**9
    assert network.forward_flops == pytest.approx(10**6, rel=0.01)


def test_by_name():
    network = load_network("synthetic:parameters=25.6e6,flops=8.2e9,layers=50")
    assert network.parameters == 25_600_000
    assert network.forward_flops == pytest.approx(8.2e9, rel=0.01)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("synthetic:parameters=25e6", "flops: missing"),
        ("synthetic:parameters=25e6,flops=8e9,layer=3", r"unknown key 'layer'; did you mean 'layers'\?"),
        ("synthetic:parameters=25e6,flops=-1", "flops: expected a whole number of at least 1, got '-1'"),
        ("synthetic:parameters=2,flops=8e9,layers=3", "parameters: expected at least one for each of 3 layers, got 2"),
        (
            "synthetic:parameters=20,flops=5,layers=3",
            "forward_flops: expected at least two for each of 3 layers, got 5",
        ),
    ],
)
def test_wrong_totals_are_named(name: str, message: str):
    with pytest.raises(InputError, match=message):
        load_network(name)


def test_two_flops_a_parameter_is_one_fully_connected_layer():
    network = synthetic_network(10**6, 2 * 10**6)
    assert [kernel for _, kernel in network.kernels(64, "forward")] == [Gemm(m=1000, n=64, k=1000, transpose_a=True)]
