"""Memory traffic of layers that are not products, by hand for ten samples of 2 × 4 × 6 = 48 elements."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.workload import NetworkBuilder
from simulator.workload.kernels import Elementwise
from simulator.workload.schemas import LAYER_TYPES

N = 10 * 48
T = 10 * 4 * 6  # ten samples of four tokens with six features

Traffic = list[tuple[float, float]]
CASES: dict[str, tuple[Callable[[NetworkBuilder], str], Traffic, Traffic]] = {
    # Elements (read, written) forward and backward; backward opens with the layer's own kernels.
    "relu": (lambda n: n.relu("x"), [(N, N)], [(2 * N, N)]),
    "sigmoid": (lambda n: n.sigmoid("x"), [(N, N)], [(2 * N, N)]),
    "tanh": (lambda n: n.tanh("x"), [(N, N)], [(2 * N, N)]),
    "gelu": (lambda n: n.gelu("x"), [(N, N)], [(2 * N, N)]),
    # Input; output and mask. Gradient and mask; gradient.
    "dropout": (lambda n: n.dropout("x"), [(N, 2 * N)], [(2 * N, N)]),
    # Probabilities are written twice: exponentials, then the quotient.
    "softmax_loss": (lambda n: n.softmax_loss("x"), [(3 * N, 2 * N)], [(N, N)]),
    # 2 × 2 × 3 = 12 outputs a sample and as many winners' indices.
    "pool": (lambda n: n.pool("x", operation="max", kernel=2, stride=2), [(N, 240)], [(240, N)]),
    "pool, average": (lambda n: n.pool("x", operation="average", kernel=2, stride=2), [(N, 120)], [(120, N)]),
    "global_pool": (lambda n: n.global_pool("x"), [(N, 20)], [(20, N)]),
    # Output and sums of squares are written; input, output, sums and gradient are read.
    "lrn": (lambda n: n.lrn("x"), [(N, 2 * N)], [(4 * N, N)]),
    "batch_norm": (lambda n: n.batch_norm("x"), [(2 * N, N)], [(4 * N, N)]),
    "concat": (lambda n: n.concat("x", inputs=("top", "top")), [(2 * N, 2 * N)], [(2 * N, 2 * N)]),
    "add": (lambda n: n.add("x", inputs=("top", "top")), [(2 * N, N)], []),
    "layer_norm": (lambda n: n.layer_norm("x", after="tokens"), [(2 * T, T)], [(4 * T, T)]),
    "first_token": (lambda n: n.first_token("x", after="tokens"), [(60, 60)], [(60, T)]),
    # Scores of three heads, 4 × 4 each.
    "attention": (
        lambda n: n.attention("x", heads=3, inputs=("tokens", "tokens", "tokens")),
        [(480, 480)],
        [(960, 480)],
    ),
    # One row of each of two tables a token; backward clears all 13 rows and adds to those used.
    "embedding": (
        lambda n: n.embedding("x", tables=(11, 2), features=6, after="data"),
        [(2 * T, T)],
        [(4 * T, 13 * 6 + 2 * T)],
    ),
    "bias of a convolution": (lambda n: n.convolution("x", filters=3, kernel=1), [(723, 720)], [(720, 3)]),
    "bias of a product": (lambda n: n.fully_connected("x", outputs=5), [(55, 50)], [(50, 5)]),
    "bias of a product per token": (
        lambda n: n.token_connected("x", outputs=5, after="tokens"),
        [(205, 200)],
        [(200, 5)],
    ),
}


def started(image: bool) -> NetworkBuilder:
    net = NetworkBuilder("case", input_shape=(2, 4, 6) if image else (4,))
    if image:
        net.convolution("top", filters=2, kernel=1)  # something with parameters upstream
    else:
        net.embedding("tokens", tables=(9,), features=6)
    return net


def traffic(net: NetworkBuilder, direction: str) -> Traffic:
    return [
        (kernel.read, kernel.written)
        for layer, kernel in net.build().kernels(10, direction)
        if layer == "x" and isinstance(kernel, Elementwise)
    ]


@pytest.mark.parametrize("case", CASES)
def test_traffic_by_hand(case: str):
    add, forward, backward = CASES[case]
    net = started(image=not any(word in case for word in ("layer_norm", "token", "attention", "embedding")))
    add(net)
    assert traffic(net, "forward") == forward
    assert traffic(net, "backward") == backward


def test_every_layer_type_has_a_case():
    with_bias = {"convolution", "fully_connected", "token_connected"}
    assert {case for case in CASES if case in LAYER_TYPES} | with_bias == set(LAYER_TYPES)


def test_operations_of_sums_count_additions():
    net = started(image=True)
    net.add("x", inputs=("top", "top", "top"))
    (kernel,) = (kernel for layer, kernel in net.build().kernels(10, "forward") if layer == "x")
    assert kernel.flops == 2 * N


def test_normalisation_next_to_the_data_still_learns_its_scales():
    net = NetworkBuilder("first", input_shape=(2, 4, 6))
    net.batch_norm("x")
    assert net.build().parameters == 4
    assert traffic(net, "backward") == [(2 * N, 4)]


def test_normalisation_without_scales_has_no_parameters():
    net = NetworkBuilder("first", input_shape=(2, 4, 6))
    net.batch_norm("x", affine=False)
    assert net.build().parameters == 0
    assert traffic(net, "backward") == []


def test_what_a_gelu_reads_stays_but_what_a_relu_reads_does_not():
    def kept(activation: str) -> int:
        net = started(image=True)
        getattr(net, activation)("x")
        net.fully_connected("reader", outputs=1)
        return net.build().activation_elements()

    assert (kept("relu"), kept("sigmoid"), kept("gelu")) == (48, 48, 96)


def test_the_data_itself_is_never_overwritten():
    net = NetworkBuilder("first", input_shape=(2, 4, 6))
    net.relu("x")
    assert net.build().activation_elements() == 48
