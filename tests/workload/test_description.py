"""Networks of one's own in TOML files: the format's own example, every layer type, every way to get it wrong."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.workload import NetworkBuilder, description, load_network
from simulator.workload.schemas import LAYER_TYPES

GOOD = """\
schema = "clustersim/network/1"
name = "mine"
input_shape = [3, 32, 32]

[[layer]]
type = "convolution"
name = "conv1"
filters = 16
kernel = [1, 3]

[[layer]]
type = "fully_connected"
name = "fc"
outputs = 10
"""


def load(folder: Path, text: str):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_network(str(path))


def documented_examples() -> list[str]:
    """The indented blocks of the module's docstring that open with the schema."""
    assert description.__doc__ is not None
    blocks = description.__doc__.split("::\n\n")[1:]
    return [
        textwrap.dedent("\n".join(line for line in block.splitlines() if line.startswith("    ") or not line))
        for block in blocks
        if block.lstrip().startswith("schema")
    ]


def test_documented_examples_load(tmp_path: Path):
    layers, totals = (load(tmp_path, text) for text in documented_examples())
    assert layers.layer("shortcut").inputs == ("relu1", "conv2")
    # 3·16·9 + 16, 16·16·3 + 16 and 16·32·32·10 + 10.
    assert layers.parameters == 448 + 784 + 163_850
    assert totals.parameters == 25_000_000
    assert len(totals.layers) == 50


def test_every_layer_type_is_documented_and_every_documented_type_exists():
    assert description.__doc__ is not None
    table = description.__doc__.split("====\n")[2]
    words = {word.strip(",") for line in table.splitlines() for word in line[:26].split()}
    assert words - {"========================"} == set(LAYER_TYPES)


def test_a_file_gives_what_the_builder_gives(tmp_path: Path):
    net = NetworkBuilder("mine", input_shape=(3, 32, 32), source=str(tmp_path / "mine.toml"))
    net.convolution("conv1", filters=16, kernel=(1, 3))
    net.fully_connected("fc", outputs=10)
    assert load(tmp_path, GOOD) == net.build()


def test_pooling_rounds_as_the_file_says(tmp_path: Path):
    pool = '\n[[layer]]\ntype = "pool"\nname = "p"\noperation = "max"\nkernel = 3\nstride = 2\nafter = "conv1"\n'
    assert load(tmp_path, GOOD + pool).layer("p").output_shape == (16, 15, 14)
    up = GOOD.replace("[3, 32, 32]", '[3, 32, 32]\npooling = "ceil"')
    assert load(tmp_path, up + pool).layer("p").output_shape == (16, 16, 15)


def test_a_transformer_can_be_written_down(tmp_path: Path):
    text = """\
    schema = "clustersim/network/1"
    name = "small-transformer"
    input_shape = [16]
    layer = [
        {type = "embedding", name = "rows", tables = [100, 16], features = 8},
        {type = "attention", name = "attend", heads = 2, inputs = ["rows", "rows", "rows"]},
        {type = "token_connected", name = "up", outputs = 32},
        {type = "gelu", name = "gelu"},
        {type = "first_token", name = "first"},
        {type = "fully_connected", name = "head", outputs = 2},
    ]
    """
    network = load(tmp_path, textwrap.dedent(text))
    assert network.parameters == 116 * 8 + 32 * 9 + 2 * 33
    assert network.forward_flops == 2 * 2 * 16 * 16 * 8 + 2 * 16 * 32 * 8 + 2 * 2 * 32


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("filters", "filter", r"layer\[0\] \(conv1\): filter: unknown key; did you mean 'filters'\?"),
        ("filters = 16", "", r"layer\[0\] \(conv1\): filters: missing; it is required"),
        ("16", '"16"', r"layer\[0\] \(conv1\): filters: input should be a valid integer, got '16'"),
        ("16", "0", "layer 'conv1': filters: expected at least 1, got 0"),
        ("[1, 3]", "[1, 3, 5]", r"kernel: expected a whole number or two of them, .*got \[1, 3, 5\]"),
        ("[1, 3]", "true", "kernel: expected a whole number or two of them, .*got True"),
        ("[1, 3]", "[1, 3]\nbias = 1", r"layer\[0\] \(conv1\): bias: input should be a valid boolean, got 1"),
        ("[1, 3]", "[1, 33]", r"kernel: expected at most the padded input of \[32, 32\], got \(1, 33\)"),
        ("[1, 3]", "99", r"layer 'conv1': kernel: expected at most the padded input of \[32, 32\], got 99"),
        ("convolution", "convoluton", r"unknown layer type 'convoluton'; did you mean 'convolution'\?"),
        ('type = "convolution"', "", r"layer\[0\] \(conv1\): type: expected one of: add, "),
        ('"fc"', '"conv1"', "layer 'conv1': name: expected a name not used before"),
        ("outputs = 10", 'outputs = 10\nafter = "con1"', r"after: unknown layer 'con1'; did you mean 'conv1'\?"),
        ("outputs = 10", "outputs = 10\nafter = 5", r"layer\[1\] \(fc\): after: input should be a valid string, got 5"),
        ("network/1", "network/2", "schema: input should be 'clustersim/network/1', got 'clustersim/network/2'"),
        ('schema = "clustersim/network/1"', "", "schema: missing; it is required"),
        ("[3, 32, 32]", "[3, 32, 0]", r"input_shape\[2\]: input should be greater than 0, got 0"),
        ("[3, 32, 32]", '[3, 32, 32]\npoolin = "ceil"', r"poolin: unknown key; did you mean 'pooling'\?"),
        ("[3, 32, 32]", '[3, 32, 32]\npooling = "up"', "pooling: input should be 'floor' or 'ceil', got 'up'"),
        ("[[layer]]", "[[layer", "not valid TOML"),
    ],
)
def test_a_wrong_file_gives_one_line_that_names_file_and_key(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'mine.toml'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("", "layer: expected either .* or one .totals. table, got neither"),
        ("[totals]\nparameters = 5", "totals.forward_flops: missing"),
        ('[totals]\nparameters = 5\nforward_flops = "8 GB"', "totals.forward_flops: .*'8 GB' has the unit 'GB'"),
        (
            '[totals]\nparameters = 5\nforward_flops = "8 GFLOP"\nlayers = 6',
            "expected at least one for each of 6 layers",
        ),
        ('[totals]\nparameters = 0\nforward_flops = "8 GFLOP"', "totals.parameters: input should be greater than 0"),
    ],
)
def test_wrong_totals_are_refused(tmp_path: Path, tail: str, message: str):
    with pytest.raises(InputError, match=message):
        load(tmp_path, GOOD.split("[[layer]]")[0] + tail)


def test_layers_and_totals_exclude_each_other(tmp_path: Path):
    with pytest.raises(InputError, match="got both"):
        load(tmp_path, GOOD + '[totals]\nparameters = 5\nforward_flops = "8 GFLOP"\n')


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"absent\.toml: no such file"):
        load_network(str(tmp_path / "absent.toml"))
