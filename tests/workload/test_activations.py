"""What a backward pass holds, by hand and as laws over all networks; segments that are computed twice."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.workload import Network, NetworkBuilder, load_network, memory_needed, network_names
from simulator.workload.activations import recomputation, worst_moment


def chain(widths: tuple[int, ...]) -> Network:
    """Fully connected layers with tanh between them."""
    net = NetworkBuilder("chain", input_shape=(5, 1, 1))
    for index, width in enumerate(widths):
        net.fully_connected(f"fc{index}", outputs=width)
        net.tanh(f"tanh{index}")
    return net.build()


def residual() -> Network:
    """conv → norm → sum with the convolution's own output → relu → fc, 4 × 6 × 6 = 144 elements each."""
    net = NetworkBuilder("residual", input_shape=(4, 6, 6))
    net.convolution("conv", filters=4, kernel=1, bias=False)
    net.batch_norm("norm")
    net.add("sum", inputs=("norm", "conv"))
    net.relu("relu")
    net.fully_connected("fc", outputs=1)
    net.softmax_loss("loss")
    return net.build()


def test_a_sum_hands_its_gradient_on():
    held = worst_moment(residual())
    # norm: the convolution's output is kept; the sum's gradient serves norm and the shortcut, and norm makes a second
    # contribution to the convolution's. relu, before it, holds conv, its own output, and the gradients of two values.
    assert (held.activations, held.gradients) == (2 * 144, 2 * 144)


def test_the_widest_part_of_a_chain_sets_the_worst_moment():
    held = worst_moment(chain((10, 100, 10)))
    # tanh1: outputs of tanh0 and tanh1, gradients of tanh1's output and input
    assert (held.activations, held.gradients) == (10 + 100, 100 + 100)


@pytest.mark.parametrize("name", network_names())
def test_never_more_than_everything_never_less_than_what_is_kept_or_the_largest_step(name: str):
    network = load_network(name)
    held, kept = worst_moment(network), network.activation_elements()
    assert held.activations <= kept
    assert held.total >= kept
    assert held.gradients <= 2 * sum(layer.output_elements for layer in network.layers)


@pytest.mark.parametrize("name", network_names())
def test_segments_cover_the_network_once_and_save(name: str):
    network = load_network(name)
    found = network.recomputation
    if found is None:
        pytest.skip("nothing to save")
    assert [layer for segment in found.segments for layer in segment] == [layer.name for layer in network.layers]
    assert found.held.total < worst_moment(network).total
    assert found.recomputed.isdisjoint(found.segments[-1])


def test_a_long_chain_needs_the_square_root_of_its_length():
    """Chen et al. 2016, section 4.2: with equal layers the cost falls from n to the order of the root of n."""
    short, long = (recomputation(chain((10,) * layers)) for layers in (100, 400))
    assert short is not None and long is not None  # noqa: PT018
    assert long.held.total < 2.6 * short.held.total
    assert worst_moment(chain((10,) * 400)).total > 3.5 * worst_moment(chain((10,) * 100)).total


def test_the_backward_pass_runs_recomputed_layers_forward_again():
    network = load_network("resnet-50")
    assert network.recomputation is not None
    again = network.recomputation.recomputed
    plain, recomputing = (network.kernels(2, "backward", names) for names in ((), again))
    extra = [item for item in network.kernels(2, "forward") if item.layer_name in again]
    assert len(recomputing) == len(plain) + len(extra)
    assert sum(kernel.kernel.flops for kernel in recomputing) == pytest.approx(
        sum(kernel.kernel.flops for kernel in (*plain, *extra))
    )


def test_recomputing_what_has_one_layer_is_refused():
    net = NetworkBuilder("one", input_shape=(5, 1, 1))
    net.fully_connected("fc", outputs=3)
    with pytest.raises(InputError, match="'one': recompute: there is nothing that it would save"):
        memory_needed(net.build(), 1, recompute=True)
