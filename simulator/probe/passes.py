"""The passes of one of the learners' layers, as work to be timed, and what is taken off their times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ELEMENT_SIZE", "Layer", "layer_passes", "less_other_kernels"]

ELEMENT_SIZE = 8  #: bytes of the learners' numbers
_LEAST = 0.2  #: share of a measured time that taking off other kernels leaves at least


class Layer(Protocol):
    """A layer with parameters; see `simulator.learning.layers`."""

    def initial(self, generator: np.random.Generator) -> NDArray[np.float64]:
        """Parameters to begin with."""
        ...

    def forward(self, parameters: Any, inputs: Any) -> tuple[Any, Any]:
        """Output, and what the backward pass needs."""
        ...

    def backward(self, parameters: Any, saved: Any, upstream: Any, gradient: Any, first: bool) -> Any:
        """The gradient of the data, unless this is the `first` layer; that of the parameters goes to `gradient`."""
        ...


def layer_passes(layer: Layer, inputs: Any, generator: np.random.Generator) -> dict[str, Callable[[], object]]:
    """The layer on these inputs: forwards, backwards for the weights alone, and backwards for both gradients."""
    parameters = layer.initial(generator)
    output, saved = layer.forward(parameters, inputs)
    upstream, gradient = generator.random(output.shape), np.empty_like(parameters)
    return {
        "forward": lambda: layer.forward(parameters, inputs),
        "weights": lambda: layer.backward(parameters, saved, upstream, gradient, True),
        "both": lambda: layer.backward(parameters, saved, upstream, gradient, False),
    }


def less_other_kernels(seconds: float, others: float) -> float:
    """What a kernel takes of a pass that other kernels take `others` seconds of, by their models; a fifth at least."""
    return max(seconds - others, _LEAST * seconds)
