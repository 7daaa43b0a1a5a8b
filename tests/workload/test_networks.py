"""The named networks against what is published about them."""

from __future__ import annotations

import pytest

from simulator.errors import UnknownNameError
from simulator.workload import Network, load_network, network_names

# Trained numbers. Caffe prototxt files, Devlin et al. 2018 (encoder and pooler) and torchvision's model table.
PARAMETERS = {
    "alexnet": 62_378_344,
    "alexnet-grouped": 60_965_224,
    "bert-base": 109_482_240,
    "bert-base-512": 109_482_240,
    "bert-large": 335_141_888,
    "bert-large-512": 335_141_888,
    "cifar10-quick": 145_578,
    "googlenet": 6_998_552,
    "googlenet-aux": 13_378_280,
    "inception-v3": 23_834_568,
    "inception-v3-aux": 27_161_264,
    "lenet": 431_080,
    "resnet-18": 11_689_512,
    "resnet-34": 21_797_672,
    "resnet-50": 25_557_032,
    "resnet-50-v1": 25_557_032,
    "resnet-101": 44_549_160,
    "resnet-152": 60_192_808,
    "vgg-16": 138_357_544,
    "vgg-19": 143_667_240,
}

# FLOPs of a forward pass per sample, from the same files; those counted to the last digit there must agree exactly.
EXACT_FLOPS = {
    "alexnet-grouped": 1_448_813_632,
    "googlenet": 3_165_343_744,
    "googlenet-aux": 3_182_088_192,
    "inception-v3": 11_426_432_192,
    "lenet": 4_586_000,
    "resnet-50-v1": 7_715_946_496,
    "vgg-16": 30_940_528_640,
    "vgg-19": 39_264_124_928,
}
# torchvision publishes G multiply-adds to two or three digits; BERT from 2·tokens·weights plus the attention square.
PUBLISHED_FLOPS = {
    "alexnet": 2 * 1.135e9,
    "bert-base": 2.235e10,
    "bert-base-512": 9.664e10,
    "bert-large": 7.892e10,
    "bert-large-512": 3.35e11,
    "resnet-18": 2 * 1.814e9,
    "resnet-34": 2 * 3.664e9,
    "resnet-50": 2 * 4.089e9,
    "resnet-101": 2 * 7.801e9,
    "resnet-152": 2 * 11.514e9,
}


def test_every_named_network_has_a_published_count_here():
    assert network_names() == sorted(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_published(name: str):
    assert load_network(name).parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", EXACT_FLOPS)
def test_forward_flops_are_those_counted_from_the_model_file(name: str):
    assert load_network(name).forward_flops == EXACT_FLOPS[name]


@pytest.mark.parametrize("name", PUBLISHED_FLOPS)
def test_forward_flops_are_within_one_percent_of_those_published(name: str):
    assert load_network(name).forward_flops == pytest.approx(PUBLISHED_FLOPS[name], rel=0.01)


@pytest.mark.parametrize(
    ("network", "layer", "shape"),
    [
        ("lenet", "pool2", (50, 4, 4)),
        ("alexnet", "conv1", (96, 55, 55)),
        ("alexnet", "pool5", (256, 6, 6)),
        ("cifar10-quick", "pool3", (64, 4, 4)),
        ("vgg-16", "pool5", (512, 7, 7)),
        # Szegedy et al. 2014, table 1, column "output size".
        ("googlenet", "pool2", (192, 28, 28)),
        ("googlenet", "inception_3a/output", (256, 28, 28)),
        ("googlenet", "inception_3b/output", (480, 28, 28)),
        ("googlenet", "inception_4a/output", (512, 14, 14)),
        ("googlenet", "inception_4d/output", (528, 14, 14)),
        ("googlenet", "inception_4e/output", (832, 14, 14)),
        ("googlenet", "inception_5b/output", (1024, 7, 7)),
        # Szegedy et al. 2015, table 1.
        ("inception-v3", "stem/pool2", (192, 35, 35)),
        ("inception-v3", "mixed_5d/output", (288, 35, 35)),
        ("inception-v3", "mixed_6e/output", (768, 17, 17)),
        ("inception-v3", "mixed_7c/output", (2048, 8, 8)),
        # He et al. 2015, table 1.
        ("resnet-50", "pool1", (64, 56, 56)),
        ("resnet-50", "stage1/block3/relu", (256, 56, 56)),
        ("resnet-50", "stage2/block4/relu", (512, 28, 28)),
        ("resnet-50", "stage3/block6/relu", (1024, 14, 14)),
        ("resnet-50-v1", "stage4/block3/relu", (2048, 7, 7)),
        ("resnet-34", "stage4/block3/relu", (512, 7, 7)),
        ("bert-base", "layer12/feed_forward/norm", (128, 768)),
        ("bert-large-512", "layer1/feed_forward/expand", (512, 4096)),
    ],
)
def test_shapes_are_those_of_the_papers_tables(network: str, layer: str, shape: tuple[int, ...]):
    assert load_network(network).layer(layer).output_shape == shape


@pytest.mark.parametrize(
    ("name", "depth"), [("resnet-50", 50), ("resnet-101", 101), ("resnet-152", 152), ("vgg-19", 19)]
)
def test_depth_in_the_name_counts_weighted_layers_on_the_main_path(name: str, depth: int):
    weighted = [
        layer
        for layer in load_network(name).layers
        if layer.kind in ("convolution", "fully_connected") and "projection" not in layer.name
    ]
    assert len(weighted) == depth


def test_alexnet_weights_are_the_papers_249_megabytes():
    assert int(load_network("alexnet").parameter_bytes() / 1e6) == 249
    assert int(load_network("alexnet-grouped").parameter_bytes() / 1e6) != 249


def test_inception_without_batch_norm_scales_is_intels_caffe_count():
    network = load_network("inception-v3")
    scales = sum(layer.parameters for layer in network.layers if layer.kind == "batch_norm")
    assert network.parameters - scales == 23_800_136


def test_auxiliary_heads_change_nothing_on_the_main_path():
    plain, training = load_network("googlenet"), load_network("googlenet-aux")
    assert set(plain.layers) < set(training.layers)
    heads = [layer for layer in training.layers if layer.kind == "softmax_loss" and layer.name != "loss"]
    assert len(heads) == 2


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown network 'resnet50'; did you mean 'resnet-50'\?"):
        load_network("resnet50")


def test_loading_twice_gives_equal_networks():
    assert load_network("googlenet") == load_network("googlenet")


def test_package_import_is_lazy():
    import subprocess
    import sys

    code = "import sys, simulator.workload; print([m for m in sys.modules if m.startswith('simulator.workload.')])"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert listed.strip() == "[]"


@pytest.mark.parametrize("name", PARAMETERS)
def test_layers_come_after_what_they_read(name: str):
    network: Network = load_network(name)
    known = {"data": network.input_shape}
    for layer in network.layers:
        assert layer.input_shapes == tuple(known[source] for source in layer.inputs)
        assert layer.name not in known
        known[layer.name] = layer.output_shape


@pytest.mark.parametrize("name", PARAMETERS)
def test_summary_adds_up_to_the_network(name: str):
    network = load_network(name)
    rows = network.summary()
    assert [row.name for row in rows] == [layer.name for layer in network.layers]
    assert sum(row.parameters for row in rows) == network.parameters
    assert sum(row.flops for row in rows) == network.forward_flops
