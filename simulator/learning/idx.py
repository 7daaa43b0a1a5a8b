"""MNIST and its kin as IDX files: big-endian magic, one size a dimension, then bytes (format by Y. LeCun).

The magic is two zero bytes, the type (0x08: unsigned byte) and the number of dimensions. Files may be gzipped, and
may be named with ``-idx3-ubyte`` or ``.idx3-ubyte``.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.learning.data import LearningData

__all__ = ["FILES", "read", "recognises"]

#: Images and labels for training, images and labels for test.
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def recognises(folder: Path) -> bool:
    """Whether the folder holds at least one of `FILES`."""
    return any(_find(folder, name) is not None for name in FILES)


def read(folder: Path) -> LearningData:
    """The data set of the four files; pixels scaled from 0 .. 255 to [0, 1].

    Raises
    ------
    InputError
        If one of the files is missing or damaged.
    """
    paths = []
    for name in FILES:
        path = _find(folder, name)
        if path is None:
            raise InputError(f"{folder / name}: no such file; expected this MNIST IDX file, plain or .gz")
        paths.append(path)
    train_images, train_labels = _array(paths[0], 3), _array(paths[1], 1)
    test_images, test_labels = _array(paths[2], 3), _array(paths[3], 1)
    return LearningData(
        name=str(folder),
        train_inputs=train_images[:, None] / 255.0,
        train_labels=train_labels.astype(np.int64),
        test_inputs=test_images[:, None] / 255.0,
        test_labels=test_labels.astype(np.int64),
        classes=max((int(labels.max()) + 1 for labels in (train_labels, test_labels) if labels.size), default=0),
        source=f"IDX files in {folder}, pixels scaled to [0, 1]",
    )


def _find(folder: Path, name: str) -> Path | None:
    for spelling in (name, name.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            path = folder / (spelling + suffix)
            if path.is_file():
                return path
    return None


def _array(path: Path, dimensions: int) -> NDArray[np.uint8]:
    content = _content(path)
    header = 4 + 4 * dimensions
    magic = bytes((0, 0, 8, dimensions))
    if content[:4] != magic:
        found = content[:4].hex() or "nothing"
        raise InputError(
            f"{path}: expected an IDX file of {dimensions}-dimensional bytes (magic {magic.hex()}), got {found}"
        )
    if len(content) < header:
        raise InputError(f"{path}: truncated; expected an IDX header of {header} bytes, got {len(content)}")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = math.prod(shape)
    if len(content) - header != expected:
        problem = "truncated" if len(content) - header < expected else "too long"
        size = " × ".join(str(extent) for extent in shape)
        raise InputError(f"{path}: {problem}; expected {size} = {expected} bytes of data, got {len(content) - header}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if path.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise InputError(f"{path}: damaged; expected gzip data ({error})") from None
