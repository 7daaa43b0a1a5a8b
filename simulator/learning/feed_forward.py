"""A learner made of layers one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.learning.cross_entropy import cross_entropy, cross_entropy_and_gradient, hits
from simulator.learning.data import Floats, Integers
from simulator.learning.layers import Layer
from simulator.learning.learner import Evaluation

__all__ = ["FeedForward"]

#: Samples evaluated at once: bounds memory, and small arrays stay in cache.
_CHUNK = 256


@dataclass(frozen=True)
class FeedForward:
    """See `simulator.learning.learner.Learner` for the contract.

    Attributes
    ----------
    name : str
        What it is.
    shape : tuple of int
        Channels, height and width of a sample.
    layers : tuple of Layer
        The last one gives the logits, one a class.
    """

    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]

    @property
    def layout(self) -> tuple[int, ...]:
        """Parameters of each layer that has some."""
        return tuple(layer.elements for layer in self.layers if layer.elements)

    @property
    def elements(self) -> int:
        """Parameters of all layers."""
        return sum(layer.elements for layer in self.layers)

    def initial(self, generator: np.random.Generator) -> Floats:
        """Random weights to start from."""
        return np.concatenate([layer.initial(generator) for layer in self.layers])

    def gradient(self, weights: Floats, inputs: Floats, labels: Integers) -> tuple[float, Floats]:
        """Mean loss over the samples, and its gradient."""
        weights = self._checked(weights, inputs, labels)
        result = np.empty(self.elements)
        backward = []
        with np.errstate(all="ignore"):
            current = inputs
            for layer, start, stop in self._slices():
                current, saved = layer.forward(weights[start:stop], current)
                backward.append((layer, start, stop, saved))
            loss, upstream = cross_entropy_and_gradient(current, labels)
            for layer, start, stop, saved in reversed(backward):
                if stop == 0:
                    break  # no parameters from here to the inputs
                upstream = layer.backward(weights[start:stop], saved, upstream, result[start:stop], start == 0)
        return loss, result

    def evaluate(self, weights: Floats, inputs: Floats, labels: Integers) -> Evaluation:
        """Mean loss and accuracy."""
        weights = self._checked(weights, inputs, labels)
        losses = np.empty(len(labels))
        correct = 0
        with np.errstate(all="ignore"):
            for start in range(0, len(labels), _CHUNK):
                chunk = slice(start, start + _CHUNK)
                logits = inputs[chunk]
                for layer, begin, end in self._slices():
                    logits, _ = layer.forward(weights[begin:end], logits)
                losses[chunk] = cross_entropy(logits, labels[chunk])
                correct += hits(logits, losses[chunk], labels[chunk])
            return Evaluation(float(losses.mean()), correct / len(labels))

    def _slices(self) -> Iterator[tuple[Layer, int, int]]:
        stop = 0
        for layer in self.layers:
            start, stop = stop, stop + layer.elements
            yield layer, start, stop

    def _checked(self, weights: Floats, inputs: Floats, labels: Integers) -> Floats:
        """The weights in float64, whatever precision the caller keeps them in."""
        if weights.shape != (self.elements,):
            raise ValueError(f"{self.name}: expected weights of shape ({self.elements},), got {weights.shape}")
        if inputs.shape != (len(labels), *self.shape) or not len(labels):
            expected = ", ".join(str(extent) for extent in self.shape)
            raise ValueError(
                f"{self.name}: expected inputs of shape (samples, {expected}) and as many labels, "
                f"got {inputs.shape} and {len(labels)}"
            )
        return np.asarray(weights, dtype=np.float64)
