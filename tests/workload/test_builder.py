"""The builder against plain formulas, written down independently of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.workload import NetworkBuilder
from simulator.workload.kernels import Convolution
from simulator.workload.shapes import window_positions

SIZES = st.integers(1, 40)


def counted_positions(size: int, window: int, stride: int, pad: int, ceil: bool) -> int:
    """Window by window: rounding down, each lies within the padded input; up, the last may hang over its end, but
    each starts before the trailing padding."""
    padded, places = size + 2 * pad, 0
    if window > padded:
        return 0
    while True:
        start = places * stride
        inside = start + window <= padded
        uncovered = places == 0 or start - stride + window < padded
        if not ((inside or uncovered) and start < size + pad if ceil else inside):
            return places
        places += 1


@given(size=SIZES, window=st.integers(1, 9), stride=st.integers(1, 9), pad=st.integers(0, 4), ceil=st.booleans())
def test_window_positions_are_those_counted_one_by_one(size: int, window: int, stride: int, pad: int, ceil: bool):
    if ceil:
        pad = min(pad, window - 1)  # pooling must not see padding alone
    assert window_positions(size, window, stride, pad, ceil) == counted_positions(size, window, stride, pad, ceil)


@st.composite
def convolution_chains(draw: st.DrawFn) -> tuple[tuple[int, int, int], list[dict]]:
    """Input shape and layer tables of a network that fits together, grown layer by layer."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(4, 30), st.integers(4, 30)))
    channels, height, width = shape
    tables: list[dict] = []
    for index in range(draw(st.integers(1, 6))):
        window = (draw(st.integers(1, min(5, height))), draw(st.integers(1, min(5, width))))
        pad = draw(st.integers(0, min(2, *(extent - 1 for extent in window))))
        stride = draw(st.integers(1, 3))
        table = {"name": f"layer{index}", "kernel": list(window), "stride": stride, "pad": pad}
        ceil = False
        if draw(st.booleans()):
            groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
            channels = groups * draw(st.integers(1, 5))
            table |= {"type": "convolution", "filters": channels, "groups": groups, "bias": draw(st.booleans())}
        else:
            ceil = draw(st.booleans())
            table |= {"type": "pool", "operation": draw(st.sampled_from(["max", "average"])), "ceil": ceil}
        height = counted_positions(height, window[0], stride, pad, ceil)
        width = counted_positions(width, window[1], stride, pad, ceil)
        tables.append(table)
    return shape, tables


def as_toml(shape: tuple[int, ...], tables: list[dict]) -> str:
    def value(item: object) -> str:
        return f'"{item}"' if isinstance(item, str) else str(item).lower()

    head = f'schema = "clustersim/network/1"\nname = "random"\ninput_shape = {list(shape)}\n'
    bodies = ("\n".join(f"{key} = {value(item)}" for key, item in table.items()) for table in tables)
    return head + "".join(f"\n[[layer]]\n{body}\n" for body in bodies)


@given(chain=convolution_chains())
def test_random_chains_agree_with_plain_formulas(chain, tmp_path_factory):
    from simulator.workload import load_network

    shape, tables = chain
    path = tmp_path_factory.mktemp("networks") / "random.toml"
    path.write_text(as_toml(shape, tables))
    network = load_network(str(path))

    channels, height, width = shape
    parameters = flops = 0
    for table, layer in zip(tables, network.layers, strict=True):
        window, stride, pad = table["kernel"], table["stride"], table["pad"]
        height = counted_positions(height, window[0], stride, pad, table.get("ceil", False))
        width = counted_positions(width, window[1], stride, pad, table.get("ceil", False))
        if table["type"] == "convolution":
            seen = channels // table["groups"] * window[0] * window[1]  # inputs of one output
            parameters += table["filters"] * (seen + table["bias"])
            flops += 2 * table["filters"] * height * width * seen
            channels = table["filters"]
        assert layer.output_shape == (channels, height, width)
    assert network.parameters == parameters
    assert network.forward_flops == flops

    # The kernels work their own output size out, and must come to the same.
    for name, kernel in network.kernels(2, "forward"):
        if isinstance(kernel, Convolution):
            assert (kernel.filters, kernel.out_height, kernel.out_width) == network.layer(name).output_shape


def test_branches_and_joins():
    net = NetworkBuilder("branches", input_shape=(4, 6, 6))
    left = net.convolution("left", filters=2, kernel=3, pad=1)
    right = net.convolution("right", filters=4, kernel=1, after="data")
    net.concat("joined", inputs=(left, right))
    assert net.shape() == (6, 6, 6)
    net.convolution("narrow", filters=4, kernel=1)
    net.add("shortcut", inputs=("narrow", "data"))
    network = net.build()
    assert network.layer("joined").parameters == network.layer("shortcut").parameters == 0
    assert network.layer("shortcut").output_shape == (4, 6, 6)


def started() -> NetworkBuilder:
    net = NetworkBuilder("wrong", input_shape=(4, 6, 6))
    net.convolution("conv1", filters=4, kernel=3)
    return net


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda n: n.convolution("c", filters=0, kernel=1), "layer 'c': filters: expected at least 1, got 0"),
        (lambda n: n.convolution("c", filters=6, kernel=1, groups=4), "groups: expected a divisor of 4 channels and 6"),
        (
            lambda n: n.convolution("c", filters=6, kernel=9),
            r"kernel: expected at most the padded input of \[4, 4\], got 9",
        ),
        (lambda n: n.convolution("c", filters=6, kernel=1, stride=0), "stride: expected at least 1, got 0"),
        (lambda n: n.convolution("c", filters=6, kernel=1, pad=-1), "pad: expected at least 0, got -1"),
        (lambda n: n.convolution("conv1", filters=6, kernel=1), "name: expected a name not used before, got 'conv1'"),
        (lambda n: n.relu("r", after="conv2"), r"'r': after: unknown layer 'conv2'; did you mean 'conv1'\?"),
        (lambda n: n.add("a", inputs=("conv1", "data")), "inputs: expected equal shapes"),
        (lambda n: n.concat("a", inputs=("conv1", "data")), "inputs: expected equal sizes apart from the first"),
        (lambda n: n.concat("a", inputs=()), "inputs: expected at least one layer"),
        (lambda n: n.pool("p", operation="min", kernel=2), "operation: expected 'max' or 'average', got 'min'"),
        (lambda n: n.pool("p", operation="max", kernel=2, pad=2), "pad: expected less than the kernel's 2, .*got 2"),
        (lambda n: n.dropout("d", ratio=1.0), "ratio: expected a share from 0 to below 1, got 1.0"),
        (lambda n: n.lrn("l", region="around"), "region: expected 'across_channels' or 'within_channel'"),
        (lambda n: n.token_connected("t", outputs=3), r"after: expected a layer that produces \(tokens, features\)"),
        (lambda n: n.attention("t", heads=3, inputs=("conv1",) * 3), r"expected a layer that produces \(tokens, feat"),
        (lambda n: n.embedding("e", tables=(3,), features=2), r"expected a layer that produces \(tokens\)"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_one_line(add, message: str):
    with pytest.raises(InputError, match=message) as caught:
        add(started())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("network 'wrong': layer ")


def test_attention_heads_must_divide_the_features():
    net = NetworkBuilder("wrong", input_shape=(4,))
    net.embedding("rows", tables=(9,), features=8)
    with pytest.raises(InputError, match="heads: expected a divisor of 8 features, got 3"):
        net.attention("a", heads=3, inputs=("rows", "rows", "rows"))


@pytest.mark.parametrize("shape", [(), (3, 0, 4)])
def test_input_shape_must_be_positive(shape: tuple[int, ...]):
    with pytest.raises(InputError, match="input_shape: expected positive sizes"):
        NetworkBuilder("wrong", input_shape=shape)


def test_a_network_needs_a_layer():
    with pytest.raises(InputError, match="layers: expected at least one"):
        NetworkBuilder("empty", input_shape=(1, 2, 2)).build()
