"""The data sets that need no files: scikit-learn's digits, and Gaussian blobs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.learning import load_data
from simulator.learning.digits import read


def test_digits_are_all_there_split_by_class_and_whatever_the_seed() -> None:
    pytest.importorskip("sklearn")
    data = load_data("digits")
    assert (len(data.train_labels), len(data.test_labels)) == (1442, 355)
    assert data.shape == (1, 8, 8)
    assert data.classes == 10
    everything = np.bincount(np.concatenate([data.train_labels, data.test_labels]))
    assert np.array_equal(np.bincount(data.test_labels), everything // 5)
    assert data.train_inputs.min() == 0.0
    assert data.train_inputs.max() == 1.0
    assert np.array_equal(data.train_inputs, load_data("digits", seed=9).train_inputs)


def test_digits_are_those_that_scikit_learn_itself_gives() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bundle = datasets.load_digits()
    data = load_data("digits")
    ours = np.concatenate([data.train_inputs, data.test_inputs]).reshape(-1, 64) * 16
    labels = np.concatenate([data.train_labels, data.test_labels])
    table = np.column_stack([ours, labels])
    expected = np.column_stack([bundle.data, bundle.target])
    assert sorted(map(tuple, table.tolist())) == sorted(map(tuple, expected.tolist()))


def test_digits_are_found_when_the_bundled_file_has_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn.datasets")
    expected = read()
    monkeypatch.setattr("pathlib.Path.is_file", lambda self: False)
    moved = read()
    assert np.array_equal(moved.train_inputs, expected.train_inputs)
    assert np.array_equal(moved.test_labels, expected.test_labels)


def test_without_scikit_learn_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.learning.digits.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"digits: needs scikit-learn; .* pip install 'clustersim\[learning\]'"):
        load_data("digits")


def test_blobs_have_the_size_and_balance_asked_for() -> None:
    data = load_data("synthetic: classes=3, shape=2x4x5, samples=100, noise=0.1", seed=4)
    assert data.shape == (2, 4, 5)
    assert (len(data.train_labels), len(data.test_labels), data.classes) == (80, 20, 3)
    assert np.ptp(np.bincount(data.train_labels)) <= 1
    assert np.ptp(np.bincount(data.test_labels)) <= 1
    assert load_data("synthetic").shape == (1, 8, 8)


def test_blobs_depend_on_the_seed_alone() -> None:
    first, same, other = (load_data("synthetic:samples=50", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.train_inputs, same.train_inputs)
    assert np.array_equal(first.test_labels, same.test_labels)
    assert not np.array_equal(first.train_inputs, other.train_inputs)


def test_blobs_without_noise_are_unit_vectors_one_a_class() -> None:
    data = load_data("synthetic:classes=4,samples=40,noise=0", seed=0)
    flat = data.train_inputs.reshape(len(data.train_labels), -1)
    np.testing.assert_allclose(np.linalg.norm(flat, axis=1), 1.0, rtol=1e-12)
    assert len(np.unique(flat, axis=0)) == 4
    assert all(len(np.unique(flat[data.train_labels == label], axis=0)) == 1 for label in range(4))


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_two_blobs_overlap_as_the_normal_tail_says(noise: float) -> None:
    # The best possible classifier errs with Q(d / 2σ). Centres are estimated from 8,000 samples each.
    data = load_data(f"synthetic:classes=2,samples=20000,shape=1x4x4,noise={noise}", seed=1)
    train, test = (part.reshape(len(part), -1) for part in (data.train_inputs, data.test_inputs))
    centres = np.array([train[data.train_labels == label].mean(axis=0) for label in (0, 1)])
    nearest = ((test[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    distance = float(np.linalg.norm(centres[0] - centres[1]))
    expected = math.erfc(distance / (2 * noise) / math.sqrt(2)) / 2
    spread = math.sqrt(expected * (1 - expected) / len(test))
    assert (nearest != data.test_labels).mean() == pytest.approx(expected, abs=4 * spread)


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("synthetic:class=3", "unknown key 'class'; did you mean 'classes'"),
        ("synthetic:classes=two", "classes: expected a whole number of at least 1, got 'two'"),
        ("synthetic:classes=1", "expected at least 2 classes, got 1"),
        ("synthetic:samples=0", "samples: expected a whole number"),
        ("synthetic:samples=1", "samples: expected at least 2"),
        ("synthetic:shape=8x8", "shape: expected channels x height x width such as '1x8x8', got '8x8'"),
        ("synthetic:shape=0x8x8", "shape: expected channels x height x width"),
        ("synthetic:noise=-1", "noise: expected a number of at least 0, got '-1'"),
        ("synthetic:noise=nan", "noise: expected a number"),
        ("synthetic:noise=", "noise: expected a number"),
        ("synthetic:noise=1,noise=2", "noise: given twice"),
    ],
)
def test_a_wrong_specification_is_refused(specification: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_data(specification)
