"""Update rules: pure functions from arrays to the arrays that replace the first `writes` of them.

Notation of You, Buluç, Demmel (SC'17): learning rate η, elastic coefficient ρ, worker weights W, centre C, gradient g.
All arrays have shape ``(elements,)``. Executors pass the settings; algorithms name only rule and arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Settings", "elastic_centre", "elastic_worker", "gradient_step"]

Weights = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyper-parameters of the rules.

    `contributions` is how many arrays the sum that a rule gets was made of.
    """

    learning_rate: float
    elasticity: float = 0.0
    contributions: int = 1


def gradient_step(weights: Weights, gradient_sum: Weights, settings: Settings) -> Weights:
    """W ← W − η ḡ with the mean ḡ of the contributions."""
    return weights - settings.learning_rate / settings.contributions * gradient_sum


def elastic_worker(replica: Weights, gradient: Weights, centre: Weights, settings: Settings) -> Weights:
    """W ← W − η (g + ρ (W − C))."""
    return replica - settings.learning_rate * (gradient + settings.elasticity * (replica - centre))


def elastic_centre(centre: Weights, replica_sum: Weights, settings: Settings) -> Weights:
    """C ← C + η ρ Σ (W − C), the sum over the contributing workers."""
    pull = replica_sum - settings.contributions * centre
    return centre + settings.learning_rate * settings.elasticity * pull
