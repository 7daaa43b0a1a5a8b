"""A data set in one ``.npz`` file of NumPy arrays.

Keys ``train_inputs``, ``train_labels``, ``test_inputs``, ``test_labels`` (or ``x_train``, ``y_train``, ``x_test``,
``y_test``). Inputs have the shape ``(samples, channels, height, width)``, ``(samples, height, width)`` or
``(samples, features)``; 8-bit ones are scaled to [0, 1], others are taken as they are. Labels are whole numbers from 0.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.learning.data import Floats, Integers, LearningData

__all__ = ["read"]

_KEYS = ("train_inputs", "train_labels", "test_inputs", "test_labels")
_OTHER_KEYS = ("x_train", "y_train", "x_test", "y_test")


def read(path: Path) -> LearningData:
    """The data set of the file; there are as many classes as the largest label says.

    Raises
    ------
    InputError
        If the file is damaged, a key is missing, or an array has the wrong shape or type.
    """
    train_inputs, train_labels, test_inputs, test_labels = _arrays(path)
    labels = [_labels(train_labels, f"{path}: {_KEYS[1]}"), _labels(test_labels, f"{path}: {_KEYS[3]}")]
    return LearningData(
        name=str(path),
        train_inputs=_inputs(train_inputs, f"{path}: {_KEYS[0]}"),
        train_labels=labels[0],
        test_inputs=_inputs(test_inputs, f"{path}: {_KEYS[2]}"),
        test_labels=labels[1],
        classes=max((int(part.max()) + 1 for part in labels if part.size), default=0),
        source=f"{path}" + (", 8-bit values scaled to [0, 1]" if train_inputs.dtype == np.uint8 else ""),
    )


def _arrays(path: Path) -> list[NDArray[Any]]:
    try:
        with path.open("rb") as file:  # numpy does not close what it opened itself and could not read
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise InputError(f"{path}: expected an archive with the keys {', '.join(_KEYS)}, got a single array")
            with loaded:
                return [loaded[key] for key in _keys(path, loaded.files)]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: damaged or not an .npz archive of plain arrays ({reason})") from None


def _keys(path: Path, found: list[str]) -> tuple[str, ...]:
    for keys in (_KEYS, _OTHER_KEYS):
        if keys[0] in found:
            missing = [key for key in keys if key not in found]
            if missing:
                raise InputError(f"{path}: {missing[0]}: missing; it is required")
            return keys
    expected = f"the keys {', '.join(_KEYS)} (or {', '.join(_OTHER_KEYS)})"
    raise InputError(f"{path}: expected {expected}, got {', '.join(found) or 'none'}")


def _inputs(array: NDArray[Any], where: str) -> Floats:
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where}: expected real numbers, got {array.dtype}")
    scale = 255.0 if array.dtype == np.uint8 else 1.0
    numbers = np.asarray(array, dtype=np.float64) / scale
    if numbers.ndim == 2:
        return numbers[:, None, None, :]
    if numbers.ndim == 3:
        return numbers[:, None]
    if numbers.ndim != 4:
        raise InputError(
            f"{where}: expected (samples, channels, height, width), (samples, height, width) or (samples, features), "
            f"got shape {array.shape}"
        )
    return numbers


def _labels(array: NDArray[Any], where: str) -> Integers:
    if array.dtype.kind not in "iu":
        raise InputError(f"{where}: expected whole numbers, got {array.dtype}")
    # Labels are often kept as a column.
    return array.reshape(-1).astype(np.int64) if array.ndim == 2 and array.shape[1] == 1 else array.astype(np.int64)
