"""Softmax cross-entropy: the loss of every learner here."""

from __future__ import annotations

import numpy as np

from simulator.learning.data import Floats, Integers

__all__ = ["cross_entropy", "cross_entropy_and_gradient", "hits"]


def cross_entropy(logits: Floats, labels: Integers) -> Floats:
    """Loss [nat] of each sample, −log softmax(logits)[label], shape ``(samples,)``.

    The largest logit is subtracted first, so that finite logits never overflow.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels])


def cross_entropy_and_gradient(logits: Floats, labels: Integers) -> tuple[float, Floats]:
    """Mean loss, and its gradient with respect to the logits, (softmax − one-hot) / samples."""
    samples = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    loss = float((np.log(sums[:, 0]) - shifted[samples, labels]).mean())
    gradient = exponentials / sums
    gradient[samples, labels] -= 1.0
    gradient /= len(labels)
    return loss, gradient


def hits(logits: Floats, losses: Floats, labels: Integers) -> int:
    """Samples whose label has the largest logit; none of those whose loss is NaN."""
    return int(((logits.argmax(axis=1) == labels) & ~np.isnan(losses)).sum())
