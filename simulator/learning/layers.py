"""Layers with hand-written backward passes: what all built-in learners are made of.

A layer owns no numbers. Its parameters are a slice of the learner's flat array, and the backward pass writes their
gradient into the same slice of another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simulator.learning.data import Floats

__all__ = ["ChannelsLast", "Dense", "Layer", "Parameterless", "Relu"]


class Layer(Protocol):
    """One step of a feed-forward network."""

    @property
    def elements(self) -> int:
        """Parameters of the layer, 0 where it has none."""
        ...

    def initial(self, generator: np.random.Generator) -> Floats:
        """Random parameters, shape ``(elements,)``."""
        ...

    def forward(self, parameters: Floats, inputs: Floats) -> tuple[Floats, Any]:
        """The output, and whatever `backward` will need."""
        ...

    def backward(self, parameters: Floats, saved: Any, upstream: Floats, gradient: Floats, first: bool) -> Floats:
        """Gradient with respect to the inputs; writes the one with respect to the parameters into `gradient`.

        `first` says that nobody needs the gradient with respect to the inputs; then anything may be returned.
        """
        ...


class Parameterless:
    """Base of layers that have no parameters."""

    elements = 0

    def initial(self, generator: np.random.Generator) -> Floats:
        """Nothing to draw."""
        return np.empty(0)


@dataclass(frozen=True)
class Dense:
    """Y = X·A + b on flattened inputs; parameters are A (inputs × outputs, row by row), then b.

    A starts normal with variance `gain` / inputs (gain 2 before a ReLU: He et al. 2015), b at zero.
    """

    inputs: int
    outputs: int
    gain: float = 1.0

    @property
    def elements(self) -> int:
        """Weights and biases."""
        return (self.inputs + 1) * self.outputs

    def initial(self, generator: np.random.Generator) -> Floats:
        """Random weights, zero biases."""
        matrix = generator.standard_normal(self.inputs * self.outputs) * math.sqrt(self.gain / self.inputs)
        return np.concatenate([matrix, np.zeros(self.outputs)])

    def forward(self, parameters: Floats, inputs: Floats) -> tuple[Floats, Any]:
        """Inputs of shape ``(samples, …)`` to outputs of shape ``(samples, outputs)``."""
        flat = inputs.reshape(len(inputs), self.inputs)
        return flat @ self._matrix(parameters) + parameters[-self.outputs :], (flat, inputs.shape)

    def backward(self, parameters: Floats, saved: Any, upstream: Floats, gradient: Floats, first: bool) -> Floats:
        """See `Layer.backward`."""
        flat, shape = saved
        np.matmul(flat.T, upstream, out=self._matrix(gradient))
        upstream.sum(axis=0, out=gradient[-self.outputs :])
        return upstream if first else (upstream @ self._matrix(parameters).T).reshape(shape)

    def _matrix(self, parameters: Floats) -> Floats:
        return parameters[: -self.outputs].reshape(self.inputs, self.outputs)


class Relu(Parameterless):
    """max(x, 0), with derivative 0 at 0."""

    def forward(self, parameters: Floats, inputs: Floats) -> tuple[Floats, Any]:
        """Any shape."""
        output = np.maximum(inputs, 0.0)
        return output, output

    def backward(self, parameters: Floats, saved: Any, upstream: Floats, gradient: Floats, first: bool) -> Floats:
        """See `Layer.backward`; a product, so that NaN stays NaN."""
        return np.asarray(upstream * (saved > 0.0))


class ChannelsLast(Parameterless):
    """(samples, channels, height, width) to (samples, height, width, channels), the order convolutions work in."""

    def forward(self, parameters: Floats, inputs: Floats) -> tuple[Floats, Any]:
        """See the class."""
        return np.ascontiguousarray(inputs.transpose(0, 2, 3, 1)), None

    def backward(self, parameters: Floats, saved: Any, upstream: Floats, gradient: Floats, first: bool) -> Floats:
        """See `Layer.backward`."""
        return upstream.transpose(0, 3, 1, 2)
