"""Update rules of methods that train replicas on their own and bring them together from time to time.

Notation as in `simulator.algorithms.rules`; P replicas W with the mean W̄.
"""

from __future__ import annotations

from simulator.algorithms.rules import Settings, Weights, writes

__all__ = ["adamw_step", "average", "gossip_step", "meet", "outer_step"]


def average(replica: Weights, replica_sum: Weights, *, settings: Settings, contributions: int) -> Weights:
    """W ← W̄."""
    return replica_sum / contributions


def meet(replica: Weights, other: Weights, *, settings: Settings) -> Weights:
    """W ← (W + W′) / 2."""
    return (replica + other) / 2


def gossip_step(replica: Weights, gradient: Weights, met: Weights, *, settings: Settings) -> Weights:
    """W ← (W + W′) / 2 − η g, where the half-sum has been formed by the other of the two."""
    return met - settings.learning_rate * gradient


@writes(3)
def adamw_step(
    replica: Weights,
    mean: Weights,
    square: Weights,
    gradient: Weights,
    *,
    settings: Settings,
    count: int,
    weight_decay: float = 0.0,
    decay_rates: tuple[float, float] = (0.9, 0.999),
    least: float = 1e-8,
) -> tuple[Weights, Weights, Weights]:
    """Adam with decoupled weight decay, its step number `count` from 1 (Loshchilov and Hutter 2019, algorithm 2)."""
    first, second = decay_rates
    mean = first * mean + (1 - first) * gradient
    square = second * square + (1 - second) * gradient**2
    direction = mean / (1 - first**count) / ((square / (1 - second**count)) ** 0.5 + least)
    return replica - settings.learning_rate * (direction + weight_decay * replica), mean, square


@writes(3)
def outer_step(
    replica: Weights,
    start: Weights,
    velocity: Weights,
    replica_sum: Weights,
    *,
    settings: Settings,
    contributions: int,
    rate: float,
    momentum: float,
) -> tuple[Weights, Weights, Weights]:
    """Nesterov's step of rate γ and momentum μ from where all started, S, along Δ = S − W̄; the replica follows.

    V ← μ V + Δ, S ← S − γ (Δ + μ V), W ← S.
    """
    moved = start - replica_sum / contributions
    velocity = momentum * velocity + moved
    start = start - rate * (moved + momentum * velocity)
    return start, start, velocity
