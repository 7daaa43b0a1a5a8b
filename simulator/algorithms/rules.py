"""Update rules: pure functions from arrays to the arrays that replace the first `writes` of them.

Notation of You, Buluç, Demmel (SC'17): learning rate η, elastic coefficient ρ, momentum μ, worker weights W, centre C,
gradient g, velocity V. All arrays have shape ``(elements,)`` and every rule works element by element, so that it can
be applied piece by piece. Executors pass `settings`; algorithms name rule, arrays and further parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Settings",
    "elastic_centre",
    "elastic_momentum_worker",
    "elastic_worker",
    "gradient_step",
    "momentum_step",
    "writes",
]

Weights = NDArray[np.floating[Any]]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyper-parameters at one step.

    Attributes
    ----------
    learning_rate : float
        η.
    elasticity : float
        ρ; the moving rate of elastic averaging is η ρ.
    momentum : float
        μ.
    """

    learning_rate: float
    elasticity: float = 0.0
    momentum: float = 0.0


def writes(count: int) -> Callable[[Function], Function]:
    """Declare that a rule replaces its first `count` arrays; a rule without this replaces one."""

    def mark(rule: Function) -> Function:
        rule.writes = count  # type: ignore[attr-defined]
        return rule

    return mark


def gradient_step(weights: Weights, gradient_sum: Weights, *, settings: Settings, contributions: int = 1) -> Weights:
    """W ← W − η ḡ with the mean ḡ of the contributions."""
    return weights - settings.learning_rate / contributions * gradient_sum


@writes(2)
def momentum_step(
    weights: Weights, velocity: Weights, gradient_sum: Weights, *, settings: Settings, contributions: int = 1
) -> tuple[Weights, Weights]:
    """V ← μ V − η ḡ, W ← W + V."""
    moved = settings.momentum * velocity - settings.learning_rate / contributions * gradient_sum
    return weights + moved, moved


def elastic_worker(replica: Weights, gradient: Weights, centre: Weights, *, settings: Settings) -> Weights:
    """W ← W − η (g + ρ (W − C))."""
    return replica - settings.learning_rate * (gradient + settings.elasticity * (replica - centre))


@writes(2)
def elastic_momentum_worker(
    replica: Weights, velocity: Weights, gradient: Weights, centre: Weights, *, settings: Settings
) -> tuple[Weights, Weights]:
    """V ← μ V − η g, W ← W + V − η ρ (W − C)."""
    moved = settings.momentum * velocity - settings.learning_rate * gradient
    pull = settings.learning_rate * settings.elasticity * (replica - centre)
    return replica + moved - pull, moved


def elastic_centre(centre: Weights, replica_sum: Weights, *, settings: Settings, contributions: int = 1) -> Weights:
    """C ← C + η ρ Σ (W − C), the sum over the contributing workers."""
    return centre + settings.learning_rate * settings.elasticity * (replica_sum - contributions * centre)
