"""Gaussian blobs: one centre a class, a random direction of unit length, and normal noise around it.

With noise σ per element a sample is nearer to one given wrong centre with probability Q(d / 2σ), d the distance of the
two; d is about √2 in many dimensions, which gives Q(0.71 / σ). For tests and what-if studies, not for real claims.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

import numpy as np

from simulator.errors import InputError, UnknownNameError
from simulator.learning.data import Floats, Integers, LearningData
from simulator.randomness import stream

__all__ = ["NAME", "generate"]

NAME = "synthetic"
_TEST_EVERY = 5


@dataclass(frozen=True)
class _Recipe:
    classes: int = 10
    shape: tuple[int, int, int] = (1, 8, 8)  #: channels, height, width
    samples: int = 2000  #: in all; one in five is for test
    noise: float = 0.2  #: standard deviation of each element around its centre


def generate(specification: str, seed: int) -> LearningData:
    """Blobs as ``synthetic:classes=10,shape=1x8x8,samples=2000,noise=0.2`` asks; what is left out keeps that value.

    Classes are equally frequent, in both parts, to within one sample.

    Raises
    ------
    InputError
        If the specification has an unknown key or a value out of range.
    """
    recipe = _parse(specification)
    generator = stream(seed, "synthetic data")
    centres = generator.standard_normal((recipe.classes, math.prod(recipe.shape)))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    test = max(recipe.samples // _TEST_EVERY, 1)

    def draw(samples: int) -> tuple[Floats, Integers]:
        labels = generator.permutation(np.arange(samples, dtype=np.int64) % recipe.classes)
        inputs = centres[labels] + recipe.noise * generator.standard_normal((samples, centres.shape[1]))
        return inputs.reshape(samples, *recipe.shape), labels

    train_inputs, train_labels = draw(recipe.samples - test)
    test_inputs, test_labels = draw(test)
    return LearningData(
        name=specification,
        train_inputs=train_inputs,
        train_labels=train_labels,
        test_inputs=test_inputs,
        test_labels=test_labels,
        classes=recipe.classes,
        source=f"synthetic: {recipe.classes} Gaussian blobs around unit vectors, noise {recipe.noise:g}, seed {seed}",
    )


def _parse(specification: str) -> _Recipe:
    keys = [field.name for field in fields(_Recipe)]
    values: dict[str, int | float | tuple[int, ...]] = {}
    for entry in filter(None, specification.partition(":")[2].split(",")):
        key, _, text = (part.strip() for part in entry.partition("="))
        if key not in keys:
            raise UnknownNameError("key", key, keys, specification)
        if key in values:
            raise InputError(f"{specification}: {key}: given twice")
        values[key] = _value(key, text, specification)
    recipe = _Recipe(**values)  # type: ignore[arg-type]
    if recipe.samples < 2:
        raise InputError(f"{specification}: samples: expected at least 2, got {recipe.samples}")
    return recipe


def _value(key: str, text: str, where: str) -> int | float | tuple[int, ...]:
    if key == "shape":
        if re.fullmatch(r"[1-9]\d*x[1-9]\d*x[1-9]\d*", text) is None:
            raise InputError(f"{where}: shape: expected channels x height x width such as '1x8x8', got {text!r}")
        return tuple(int(part) for part in text.split("x"))
    if key == "noise":
        try:
            noise = float(text)
        except ValueError:
            noise = math.nan
        if not (0.0 <= noise < math.inf):
            raise InputError(f"{where}: noise: expected a number of at least 0, got {text!r}")
        return noise
    if re.fullmatch(r"[1-9]\d*", text) is None:
        raise InputError(f"{where}: {key}: expected a whole number of at least 1, got {text!r}")
    return int(text)
