"""Data sets: the paper's sizes, and one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError, UnknownNameError
from simulator.workload import dataset_names, load_dataset


def test_names():
    assert dataset_names() == ["cifar10", "imagenet", "mnist"]


@pytest.mark.parametrize(
    ("name", "samples", "test_samples", "shape"),
    [
        ("mnist", 60_000, 10_000, (1, 28, 28)),
        ("cifar10", 50_000, 10_000, (3, 32, 32)),
        ("imagenet", 1_280_000, 150_000, (3, 256, 256)),  # the paper rounds to 1.28 M and 0.15 M
    ],
)
def test_sizes_are_those_of_the_paper(name: str, samples: int, test_samples: int, shape: tuple[int, ...]):
    dataset = load_dataset(name)
    assert dataset.samples == pytest.approx(samples, rel=0.002)
    assert dataset.test_samples == test_samples
    assert dataset.sample_shape == shape
    assert dataset.source


def test_a_batch_of_64_cifar_images_is_the_papers_768_kilobytes():
    assert load_dataset("cifar10").batch_bytes(64) == 768 * 1024


def test_one_cifar_copy_is_the_papers_687_megabytes_in_its_units():
    # Training and test images in single precision; the paper's MB is a thousandth of a GiB.
    stored = load_dataset("cifar10").stored_bytes
    assert stored == 60_000 * 3 * 32 * 32 * 4
    assert round(stored / 2**30 * 1000) == 687


def test_synthetic_data_by_parameters():
    dataset = load_dataset("synthetic:shape=3x224x224,samples=1.5e6,classes=10")
    assert (dataset.samples, dataset.test_samples, dataset.classes) == (1_500_000, 0, 10)
    assert dataset.sample_bytes == 3 * 224 * 224 * 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("synthetic:shape=3x224x224", "samples: missing"),
        ("synthetic:shape=3x224x224,samples=many", "samples: expected a whole number of at least 1, got 'many'"),
        ("synthetic:shape=3x0,samples=5", "shape: expected a whole number of at least 1, got '0'"),
        ("synthetic:shape=3,samples=1.5", "samples: expected a whole number"),
        ("synthetic:shape=3,samples=inf", "samples: expected a whole number"),
        ("synthetic:shape=3,samples=5,samples=6", "samples: given twice"),
        ("synthetic:shape=3,sample=5", r"unknown key 'sample'; did you mean 'samples'\?"),
        ("synthetic:", "expected key=value pairs"),
    ],
)
def test_wrong_synthetic_parameters_are_named(name: str, message: str):
    with pytest.raises(InputError, match=message):
        load_dataset(name)


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'cifar-10'; did you mean 'cifar10'\?"):
        load_dataset("cifar-10")


def test_a_file_of_ones_own(tmp_path: Path):
    path = tmp_path / "tiles.toml"
    text = (
        'schema = "clustersim/dataset/1"\nname = "tiles"\nsample_shape = [4, 8, 8]\nsamples = 100\nelement_size = 1\n'
    )
    path.write_text(text)
    dataset = load_dataset(str(path))
    assert (dataset.sample_bytes, dataset.stored_bytes, dataset.source) == (256, 25_600, str(path))
    path.write_text(text.replace("samples =", "sampels ="))
    with pytest.raises(InputError, match=r"tiles\.toml: sampels: unknown key; did you mean 'samples'\?"):
        load_dataset(str(path))
