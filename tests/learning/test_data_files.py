"""IDX, CIFAR-10 and npz files: what is written is read, and what is damaged is refused by name."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.learning import LearningData, load_data
from simulator.learning.cifar import TEST_FILE, TRAIN_FILES
from simulator.learning.idx import FILES

Arrays = dict[str, np.ndarray]


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def random_images(samples: int, shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(samples) % 10).astype(np.uint8)
    return generator.integers(0, 256, (samples, *shape), dtype=np.uint8), labels


@pytest.fixture
def mnist(tmp_path: Path) -> tuple[Path, Arrays]:
    (train, train_labels), (test, test_labels) = random_images(30, (7, 6), 0), random_images(20, (7, 6), 1)
    arrays = dict(zip(FILES, (train, train_labels, test, test_labels), strict=True))
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(idx_bytes(array))
    return tmp_path, arrays


@pytest.fixture
def cifar(tmp_path: Path) -> tuple[Path, Arrays]:
    arrays = {}
    for seed, name in enumerate((*TRAIN_FILES, TEST_FILE)):
        images, labels = random_images(10 + seed, (3, 32, 32), seed)
        arrays[name] = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
        (tmp_path / name).write_bytes(arrays[name].tobytes())
    return tmp_path, arrays


def assert_is_mnist(data: LearningData, arrays: Arrays) -> None:
    train, train_labels, test, test_labels = (arrays[name] for name in FILES)
    assert data.shape == (1, 7, 6)
    assert data.classes == 10
    assert np.array_equal(data.train_inputs[:, 0], train / 255)
    assert np.array_equal(data.test_inputs[:, 0], test / 255)
    assert np.array_equal(data.train_labels, train_labels)
    assert np.array_equal(data.test_labels, test_labels)
    assert {data.train_inputs.dtype, data.train_labels.dtype} == {np.dtype(np.float64), np.dtype(np.int64)}


def test_idx_files_are_read_as_written(mnist: tuple[Path, Arrays]) -> None:
    folder, arrays = mnist
    assert_is_mnist(load_data(folder), arrays)
    assert_is_mnist(load_data(str(folder), seed=7), arrays)


def test_idx_files_may_be_gzipped_and_named_with_a_dot(mnist: tuple[Path, Arrays]) -> None:
    folder, arrays = mnist
    for name in FILES:
        (folder / (name.replace("-idx", ".idx") + ".gz")).write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    assert_is_mnist(load_data(folder), arrays)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_idx_file_is_named(mnist: tuple[Path, Arrays], name: str) -> None:
    folder, _ = mnist
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: no such file; expected this MNIST IDX file"):
        load_data(folder)


Damage = Callable[[bytes], bytes]
IDX_DAMAGES: dict[str, tuple[Damage, str]] = {
    "empty": (lambda content: b"", "magic 00000803.*got nothing"),
    "magic of labels": (lambda content: b"\0\0\x08\1" + content[4:], "magic 00000803.*got 00000801"),
    "magic of floats": (lambda content: b"\0\0\x0d\3" + content[4:], "magic 00000803.*got 00000d03"),
    "only the magic": (lambda content: content[:4], "truncated; expected an IDX header of 16 bytes, got 4"),
    "data cut": (lambda content: content[:-1], "truncated; expected 30 × 7 × 6 = 1260 bytes of data, got 1259"),
    "data added": (lambda content: content + b"\0", "too long; expected 30 × 7 × 6 = 1260 bytes of data, got 1261"),
    "huge size": (lambda content: content[:4] + b"\xff" * 12 + content[16:], "truncated"),
    "no samples": (lambda content: b"\0\0\x08\3" + struct.pack(">3I", 0, 7, 6), "train_inputs: expected"),
    "one sample less": (lambda content: b"\0\0\x08\3" + struct.pack(">3I", 29, 7, 6) + content[58:], "29 labels"),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("damage", IDX_DAMAGES)
def test_a_damaged_idx_file_is_refused(mnist: tuple[Path, Arrays], damage: str, compressed: bool) -> None:
    folder, _ = mnist
    change, message = IDX_DAMAGES[damage]
    path = folder / FILES[0]
    content = change(path.read_bytes())
    if compressed:
        path.unlink()
        path = folder / (FILES[0] + ".gz")
        content = gzip.compress(content)
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_data(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


CUT_OFF = gzip.compress(bytes(5000), mtime=0)[:-9]


@pytest.mark.parametrize("content", [b"", b"not gzip", CUT_OFF], ids=["empty", "not gzip", "cut off"])
def test_damaged_gzip_data_is_refused(mnist: tuple[Path, Arrays], content: bytes) -> None:
    folder, _ = mnist
    (folder / FILES[1]).unlink()
    (folder / (FILES[1] + ".gz")).write_bytes(content)
    with pytest.raises(InputError, match=f"{FILES[1]}.gz: (damaged; expected gzip|expected an IDX file)"):
        load_data(folder)


def test_flipped_bits_in_gzip_data_are_noticed(mnist: tuple[Path, Arrays]) -> None:
    folder, _ = mnist
    packed = bytearray(gzip.compress((folder / FILES[0]).read_bytes()))
    (folder / FILES[0]).unlink()
    packed[len(packed) // 2] ^= 0xFF
    (folder / (FILES[0] + ".gz")).write_bytes(packed)
    with pytest.raises(InputError, match="damaged; expected gzip data"):
        load_data(folder)


def test_test_images_of_another_size_are_refused(mnist: tuple[Path, Arrays]) -> None:
    folder, _ = mnist
    (folder / FILES[2]).write_bytes(idx_bytes(np.zeros((20, 6, 7), dtype=np.uint8)))
    with pytest.raises(InputError, match=r"test_inputs: expected samples of shape \(1, 7, 6\), got \(1, 6, 7\)"):
        load_data(folder)


def test_cifar_batches_are_read_as_written(cifar: tuple[Path, Arrays]) -> None:
    folder, arrays = cifar
    data = load_data(folder)
    train = np.concatenate([arrays[name] for name in TRAIN_FILES])
    assert data.shape == (3, 32, 32)
    assert data.classes == 10
    assert np.array_equal(data.train_labels, train[:, 0])
    assert np.array_equal(data.test_labels, arrays[TEST_FILE][:, 0])
    # Red plane first, row by row: byte 1 + 1024·channel + 32·row + column of the record.
    assert data.train_inputs[3, 2, 5, 7] == train[3, 1 + 1024 * 2 + 32 * 5 + 7] / 255
    assert np.array_equal(data.test_inputs.reshape(-1, 3072), arrays[TEST_FILE][:, 1:] / 255)


@pytest.mark.parametrize("name", [TRAIN_FILES[0], TRAIN_FILES[4], TEST_FILE])
def test_a_missing_or_damaged_cifar_batch_is_named(cifar: tuple[Path, Arrays], name: str) -> None:
    folder, arrays = cifar
    content = arrays[name].tobytes()
    for damaged in (content[:-1], content + b"\0", b""):
        (folder / name).write_bytes(damaged)
        with pytest.raises(InputError, match=f"{name}: truncated or not CIFAR-10; expected a multiple of 3073"):
            load_data(folder)
    (folder / name).write_bytes(content[:3073] + b"\x0a" + content[3074:])
    with pytest.raises(InputError, match=f"{name}: record 1: expected a label in 0 .. 9, got 10"):
        load_data(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: no such file"):
        load_data(folder)


KEYS = ("train_inputs", "train_labels", "test_inputs", "test_labels")
KERAS_KEYS = ("x_train", "y_train", "x_test", "y_test")


def archive(path: Path, keys: tuple[str, ...] = KEYS, **changed: np.ndarray | None) -> Path:
    """A small valid archive, with some arrays changed, or left out where None."""
    generator = np.random.default_rng(0)
    arrays = {
        keys[0]: generator.standard_normal((12, 2, 5, 4)),
        keys[1]: np.arange(12) % 4,
        keys[2]: generator.standard_normal((8, 2, 5, 4)),
        keys[3]: np.arange(8) % 4,
    }
    arrays.update(changed)
    with path.open("wb") as file:
        np.savez(file, **{key: array for key, array in arrays.items() if array is not None})
    return path


@pytest.mark.parametrize("keys", [KEYS, KERAS_KEYS])
def test_npz_is_read_as_written(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = archive(tmp_path / "mine.npz", keys)
    data = load_data(path)
    with np.load(path) as written:
        assert np.array_equal(data.train_inputs, written[keys[0]])
        assert np.array_equal(data.train_labels, written[keys[1]])
        assert np.array_equal(data.test_inputs, written[keys[2]])
        assert np.array_equal(data.test_labels, written[keys[3]])
    assert data.classes == 4


@pytest.mark.parametrize(
    ("given", "read"), [((12, 5, 4), (1, 5, 4)), ((12, 20), (1, 1, 20)), ((12, 3, 2, 2), (3, 2, 2))]
)
def test_npz_inputs_may_be_images_or_feature_vectors(
    tmp_path: Path, given: tuple[int, ...], read: tuple[int, ...]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, given, dtype=np.uint8)
    path = archive(tmp_path / "mine.npz", train_inputs=pixels, test_inputs=pixels[:8])
    data = load_data(path)
    assert data.shape == read
    assert np.array_equal(data.train_inputs.ravel(), pixels.ravel() / 255)  # 8-bit values are scaled
    assert "scaled to [0, 1]" in data.source


def test_npz_labels_may_be_a_column(tmp_path: Path) -> None:
    labels = np.arange(12, dtype=np.uint8) % 4
    data = load_data(archive(tmp_path / "mine.npz", train_labels=labels[:, None]))
    assert np.array_equal(data.train_labels, labels)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test_labels": None}, "test_labels: missing; it is required"),
        ({"train_inputs": None}, "expected the keys train_inputs"),
        ({"train_labels": np.arange(11) % 4}, "train_labels: expected 12 labels"),
        ({"train_labels": np.arange(12) % 4 - 1}, r"train_labels: expected labels in 0 .. 3, got -1"),
        ({"train_labels": (np.arange(12) % 4) * 1.0}, "train_labels: expected whole numbers, got float64"),
        ({"train_labels": np.zeros(12, int), "test_labels": np.zeros(8, int)}, "expected at least 2 classes"),
        ({"test_inputs": np.zeros((8, 2, 4, 5))}, r"test_inputs: expected samples of shape \(2, 5, 4\)"),
        ({"test_inputs": np.zeros((8, 1, 2, 5, 4))}, r"test_inputs: expected \(samples, channels"),
        ({"train_inputs": np.zeros((12, 2, 0, 4))}, "train_inputs: expected"),
        ({"train_inputs": np.full((12, 2, 5, 4), "a")}, "train_inputs: expected real numbers"),
        ({"train_inputs": np.full((12, 2, 5, 4), np.nan)}, "train_inputs: expected finite numbers"),
        ({"train_inputs": np.full((12, 2, 5, 4), None, dtype=object)}, "damaged or not an .npz archive"),
        ({"train_labels": np.zeros(0, int)}, "train_labels: expected 12 labels"),
    ],
)
def test_a_wrong_npz_is_refused(tmp_path: Path, changed: dict[str, np.ndarray | None], message: str) -> None:
    path = archive(tmp_path / "mine.npz", **changed)
    with pytest.raises(InputError, match=message) as caught:
        load_data(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_npz_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "mine.npz")
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[400] ^= 0xFF
    for damaged in (b"", b"text", content[: len(content) // 2], content[:-30], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"mine.npz: damaged or not an .npz archive"):
            load_data(path)


def test_a_single_array_is_no_data_set(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="got a single array"):
        load_data(path)


def test_paths_that_hold_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data set in this folder; expected MNIST IDX files"):
        load_data(tmp_path)
    with pytest.raises(InputError, match="no such data set, folder or file; expected 'digits'"):
        load_data(tmp_path / "nowhere")
    with pytest.raises(InputError, match="did you mean 'digits'"):
        load_data("digit")
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(InputError, match=r"expected a folder or an .npz file, got a file ending in '.csv'"):
        load_data(tmp_path / "data.csv")


def test_data_cannot_be_written_to(mnist: tuple[Path, Arrays]) -> None:
    data = load_data(mnist[0])
    with pytest.raises(ValueError, match="read-only"):
        data.train_inputs[0] = 0.0
