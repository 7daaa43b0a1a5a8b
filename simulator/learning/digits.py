"""scikit-learn's bundled digits: 1,797 handwritten digits of 8 × 8 pixels with 17 grey levels.

They are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998, UCI repository).
The split is fixed: within each class every fifth sample, in the order of the file, is a test sample.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from simulator.errors import InputError
from simulator.learning.data import Floats, Integers, LearningData

__all__ = ["NAME", "read"]

NAME = "digits"
_TEST_EVERY = 5
_LARGEST_PIXEL = 16.0


def read() -> LearningData:
    """The digits, pixels scaled to [0, 1].

    Raises
    ------
    InputError
        If scikit-learn is not installed.
    """
    pixels, labels = _bundled()
    inputs = pixels.reshape(-1, 1, 8, 8) / _LARGEST_PIXEL
    test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        test[np.flatnonzero(labels == digit)[_TEST_EVERY - 1 :: _TEST_EVERY]] = True
    return LearningData(
        name=NAME,
        train_inputs=inputs[~test],
        train_labels=labels[~test],
        test_inputs=inputs[test],
        test_labels=labels[test],
        classes=10,
        source="scikit-learn's bundled digits, pixels scaled to [0, 1]; every fifth sample of each class is for test",
    )


def _bundled() -> tuple[Floats, Integers]:
    """Pixels, shape ``(samples, 64)``, and labels."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise InputError(f"{NAME}: needs scikit-learn; install it with pip install 'clustersim[learning]'")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if file.is_file():  # importing scikit-learn only to read this file takes ten times as long as reading it
        table = np.loadtxt(file, delimiter=",")
        return table[:, :-1], table[:, -1].astype(np.int64)
    bundle = import_module("sklearn.datasets").load_digits()
    return np.asarray(bundle.data, dtype=np.float64), np.asarray(bundle.target, dtype=np.int64)
