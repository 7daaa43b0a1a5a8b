"""Bookkeeping behind `simulator.workload.builder`: names taken, shapes so far, and the checks every layer shares."""

from __future__ import annotations

from typing import Any

from simulator.errors import InputError, UnknownNameError
from simulator.workload.layers import Layer
from simulator.workload.network import INPUT, Network
from simulator.workload.shapes import Extent, Shape, pair, window_positions

__all__ = ["GraphBuilder"]


class GraphBuilder:
    """Layers in order, each reading earlier ones.

    Parameters
    ----------
    name, title, source : str
        See `Network`; the title defaults to the name.
    input_shape : tuple of int
        One sample: (channels, height, width), or (tokens,).

    Raises
    ------
    InputError
        From any method: a layer that does not fit its input, or a name already taken.
    UnknownNameError
        From any method: a reference to a layer that does not come earlier.
    """

    def __init__(self, name: str, *, input_shape: Shape, title: str = "", source: str = "") -> None:
        if not input_shape or min(input_shape) < 1:
            raise InputError(f"network {name!r}: input_shape: expected positive sizes, got {list(input_shape)}")
        self.name, self.title, self.source = name, title or name, source
        self.input_shape = input_shape
        self.last = INPUT  #: what the next layer reads by default
        self._layers: list[Layer] = []
        self._shapes: dict[str, Shape] = {INPUT: input_shape}

    def build(self) -> Network:
        """The network as described so far.

        Raises
        ------
        InputError
            If it has no layer.
        """
        if not self._layers:
            raise InputError(f"network {self.name!r}: layers: expected at least one")
        return Network(self.name, self.title, self.input_shape, tuple(self._layers), self.source)

    def shape(self, name: str | None = None) -> Shape:
        """Shape of what a layer produces, by default of the last one."""
        return self._shapes[self._resolve(name, "any", "shape")]

    def _resolve(self, reference: str | None, layer: str, key: str = "after") -> str:
        """The name read: `reference`, or the last layer."""
        if reference is None:
            return self.last
        if reference not in self._shapes:
            raise UnknownNameError("layer", reference, self._shapes, f"network {self.name!r}: layer {layer!r}: {key}")
        return reference

    def _ports(self, name: str, inputs: tuple[str, ...], output_shape: Shape) -> dict[str, Any]:
        """The fields every layer has."""
        if not name or name in self._shapes:
            raise self.error(name, "name", "expected a name not used before", name)
        shapes = tuple(self._shapes[source] for source in inputs)
        return {"name": name, "inputs": inputs, "input_shapes": shapes, "output_shape": output_shape}

    def _append(self, layer: Layer) -> str:
        self._layers.append(layer)
        self._shapes[layer.name] = layer.output_shape
        self.last = layer.name
        return layer.name

    def _ranked(self, name: str, source: str, rank: int, meaning: str) -> Shape:
        """Shape of `source`, which must have `rank` axes."""
        shape = self._shapes[source]
        if len(shape) != rank:
            raise self.error(
                name, "after", f"expected a layer that produces ({meaning})", f"{source!r} with {list(shape)}"
            )
        return shape

    def _image(self, name: str, source: str) -> Shape:
        return self._ranked(name, source, 3, "channels, height, width")

    def _sequence(self, name: str, source: str) -> Shape:
        return self._ranked(name, source, 2, "tokens, features")

    def _window(
        self, name: str, image: Shape, kernel: Extent, stride: Extent, pad: Extent, ceil: bool
    ) -> tuple[int, int]:
        """(height, width) after sliding a window over an image."""
        self._at_least(name, 1, kernel=min(pair(kernel)), stride=min(pair(stride)))
        self._at_least(name, 0, pad=min(pair(pad)))
        height, width = (
            window_positions(size, window, step, margin, ceil)
            for size, window, step, margin in zip(image[1:], pair(kernel), pair(stride), pair(pad), strict=True)
        )
        if min(height, width) < 1:
            raise self.error(name, "kernel", f"expected at most the padded input of {list(image[1:])}", kernel)
        return height, width

    def _at_least(self, name: str, least: int, **values: int) -> None:
        for key, value in values.items():
            if value < least:
                raise self.error(name, key, f"expected at least {least}", value)

    def error(self, layer: str, key: str, expectation: str, found: object) -> InputError:
        """The error for a wrong argument of a layer."""
        return InputError(f"network {self.name!r}: layer {layer!r}: {key}: {expectation}, got {found!r}")
