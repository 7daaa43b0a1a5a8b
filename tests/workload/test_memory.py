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
    need = memory_needed(small(), 11, optimizer=3.0, copies=1.0, messages=0.5, runtime=1000.0)
    parameters = 5 * 28 + 7 * 321
    assert need.parts() == {
        "weights": parameters * 4,
        "master_weights": 0,
        "gradients": parameters * 4,
        "optimizer": 3 * parameters * 4,
        "copies": parameters * 4,
        "messages": round(parameters / 2 * 4),
        # ReLU's output, the mask, dropout's output; not the convolution's, which no backward pass reads, nor fc's
        "activations": 11 * (320 + 320 + 320) * 4,
        "activation_gradients": 11 * 320 * 4,  # as fc, with all of those still there, makes that of its input
        "batch": 11 * 300 * 4,
        "dataset": 0,
        "workspace": 3 * 9 * 64 * 4,
        "runtime": 1000,
    }
    assert need.total == sum(need.parts().values())


def test_two_layers_on_one_device_by_hand():
    """8 inputs, 6 hidden, 4 outputs, batch 10, plain SGD: every number of it."""
    net = NetworkBuilder("two", input_shape=(8, 1, 1))
    net.fully_connected("hidden", outputs=6)
    net.tanh("tanh")
    net.fully_connected("out", outputs=4)
    net.softmax_loss("loss")
    need = memory_needed(net.build(), 10)
    assert need.weights == need.gradients == 4 * (6 * (8 + 1) + 4 * (6 + 1))
    # loss: activations 6 + 4, gradient 4 of out. out: activations 6, gradients 4 + 6. tanh: activations 6, gradients
    # 6 of its output and 6 of its input, the most of all. hidden: nothing but a gradient of 6.
    assert (need.activations, need.activation_gradients) == (4 * 10 * 6, 4 * 10 * (6 + 6))
    assert need.batch == 4 * 10 * 8
    assert need.total == 2 * 4 * 82 + 4 * 10 * 18 + 4 * 10 * 8


def test_half_precision_keeps_a_single_precision_copy_and_optimizer():
    half, single = (memory_needed(small(), 4, optimizer=2.0, element_size=size) for size in (2, 4))
    assert half.weights == half.gradients == single.weights // 2
    assert half.master_weights == single.weights
    assert half.optimizer == single.optimizer
    assert half.activations == single.activations // 2


def test_an_output_that_no_backward_pass_reads_is_not_kept():
    net = NetworkBuilder("residual", input_shape=(4, 6, 6))
    net.convolution("conv", filters=4, kernel=1, bias=False)
    net.batch_norm("norm")
    net.add("sum", inputs=("norm", "conv"))
    net.relu("relu")
    # The convolution's is read to normalise, ReLU's by itself; those of normalisation and sum by nobody.
    assert net.build().kept == {"conv", "relu", "data"}


def test_what_is_read_on_decides_what_is_kept():
    # The sum is kept for the layer that multiplies it; dropout's output, which now only the sum reads, is not.
    assert small(shared=True).kept - small().kept == {"sum"}
    assert small().kept - small(shared=True).kept == {"drop"}


def test_all_activations_and_gradients_can_be_kept():
    need, all_kept = memory_needed(small(), 4), memory_needed(small(), 4, free_nothing=True)
    assert all_kept.activation_gradients == all_kept.activations == small().activation_bytes(4)
    assert all_kept.activations >= need.activations


def test_the_data_sets_copy_and_a_given_workspace_are_counted():
    cifar = load_dataset("cifar10")
    need = memory_needed(small(), 1, dataset=cifar, workspace=12345, input_buffers=2)
    assert (need.dataset, need.workspace, need.batch) == (cifar.stored_bytes, 12345, 2 * 300 * 4)


def test_a_device_that_only_keeps_parameters_needs_no_activations():
    need = memory_needed(small(), 0, gradients=0.0)
    assert need.total == need.weights


def test_sixteen_copies_of_alexnet_and_cifar_fill_the_papers_mcdram():
    copy = load_network("alexnet").parameter_bytes() + load_dataset("cifar10").stored_bytes
    assert 16 * copy < 16 * 2**30 < 18 * copy


@pytest.mark.parametrize("name", network_names())
def test_need_grows_with_the_batch_and_the_element_size(name: str):
    network = load_network(name)
    totals = [memory_needed(network, batch).total for batch in (0, 1, 2, 16)]
    assert totals == sorted(set(totals))


@given(capacity=st.floats(1e4, 1e9), copies=st.integers(0, 4), buffers=st.integers(1, 2))
def test_largest_batch_fits_and_one_more_does_not(capacity: float, copies: int, buffers: int):
    network = small()
    batch = largest_batch(network, capacity, copies=copies, input_buffers=buffers)
    if batch:
        assert memory_needed(network, batch, copies=copies, input_buffers=buffers).total <= capacity
    assert memory_needed(network, batch + 1, copies=copies, input_buffers=buffers).total > capacity


@pytest.mark.parametrize("part", ["weights", "gradients", "optimizer", "copies", "messages", "runtime"])
def test_more_of_anything_never_allows_a_larger_batch(part: str):
    network = load_network("resnet-18")
    batches = [largest_batch(network, 4e9, **{part: scale * (1e9 if part == "runtime" else 1.0)}) for scale in range(4)]
    assert batches == sorted(batches, reverse=True)
    assert len(set(batches)) == len(batches)


@settings(max_examples=20)
@given(capacity=st.floats(1e9, 8e10))
def test_more_memory_never_means_a_smaller_batch(capacity: float):
    network = load_network("alexnet")
    assert largest_batch(network, capacity) <= largest_batch(network, 1.1 * capacity)


def test_no_batch_fits_where_the_weights_do_not():
    assert largest_batch(load_network("vgg-16"), 1e9) == 0


@pytest.mark.parametrize("key", ["batch", "weights", "gradients", "optimizer", "copies", "messages", "workspace"])
def test_negative_counts_are_refused(key: str):
    arguments = {"batch": 1, key: -1}
    with pytest.raises(InputError, match=f"'small': {key}: expected at least 0, got -1"):
        memory_needed(small(), **arguments)
