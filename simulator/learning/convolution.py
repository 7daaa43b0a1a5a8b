"""Convolution and max-pooling on arrays of shape (samples, height, width, channels).

A convolution copies the patch under every output pixel into a row of a matrix (im2col: Chellapilla et al. 2006), so
that all three of its products are matrix products.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from simulator.learning.data import Floats
from simulator.learning.layers import Parameterless

__all__ = ["Convolution", "MaxPool"]


@dataclass(frozen=True)
class Convolution:
    """Stride 1, square filters, zero padding; parameters are filters (row, column, channel, filter), then biases.

    Filters start normal with variance 2 / (kernel² · channels) (He et al. 2015), biases at zero.
    """

    channels: int
    filters: int
    kernel: int
    padding: int = 0

    @property
    def patch(self) -> int:
        """Input numbers under one output pixel."""
        return self.kernel * self.kernel * self.channels

    @property
    def elements(self) -> int:
        """Filters and biases."""
        return (self.patch + 1) * self.filters

    def initial(self, generator: np.random.Generator) -> Floats:
        """Random filters, zero biases."""
        bank = generator.standard_normal(self.patch * self.filters) * math.sqrt(2.0 / self.patch)
        return np.concatenate([bank, np.zeros(self.filters)])

    def forward(self, parameters: Floats, inputs: Floats) -> tuple[Floats, Any]:
        """To shape ``(samples, height + 2·padding − kernel + 1, width + …, filters)``."""
        padded = self._padded(inputs)
        samples, height, width, _ = padded.shape
        rows, columns = height - self.kernel + 1, width - self.kernel + 1
        down, right = padded.strides[1:3]
        windows = as_strided(
            padded,
            shape=(samples, rows, columns, self.kernel, self.kernel, self.channels),
            strides=(padded.strides[0], down, right, down, right, padded.strides[3]),
            writeable=False,
        )
        patches = windows.reshape(samples * rows * columns, self.patch)
        output = patches @ self._bank(parameters) + parameters[-self.filters :]
        return output.reshape(samples, rows, columns, self.filters), (patches, inputs.shape)

    def backward(self, parameters: Floats, saved: Any, upstream: Floats, gradient: Floats, first: bool) -> Floats:
        """See `simulator.learning.layers.Layer.backward`."""
        patches, (samples, height, width, channels) = saved
        _, rows, columns, _ = upstream.shape
        flat = upstream.reshape(-1, self.filters)
        np.matmul(patches.T, flat, out=self._bank(gradient))
        flat.sum(axis=0, out=gradient[-self.filters :])
        if first:
            return upstream
        spread = (flat @ self._bank(parameters).T).reshape(samples, rows, columns, self.kernel, self.kernel, channels)
        padded = np.zeros((samples, height + 2 * self.padding, width + 2 * self.padding, channels))
        for row in range(self.kernel):
            for column in range(self.kernel):
                padded[:, row : row + rows, column : column + columns] += spread[:, :, :, row, column]
        return padded[:, self.padding : self.padding + height, self.padding : self.padding + width]

    def _bank(self, parameters: Floats) -> Floats:
        return parameters[: -self.filters].reshape(self.patch, self.filters)

    def _padded(self, inputs: Floats) -> Floats:
        if not self.padding:
            return inputs
        samples, height, width, channels = inputs.shape
        padded = np.zeros((samples, height + 2 * self.padding, width + 2 * self.padding, channels))
        padded[:, self.padding : self.padding + height, self.padding : self.padding + width] = inputs
        return padded


class MaxPool(Parameterless):
    """Largest of each 2 × 2 window, a last odd row or column left out. Of equal ones the first gets the gradient."""

    def forward(self, parameters: Floats, inputs: Floats) -> tuple[Floats, Any]:
        """To half the height and width, rounded down."""
        first, second, third, fourth = self._corners(inputs)
        output = np.maximum(np.maximum(first, second), np.maximum(third, fourth))
        return output, (inputs, output)

    def backward(self, parameters: Floats, saved: Any, upstream: Floats, gradient: Floats, first: bool) -> Floats:
        """See `simulator.learning.layers.Layer.backward`."""
        inputs, output = saved
        result = np.zeros(inputs.shape)
        free = np.ones(output.shape, dtype=bool)
        for corner, target in zip(self._corners(inputs), self._corners(result), strict=True):
            chosen = (corner == output) & free
            free ^= chosen
            np.multiply(upstream, chosen, out=target)
        return result

    @staticmethod
    def _corners(array: Floats) -> list[Floats]:
        _, height, width, _ = array.shape
        rows, columns = height // 2 * 2, width // 2 * 2
        return [array[:, row:rows:2, column:columns:2] for row in (0, 1) for column in (0, 1)]
