"""What every learner offers, whether written here by hand or in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.learning.data import Floats, Integers

__all__ = ["Evaluation", "Learner"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good weights are on some samples: mean cross-entropy [nat] and fraction classified correctly."""

    loss: float
    accuracy: float


class Learner(Protocol):
    """A network whose weights are one flat float64 array.

    All methods are pure functions of their arguments and repeat bit for bit (on one machine, with one BLAS library and
    one number of its threads). A weight that is NaN gives a loss that is NaN, and infinities go where arithmetic takes
    them, without a warning: finding out that training diverged is the caller's business.
    Inputs have the shape ``(samples, channels, height, width)``, labels ``(samples,)``.
    """

    @property
    def name(self) -> str:
        """What it is, for reports."""
        ...

    @property
    def layout(self) -> tuple[int, ...]:
        """Weights of each layer, in order; the layers lie one behind the other."""
        ...

    @property
    def elements(self) -> int:
        """Weights of all layers."""
        ...

    def initial(self, generator: np.random.Generator) -> Floats:
        """Random weights to start from, shape ``(elements,)``."""
        ...

    def gradient(self, weights: Floats, inputs: Floats, labels: Integers) -> tuple[float, Floats]:
        """Mean softmax cross-entropy over the samples, and its gradient, shape ``(elements,)``."""
        ...

    def evaluate(self, weights: Floats, inputs: Floats, labels: Integers) -> Evaluation:
        """Mean loss and accuracy over the samples. A sample whose loss is NaN counts as misclassified."""
        ...
