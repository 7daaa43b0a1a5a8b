"""Labelled samples, split into those that train and those that test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError

__all__ = ["Floats", "Integers", "LearningData", "checked"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LearningData:
    """A data set in memory; its arrays cannot be written to.

    Attributes
    ----------
    name : str
        The name or path it was loaded by.
    train_inputs, test_inputs : numpy.ndarray
        Shape ``(samples, channels, height, width)``, float64, scaled as `source` says.
    train_labels, test_labels : numpy.ndarray
        Shape ``(samples,)``, int64, in ``0 .. classes - 1``.
    classes : int
        Number of classes.
    source : str
        Where the samples come from and how they were scaled and split, for reports.
    """

    name: str
    train_inputs: Floats
    train_labels: Integers
    test_inputs: Floats
    test_labels: Integers
    classes: int
    source: str

    def __post_init__(self) -> None:
        for array in (self.train_inputs, self.train_labels, self.test_inputs, self.test_labels):
            array.setflags(write=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a sample."""
        _, channels, height, width = self.train_inputs.shape
        return channels, height, width


def checked(data: LearningData) -> LearningData:
    """`data`, if its parts fit together.

    Raises
    ------
    InputError
        If a part is empty, has no size, is not finite, disagrees in shape, or has a label out of range.
    """
    for part, inputs, labels in (
        ("train", data.train_inputs, data.train_labels),
        ("test", data.test_inputs, data.test_labels),
    ):
        where = f"{data.name}: {part}"
        if inputs.ndim != 4 or 0 in inputs.shape:
            raise InputError(f"{where}_inputs: expected (samples, channels, height, width), got shape {inputs.shape}")
        if labels.shape != inputs.shape[:1]:
            raise InputError(f"{where}_labels: expected {len(inputs)} labels, one a sample, got shape {labels.shape}")
        if inputs.shape[1:] != data.shape:
            raise InputError(f"{where}_inputs: expected samples of shape {data.shape}, got {inputs.shape[1:]}")
        if labels.min() < 0 or labels.max() >= data.classes:
            wrong = int(labels[(labels < 0) | (labels >= data.classes)][0])
            raise InputError(f"{where}_labels: expected labels in 0 .. {data.classes - 1}, got {wrong}")
        if not np.isfinite(inputs).all():
            raise InputError(f"{where}_inputs: expected finite numbers, got NaN or infinity")
    if data.classes < 2:
        raise InputError(f"{data.name}: expected at least 2 classes, got {data.classes}")
    return data
