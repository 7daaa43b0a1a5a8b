"""CIFAR-10's binary batches: records of one label byte and 3 × 32 × 32 bytes, plane by plane (Krizhevsky 2009).

The format has no header, so a file cut exactly between two records cannot be told from a smaller one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.learning.data import Floats, Integers, LearningData

__all__ = ["TEST_FILE", "TRAIN_FILES", "read", "recognises"]

TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_CLASSES = 10


def recognises(folder: Path) -> bool:
    """Whether the folder holds at least one of the six files."""
    return any((folder / name).is_file() for name in (*TRAIN_FILES, TEST_FILE))


def read(folder: Path) -> LearningData:
    """The data set of the six files; pixels scaled from 0 .. 255 to [0, 1]. The full set takes 1.5 GB as float64.

    Raises
    ------
    InputError
        If one of the files is missing, not made of whole records, or has a label above 9.
    """
    train_inputs, train_labels = _arrays([_records(folder / name) for name in TRAIN_FILES])
    test_inputs, test_labels = _arrays([_records(folder / TEST_FILE)])
    return LearningData(
        name=str(folder),
        train_inputs=train_inputs,
        train_labels=train_labels,
        test_inputs=test_inputs,
        test_labels=test_labels,
        classes=_CLASSES,
        source=f"CIFAR-10 binary batches in {folder}, pixels scaled to [0, 1]",
    )


def _records(path: Path) -> NDArray[np.uint8]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected this CIFAR-10 binary batch") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not content or len(content) % _RECORD:
        raise InputError(
            f"{path}: truncated or not CIFAR-10; expected a multiple of {_RECORD} bytes, got {len(content)}"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    if records[:, 0].max() >= _CLASSES:
        wrong = int(np.flatnonzero(records[:, 0] >= _CLASSES)[0])
        raise InputError(f"{path}: record {wrong}: expected a label in 0 .. 9, got {records[wrong, 0]}")
    return records


def _arrays(batches: list[NDArray[np.uint8]]) -> tuple[Floats, Integers]:
    samples = sum(len(batch) for batch in batches)
    inputs = np.empty((samples, *_SHAPE))
    labels = np.empty(samples, dtype=np.int64)
    start = 0
    for batch in batches:
        stop = start + len(batch)
        labels[start:stop] = batch[:, 0]
        # Straight into place: the whole set as float64 is large enough without a second copy.
        np.divide(batch[:, 1:], 255.0, out=inputs[start:stop].reshape(len(batch), -1))
        start = stop
    return inputs, labels
