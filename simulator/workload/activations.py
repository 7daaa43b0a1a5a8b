"""What a gradient holds of the values between layers: how much at the worst moment, with and without recomputation.

A value lives from the forward pass until the last backward pass that reads it (`Layer.keeps_input`, `keeps_output`);
gradients live from the layer that makes them until the layer before has used them. Backward runs the layers in reverse,
so activations fall while it goes, and the worst moment is where activations and gradients together are most. Sizes are
in elements a sample; everything here grows with the batch in proportion.

A second contribution to one gradient is made beside the first and then added to it. A sum's gradient is handed on as it
stands. Nothing is offloaded, and what an allocator loses to fragments is not modelled.

With recomputation (Chen, Xu, Zhang, Guestrin 2016, "Training deep nets with sublinear memory cost") only the values
between segments are kept; the backward pass of a segment first runs its forward pass again, except for the last one,
whose values are still there. Segments end where a single value passes from the layers before to those after.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from simulator.workload.layers.base import Layer

if TYPE_CHECKING:
    from simulator.workload.network import Network

__all__ = ["Held", "Recomputation", "recomputation", "worst_moment"]

#: Sizes of a segment that are tried, in equal steps up to the whole network.
_TRIED = 40


@dataclass(frozen=True)
class Held:
    """Elements held for one sample at one moment: values for the backward pass, and gradients of values."""

    activations: int
    gradients: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.activations + self.gradients


@dataclass(frozen=True)
class Recomputation:
    """Which segments of a network are computed once more, and what is then held at the worst moment.

    Attributes
    ----------
    segments : tuple of tuple of str
        Layer names, segment by segment; the last one is not computed again.
    held : Held
    """

    segments: tuple[tuple[str, ...], ...]
    held: Held

    @property
    def recomputed(self) -> frozenset[str]:
        """Layers whose forward pass runs twice."""
        return frozenset(name for segment in self.segments[:-1] for name in segment)


def worst_moment(network: Network) -> Held:
    """The moment of the backward pass at which most is held."""
    return _worst(network, 0, len(network.layers))


def _worst(network: Network, first: int, last: int) -> Held:
    """The same for the backward pass through layers [first, last); values from before them are not counted."""
    layers = network.layers[first:last]
    activations = _kept_after(network, layers)
    outputs = {layer.name: layer.output_elements for layer in layers}
    gradients: dict[str, int] = {}  # value -> its storage; several values may share one
    sizes: dict[int, int] = {}
    made, worst = 0, Held(0, 0)
    for place in reversed(range(len(layers))):
        layer = layers[place]
        own = gradients.pop(layer.name, None)
        live = set(gradients.values()) if own is None else {*gradients.values(), own}
        for name in dict.fromkeys(layer.inputs):
            if name not in outputs or name not in network.trained:
                continue
            if layer.hands_gradient_on and own is not None and name not in gradients:
                gradients[name] = own
                continue
            made += 1
            sizes[made] = outputs[name]
            gradients[name] = made
            live.add(made)
        elements = sum(sizes[storage] for storage in live)
        if own is None and place == len(layers) - 1 and last < len(network.layers):
            elements += layer.output_elements  # what the segment after has made
        held = Held(activations[place], elements)
        worst = max(worst, held, key=lambda moment: moment.total)
    return worst


def _kept_after(network: Network, layers: tuple[Layer, ...]) -> list[int]:
    """Elements of values still kept while the backward pass of each layer runs."""
    places = {layer.name: place for place, layer in enumerate(layers)}
    freed = [layer.saved_elements for layer in layers]  # once the backward pass of that layer is done
    needed: dict[str, int] = {}
    for place, layer in enumerate(layers):
        names = (*(layer.inputs if layer.keeps_input else ()), *((layer.name,) if layer.keeps_output else ()))
        for name in names:
            if name in places:
                needed.setdefault(name, place)
    for name, place in needed.items():
        freed[place] += layers[places[name]].output_elements
    kept, total = [], 0
    for elements in freed:
        total += elements
        kept.append(total)
    return kept


def recomputation(network: Network) -> Recomputation | None:
    """The division into segments that holds least at its worst moment; None where no division holds less than none.

    As Chen et al. do: for one size after the other, segments are filled up to it, and the best size is taken.
    """
    cuts = _cuts(network)
    plain, best = worst_moment(network), None
    for size in _sizes(network, cuts):
        found = _divided(network, _filled(network, cuts, size))
        if found.held.total < (plain if best is None else best.held).total:
            best = found
    return best


def _cuts(network: Network) -> list[int]:
    """Places after which only one value is still to be read."""
    last_reader = {name: place for place, layer in enumerate(network.layers) for name in layer.inputs}
    cuts, reach = [], -1
    for place, layer in enumerate(network.layers[:-1]):
        # Everything from before this layer must have been read by now.
        if reach <= place and last_reader.get(layer.name, place) > place:
            cuts.append(place + 1)
        reach = max(reach, last_reader.get(layer.name, place))
    return cuts


def _sizes(network: Network, cuts: list[int]) -> list[int]:
    whole = sum(layer.output_elements for layer in network.layers)
    return [whole * step // _TRIED for step in range(1, _TRIED)] if cuts else []


def _filled(network: Network, cuts: list[int], size: int) -> list[int]:
    """The cuts at which a segment is closed, as its layers' outputs together have reached `size`."""
    reached = [0, *accumulate(layer.output_elements for layer in network.layers)]
    chosen, begun = [], 0
    for cut in cuts:
        if reached[cut] - reached[begun] >= size:
            chosen.append(cut)
            begun = cut
    return chosen


def _divided(network: Network, cuts: list[int]) -> Recomputation:
    ends = [*cuts, len(network.layers)]
    worst, between, segments = Held(0, 0), 0, []
    for first, last in zip([0, *cuts], ends, strict=True):
        inside = _worst(network, first, last)
        held = Held(between + inside.activations, inside.gradients)
        worst = max(worst, held, key=lambda moment: moment.total)
        between += network.layers[last - 1].output_elements
        segments.append(tuple(layer.name for layer in network.layers[first:last]))
    return Recomputation(tuple(segments), worst)
