"""Memory needs: hand-worked parts, growth with the batch, the largest batch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.workload import (
    Network,
    NetworkBuilder,
    largest_batch,
    load_dataset,
    load_network,
    memory_needed,
    network_names,
)


def small(shared: bool = False) -> Network:
    """conv 3 → 5 @ 8 × 8, ReLU, dropout, fully connected; `shared` adds a second reader of the convolution."""
    net = NetworkBuilder("small", input_shape=(3, 10, 10))
    net.convolution("conv", filters=5, kernel=3)
    net.relu("relu")
    net.dropout("drop")
    if shared:
        net.add("sum", inputs=("drop", "conv"))
    net.fully_connected("fc", outputs=7)
    return net.build()


def test_parts_by_hand():
    need = memory_needed(small(), 11, weight_copies=2, optimizer_copies=3)
    parameters = 5 * 28 + 7 * 321
    assert need.parts() == {
        "weights": 2 * parameters * 4,
        "gradients": parameters * 4,
        "optimizer": 3 * parameters * 4,
        "activations": 11 * (320 + 320 + 7) * 4,  # conv (overwritten by ReLU and dropout), the mask, fc
        "activation_gradients": 11 * (320 + 320) * 4,  # around ReLU, the most of any layer (conv: 300 + 320)
        "batch": 11 * 300 * 4,
        "dataset": 0,
        "workspace": 3 * 9 * 64 * 4,
    }
    assert need.total == sum(need.parts().values())


def test_a_value_with_another_reader_is_not_overwritten():
    # ReLU keeps its own output now, dropout still overwrites that, and the sum is new.
    assert small(shared=True).activation_elements() - small().activation_elements() == 320 + 320


def test_gradients_of_all_activations_can_be_kept():
    need = memory_needed(small(), 4, keep_activation_gradients=True)
    assert need.activation_gradients == need.activations


def test_the_data_sets_copy_and_a_given_workspace_are_counted():
    cifar = load_dataset("cifar10")
    need = memory_needed(small(), 1, dataset=cifar, workspace=12345, input_buffers=2)
    assert (need.dataset, need.workspace, need.batch) == (cifar.stored_bytes, 12345, 2 * 300 * 4)


def test_a_device_that_only_keeps_parameters_needs_no_activations():
    need = memory_needed(small(), 0, gradient_copies=0)
    assert need.total == need.weights


def test_sixteen_copies_of_alexnet_and_cifar_fill_the_papers_mcdram():
    copy = load_network("alexnet").parameter_bytes() + load_dataset("cifar10").stored_bytes
    assert 16 * copy < 16 * 2**30 < 18 * copy


@pytest.mark.parametrize("name", network_names())
def test_need_grows_with_the_batch_and_the_element_size(name: str):
    network = load_network(name)
    totals = [memory_needed(network, batch).total for batch in (0, 1, 2, 16)]
    assert totals == sorted(set(totals))
    assert memory_needed(network, 16, element_size=2).total == totals[-1] // 2


@given(capacity=st.floats(1e4, 1e9), copies=st.integers(0, 4), buffers=st.integers(1, 2))
def test_largest_batch_fits_and_one_more_does_not(capacity: float, copies: int, buffers: int):
    network = small()
    batch = largest_batch(network, capacity, weight_copies=copies, input_buffers=buffers)
    if batch:
        assert memory_needed(network, batch, weight_copies=copies, input_buffers=buffers).total <= capacity
    assert memory_needed(network, batch + 1, weight_copies=copies, input_buffers=buffers).total > capacity


@settings(max_examples=20)
@given(capacity=st.floats(1e9, 8e10))
def test_more_memory_never_means_a_smaller_batch(capacity: float):
    network = load_network("alexnet")
    assert largest_batch(network, capacity) <= largest_batch(network, 1.1 * capacity)


def test_no_batch_fits_where_the_weights_do_not():
    assert largest_batch(load_network("vgg-16"), 1e9) == 0


@pytest.mark.parametrize("key", ["batch", "weight_copies", "gradient_copies", "optimizer_copies", "workspace"])
def test_negative_counts_are_refused(key: str):
    arguments = {"batch": 1, key: -1}
    with pytest.raises(InputError, match=f"'small': {key}: expected at least 0, got -1"):
        memory_needed(small(), **arguments)
