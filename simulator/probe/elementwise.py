"""Everything of a training step that is no product: timed by size, on the learners' layers and the update rules.

Sizes are counted in bytes as the cost models count them for each kernel, whatever the library moves in truth, so that
what it moves besides is part of the measured time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import exp, log
from statistics import fmean
from typing import Any

import numpy as np

from simulator.algorithms import rules
from simulator.cost.elementwise import StreamTable
from simulator.execution.arithmetic import apply_in_pieces
from simulator.learning.convolution import MaxPool
from simulator.learning.feed_forward import FeedForward
from simulator.learning.layers import Relu
from simulator.probe.timing import Measured
from simulator.workload.kernels import Elementwise
from simulator.workload.layers.base import bias_backward, bias_forward

__all__ = ["Stream", "stream_tables", "streams"]

_ELEMENT_SIZE = 8
_ELEMENTS = (64, 640, 4_096, 16_384, 65_536, 262_144, 1_048_576)
#: Of the arrays that updates and additions stream, besides: far more than a core's own cache.
_LARGE = 4_194_304
_QUICK_ELEMENTS = (640, 16_384, 262_144)
_UNITS = 64  #: of a layer whose biases are added
_CLASSES = 10
_SETTINGS = rules.Settings(learning_rate=0.1, elasticity=0.1, momentum=0.9)
#: Update rules with the arrays they take and the arrays they replace.
_RULES: tuple[tuple[Callable[..., Any], int, int], ...] = (
    (rules.gradient_step, 2, 1),
    (rules.momentum_step, 3, 2),
    (rules.elastic_worker, 3, 1),
    (rules.elastic_momentum_worker, 4, 2),
    (rules.elastic_centre, 2, 1),
)


@dataclass(frozen=True)
class Stream:
    """What is timed: one kernel of a kind at a size; kinds of update rules differ in `variant` alone."""

    kernel: Elementwise
    elements: int
    variant: str = ""


def streams(quick: bool) -> dict[Stream, Callable[[], object]]:
    """Work to time."""
    works: dict[Stream, Callable[[], object]] = {}
    for elements in _QUICK_ELEMENTS if quick else _ELEMENTS:
        works |= _activations(elements) | _pooling(elements) | _biases(elements) | _loss(elements)
        works |= _updates(elements) | _batches(elements)
    return works if quick else works | _updates(_LARGE)


def _activations(elements: int) -> dict[Stream, Callable[[], object]]:
    values, upstream, layer = _random(elements), _random(elements), Relu()
    output = layer.forward(values, values)[0]
    return {
        Stream(Elementwise("relu", elements, elements), elements): lambda: layer.forward(values, values),
        Stream(Elementwise("relu_gradient", 2 * elements, elements), elements): lambda: layer.backward(
            values, output, upstream, upstream, False
        ),
    }


def _pooling(elements: int) -> dict[Stream, Callable[[], object]]:
    """On images of 8 by 8 with as many channels as there are elements for, up to 16."""
    layer, channels = MaxPool(), max(1, min(16, elements // 64))
    images = max(1, elements // (64 * channels))
    inputs = _random(images * 64 * channels).reshape(images, 8, 8, channels)
    output, saved = layer.forward(inputs, inputs)
    upstream, size, winners = _random(output.size).reshape(output.shape), inputs.size, output.size
    return {
        Stream(Elementwise("max_pool", size, 2 * winners), elements): lambda: layer.forward(inputs, inputs),
        Stream(Elementwise("max_pool_gradient", 2 * winners, size), elements): lambda: layer.backward(
            inputs, saved, upstream, upstream, False
        ),
    }


def _biases(elements: int) -> dict[Stream, Callable[[], object]]:
    values, biases = _random(elements).reshape(-1, min(_UNITS, elements)), _random(min(_UNITS, elements))
    total = np.empty_like(biases)
    return {
        Stream(bias_forward(elements, len(biases)), elements): lambda: values + biases,
        Stream(bias_backward(elements, len(biases)), elements): lambda: values.sum(axis=0, out=total),
    }


def _loss(elements: int) -> dict[Stream, Callable[[], object]]:
    """On a network without layers: the loss, its gradient, and what every gradient takes whatever the network.

    They come from one call; the two kernels of the loss get half of its time each (see `stream_tables`).
    """
    samples = max(1, elements // _CLASSES)
    logits, labels = _random(samples * _CLASSES).reshape(samples, _CLASSES), np.zeros(samples, dtype=np.int64)
    size, weights = logits.size, np.empty(0)
    shape: Any = (_CLASSES,)
    learner = FeedForward("loss", shape, ())

    def work() -> object:
        return learner.gradient(weights, logits, labels)

    return {
        Stream(Elementwise("softmax_loss", 3 * size, 2 * size), elements): work,
        Stream(Elementwise("softmax_loss_gradient", size, size), elements): work,
    }


def _updates(elements: int) -> dict[Stream, Callable[[], object]]:
    """Every rule as executors apply it, results written back; and the addition of a reduction."""
    works: dict[Stream, Callable[[], object]] = {}
    for rule, count, replaced in _RULES:
        arrays = tuple(_random(elements) for _ in range(count))
        kernel = Elementwise("update", count * elements, replaced * elements)
        works[Stream(kernel, elements, rule.__name__)] = partial(apply_in_pieces, rule, arrays, _SETTINGS, {}, replaced)
    place, payload = _random(elements), _random(elements)
    addition = Stream(Elementwise("addition", 2 * elements, elements), elements)
    return works | {addition: partial(np.add, place, payload, out=place)}


def _batches(elements: int) -> dict[Stream, Callable[[], object]]:
    """A batch of samples of 64 numbers, picked from a data set at random."""
    samples = max(1, elements // 64)
    data = _random(64 * max(2_000, samples)).reshape(-1, 1, 8, 8)
    chosen = np.random.default_rng(1).integers(0, len(data), samples)
    return {Stream(Elementwise("copy", 64 * samples, 64 * samples), elements): lambda: data[chosen]}


def _random(elements: int) -> Any:
    return np.random.default_rng(0).random(elements)


def stream_tables(found: Mapping[Stream, Measured]) -> dict[str, StreamTable]:
    """Times by name and size. Where several kinds go by one name, the geometric mean of them; never falling."""
    points: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for stream, measured in found.items():
        half = 0.5 if stream.kernel.name.startswith("softmax_loss") else 1.0
        point = log(stream.kernel.bytes_moved(_ELEMENT_SIZE)), log(half * measured.value)
        points[stream.kernel.name][stream.elements].append(point)
    tables = {}
    for name, by_elements in points.items():
        means = sorted((fmean(x for x, _ in same), fmean(y for _, y in same)) for same in by_elements.values())
        seconds = accumulate((exp(y) for _, y in means), max)
        tables[name] = StreamTable(tuple(exp(x) for x, _ in means), tuple(seconds))
    return tables
