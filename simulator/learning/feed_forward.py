"""A learner made of layers one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.learning.cross_entropy import cross_entropy, cross_entropy_and_gradient, hits
from simulator.learning.data import Floats, Integers
from simulator.learning.layers import Layer
from simulator.learning.learner import Evaluation

__all__ = ["FeedForward", "ForwardPass"]

#: Samples evaluated at once: bounds memory, and small arrays stay in cache.
_CHUNK = 256


@dataclass
class ForwardPass:
    """A forward pass that has been made, on its way back.

    Attributes
    ----------
    loss : float
        Mean over the samples.
    """

    loss: float
    _weights: Floats
    _saved: list[tuple[Layer, int, int, Any]]  #: layers not yet gone back through
    _upstream: Floats

    def __post_init__(self) -> None:
        self._gradient = np.empty(len(self._weights))

    def backward(self, first: int = 0) -> Floats:
        """Go back through the layer `first` of the layout; the gradient, in which what lies before it is not set."""
        with np.errstate(all="ignore"):
            while sum(layer.elements > 0 for layer, *_ in self._saved) > first:
                layer, start, stop, kept = self._saved.pop()
                part, weights = self._gradient[start:stop], self._weights[start:stop]
                # Before the first parameters there is nothing that would need the gradient.
                self._upstream = layer.backward(weights, kept, self._upstream, part, start == 0)
        return self._gradient


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
        forward = self.forward(weights, inputs, labels)
        return forward.loss, forward.backward()

    def forward(self, weights: Floats, inputs: Floats, labels: Integers) -> ForwardPass:
        """The forward pass alone; what it gives can go back, in parts."""
        weights = self._checked(weights, inputs, labels)
        saved = []
        with np.errstate(all="ignore"):
            current = inputs
            for layer, start, stop in self._slices():
                current, kept = layer.forward(weights[start:stop], current)
                saved.append((layer, start, stop, kept))
            loss, upstream = cross_entropy_and_gradient(current, labels)
        return ForwardPass(loss, weights, saved, upstream)

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
