"""Laws of the forward and backward kernels, over every named network."""

from __future__ import annotations

import pytest

from simulator.workload import Network, NetworkBuilder, load_network, network_names
from simulator.workload.kernels import Convolution, Elementwise, Gemm, Pass

EVERY = pytest.mark.parametrize("name", network_names())


def product_flops(network: Network, batch: int, direction: str) -> float:
    return sum(k.flops for _, k in network.kernels(batch, direction) if not isinstance(k, Elementwise))


@EVERY
def test_kernels_add_up_to_the_layers_flops(name: str):
    network = load_network(name)
    by_layer: dict[str, float] = {}
    for layer_name, kernel in network.kernels(3, "forward"):
        if not isinstance(kernel, Elementwise):
            by_layer[layer_name] = by_layer.get(layer_name, 0.0) + kernel.flops
    assert by_layer == {layer.name: 3 * layer.flops for layer in network.layers if layer.flops}


@EVERY
def test_backward_is_twice_forward_less_the_first_layers_data_gradient(name: str):
    network = load_network(name)
    # A transformer's first layer is a table look-up without products.
    first = network.layers[0].flops
    assert product_flops(network, 1, "backward") == 2 * network.forward_flops - first


@EVERY
def test_work_is_linear_in_the_batch(name: str):
    network = load_network(name)
    for direction in ("forward", "backward"):
        one, many = network.kernels(1, direction), network.kernels(7, direction)
        assert [layer for layer, _ in one] == [layer for layer, _ in many]
        for (_, small), (_, large) in zip(one, many, strict=True):
            assert large.flops == 7 * small.flops


@EVERY
def test_layout_covers_every_parameter_once(name: str):
    network = load_network(name)
    layout = network.parameter_layout()
    assert sum(count for _, count in layout) == network.parameters
    assert len({layer for layer, _ in layout}) == len(layout)
    assert all(count > 0 for _, count in layout)


@EVERY
def test_every_layer_with_weights_has_a_weight_gradient(name: str):
    network = load_network(name)
    touched = {layer for layer, _ in network.kernels(1, "backward")}
    assert {layer for layer, _ in network.parameter_layout()} <= touched


@EVERY
def test_backward_visits_layers_in_reverse(name: str):
    network = load_network(name)
    position = {layer.name: index for index, layer in enumerate(network.layers)}
    visited = [position[layer] for layer, _ in network.kernels(1, "backward")]
    assert visited == sorted(visited, reverse=True)


@EVERY
def test_elementwise_work_is_small_beside_the_products(name: str):
    network = load_network(name)
    assert 0 < network.elementwise_flops < 0.02 * network.forward_flops


def test_lenet_kernels_by_hand():
    # conv1 20 @ 24 × 24, pool to 12, conv2 50 @ 8 × 8, pool to 4, then 800 → 500 → 10. Batch 64.
    kernels = load_network("lenet").kernels(64, "forward")
    products = [kernel for _, kernel in kernels if not isinstance(kernel, Elementwise)]
    assert products == [
        Convolution(64, 1, 28, 28, 20, 5, 5),
        Convolution(64, 20, 12, 12, 50, 5, 5),
        Gemm(m=500, n=64, k=800, transpose_a=True),
        Gemm(m=10, n=64, k=500, transpose_a=True),
    ]
    back = [
        kernel for _, kernel in load_network("lenet").kernels(64, "backward") if not isinstance(kernel, Elementwise)
    ]
    assert back == [
        Gemm(m=500, n=10, k=64, transpose_b=True),
        Gemm(m=500, n=64, k=10),
        Gemm(m=800, n=500, k=64, transpose_b=True),
        Gemm(m=800, n=64, k=500),
        Convolution(64, 20, 12, 12, 50, 5, 5, direction=Pass.BACKWARD_WEIGHTS),
        Convolution(64, 20, 12, 12, 50, 5, 5, direction=Pass.BACKWARD_DATA),
        Convolution(64, 1, 28, 28, 20, 5, 5, direction=Pass.BACKWARD_WEIGHTS),
    ]


def test_gradients_of_a_value_with_two_readers_are_added_once():
    network = load_network("resnet-18")
    sums = [layer for layer, kernel in network.kernels(1, "backward") if getattr(kernel, "name", "") == "gradient_sum"]
    # The input of each of the eight blocks feeds the branch and the shortcut.
    assert len(sums) == 8
    assert sums[-1] == "pool1"


def test_nothing_is_computed_for_the_gradient_of_the_data():
    net = NetworkBuilder("pooled-input", input_shape=(3, 8, 8))
    net.pool("shrink", operation="average", kernel=2, stride=2)
    net.fully_connected("left", outputs=4, after="shrink")
    net.fully_connected("right", outputs=4, after="shrink")
    net.add("sum", inputs=("left", "right"))
    layers = [layer for layer, _ in net.build().kernels(1, "backward")]
    assert "shrink" not in layers
    assert [k for _, k in net.build().kernels(2, "backward") if isinstance(k, Gemm)] == [
        Gemm(m=48, n=4, k=2, transpose_b=True)
    ] * 2


def test_attention_products_by_hand():
    net = NetworkBuilder("attention", input_shape=(6,))
    net.embedding("rows", tables=(10,), features=8)
    net.attention("attend", heads=2, inputs=("rows", "rows", "rows"))
    network = net.build()
    # Two heads of four features over six tokens, five sequences: ten products a call.
    assert [k for _, k in network.kernels(5, "forward") if isinstance(k, Gemm)] == [
        Gemm(m=6, n=6, k=4, transpose_a=True, count=10),
        Gemm(m=4, n=6, k=6, count=10),
    ]
    assert (
        sum(k.flops for _, k in network.kernels(5, "backward") if isinstance(k, Gemm)) == 2 * 5 * network.forward_flops
    )


@pytest.mark.parametrize(("batch", "direction"), [(0, "forward"), (1, "sideways")])
def test_wrong_calls_are_refused(batch: int, direction: str):
    with pytest.raises(ValueError, match="expected"):
        load_network("lenet").kernels(batch, direction)
