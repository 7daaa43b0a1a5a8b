"""Time of one pass of a convolution: candidate algorithms, the fastest taken, and a fitted correction.

Each pass is a matrix product in disguise (Chetlur et al. 2014): with P = batch × output pixels and k = channels ×
filter area, forward is filters × P × k, the gradient of the data is k × P × filters, that of the weights
filters × k × P. Candidates: *direct* (or implicit GEMM; every convolution) and *winograd* (3 × 3, stride 1; Lavin and
Gray 2016), which multiplies up to 4 times less but moves transformed tiles; FFTs, which libraries chose for few of the
measured shapes, share its terms where the filter is larger and the stride 1. As for products, a candidate's time is a
sum of physical terms with fitted weights >= 0.

Between batches that are powers of two the time is interpolated in logarithms after a running maximum, so it never falls
as the batch grows. A grouped convolution is costed as `groups` times the batch of its per-group problem.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from simulator.cost.correction import NO_CORRECTION, Correction
from simulator.cost.rates import DeviceRates, element_size
from simulator.workload.kernels import Convolution, Pass

__all__ = [
    "WINOGRAD_SAVING",
    "ConvolutionFit",
    "convolution_features",
    "convolution_floor",
    "convolution_terms",
    "convolution_time",
    "fast_candidate",
]

Array = NDArray[np.float64]

#: What Winograd saves in multiplications with tile F(4 × 4, 3 × 3), 144 / 36.
WINOGRAD_SAVING = 4.0
_TILES = ((128, 128), (128, 64), (64, 64), (32, 32))


def fast_candidate(kernel: Convolution) -> bool:
    """Whether a transform algorithm (Winograd, FFT) may apply: stride 1, and a filter of at least 3 × 3."""
    unit_stride = kernel.stride_height == 1 and kernel.stride_width == 1
    return unit_stride and min(kernel.filter_height, kernel.filter_width) >= 3


def convolution_terms(
    kernel: Convolution, batches: Array, rates: DeviceRates, precision: str, names: Collection[str] | None = None
) -> dict[str, Array]:
    """Physical terms [s] for one convolution at several batch sizes; each has the shape of `batches`.

    Tile terms outside `names` are left out if it is given. Those of the fast candidate begin with ``"fast."``.
    """
    size, peak = element_size(precision), rates.peak_of(precision)
    images = batches * kernel.groups
    channels, filters = kernel.channels // kernel.groups, kernel.filters // kernel.groups
    area = kernel.filter_height * kernel.filter_width
    pixels = images * kernel.out_height * kernel.out_width
    inner = float(channels * area)
    flops = 2.0 * pixels * filters * inner
    stride = kernel.stride_height * kernel.stride_width
    if kernel.direction is Pass.FORWARD:
        m, n, k = pixels, filters + 0.0 * pixels, inner + 0.0 * pixels
        lanes = filters
    elif kernel.direction is Pass.BACKWARD_DATA:
        m, n, k = images * kernel.height * kernel.width, channels + 0.0 * pixels, filters * area / stride + 0.0 * pixels
        lanes = channels
    else:
        m, n, k = inner + 0.0 * pixels, filters + 0.0 * pixels, pixels
        lanes = channels
    terms = {
        "launch": np.full_like(flops, rates.launch_overhead),
        "arithmetic": flops / peak,
        "lanes": flops / peak * (16.0 * ceil(lanes / 16.0) / lanes),
        "stride": flops / peak * (stride - 1.0),
        "input": size * images * channels * kernel.height * kernel.width / rates.bandwidth,
        "output": size * pixels * filters / rates.bandwidth,
        "weights": np.full_like(flops, size * filters * inner / rates.bandwidth),
        "unrolled": size * pixels * inner / rates.bandwidth,
        "depth": k / rates.clock,
    }
    for rows, columns in _TILES:
        if names is not None and not {f"tiles_{rows}x{columns}", f"waves_{rows}x{columns}"} & set(names):
            continue
        tiles = np.ceil(m / rows) * np.ceil(n / columns)
        tile_time = 2.0 * rows * columns * k / (peak / rates.units)
        terms[f"tiles_{rows}x{columns}"] = tiles * tile_time / rates.units
        terms[f"waves_{rows}x{columns}"] = np.ceil(tiles / rates.units) * tile_time
    if fast_candidate(kernel):
        covered = pixels * _overhang(kernel, 4) / WINOGRAD_SAVING * area / 9.0
        transformed = 2.0 * filters * channels * 9.0 * covered / peak
        terms["fast.launch"] = terms["launch"]
        terms["fast.arithmetic"] = transformed
        terms["fast.lanes"] = (
            transformed * (32.0 * ceil(filters / 32.0) / filters) * (32.0 * ceil(channels / 32.0) / channels)
        )
        terms["fast.input"], terms["fast.output"] = terms["input"] * _overhang(kernel, 4), terms["output"]
        terms["fast.weights"] = 4.0 * terms["weights"]
        terms["fast.depth"] = np.full_like(
            flops, (filters if kernel.direction is Pass.BACKWARD_DATA else channels) / rates.clock
        )
        blocks = np.ceil(pixels / 32.0) * ceil(filters / 32.0) * _overhang(kernel, 4)
        terms["fast.waves"] = (
            np.ceil(blocks / rates.units) * 2.0 * 32.0 * 32.0 * inner / WINOGRAD_SAVING / (peak / rates.units)
        )
    return terms


def _overhang(kernel: Convolution, tile: int) -> float:
    """Area of whole output tiles over the area of the output."""
    rows, columns = kernel.out_height, kernel.out_width
    return (tile * ceil(rows / tile)) * (tile * ceil(columns / tile)) / (rows * columns)


def convolution_features(kernel: Convolution, batches: Array) -> Array:
    """Where a convolution lies for the correction, as base-2 logarithms; shape (len(batches), 6)."""
    fixed = [
        log2(max(kernel.channels // kernel.groups, 1)),
        log2(max(kernel.filters // kernel.groups, 1)),
        log2(max(kernel.out_height * kernel.out_width, 1)),
        log2(kernel.filter_height * kernel.filter_width),
        log2(kernel.stride_height * kernel.stride_width),
    ]
    return np.column_stack([np.log2(batches * kernel.groups), np.tile(fixed, (len(batches), 1))])


def convolution_floor(kernel: Convolution, batches: Array, rates: DeviceRates, precision: str) -> Array:
    """No kernel is faster [s]: arithmetic at peak, and traffic beyond the cache once over the memory bus.

    Where transforms apply they divide the arithmetic by up to `WINOGRAD_SAVING`, or the filter's area (FFT) if more.
    """
    per_image = kernel.flops / kernel.batch
    area = kernel.filter_height * kernel.filter_width
    saving = max(WINOGRAD_SAVING, float(area)) if fast_candidate(kernel) else 1.0
    elements = (kernel.input_elements + kernel.output_elements) / kernel.batch * batches + kernel.weight_elements
    traffic = np.maximum(0.0, element_size(precision) * elements - rates.cache_size)
    floor: Array = np.maximum(batches * per_image / rates.peak_of(precision) / saving, traffic / rates.bandwidth)
    return np.maximum(floor, rates.launch_overhead)


@dataclass(frozen=True, eq=False)
class ConvolutionFit:
    """What was fitted for one device, precision and pass: weights by term name, correction over the features."""

    weights: Mapping[str, float]
    correction: Correction = NO_CORRECTION

    def physical(self, kernel: Convolution, batches: Array, rates: DeviceRates, precision: str) -> Array:
        """The faster candidate's weighted sum of terms [s], at several batch sizes."""
        terms = convolution_terms(kernel, batches, rates, precision, self.weights)
        direct, fast = np.zeros(len(batches)), np.zeros(len(batches))
        for name, weight in self.weights.items():
            if name in terms:
                if name.startswith("fast."):
                    fast += weight * terms[name]
                else:
                    direct += weight * terms[name]
        return np.minimum(direct, fast) if fast.any() else direct


def convolution_time(kernel: Convolution, fit: ConvolutionFit, rates: DeviceRates, precision: str) -> float:
    """Time of one pass [s]."""
    last = ceil(log2(kernel.batch)) if kernel.batch > 1 else 0
    batches: Array = 2.0 ** np.arange(last + 1, dtype=float)
    logarithms: Array = np.log(fit.physical(kernel, batches, rates, precision))
    logarithms += fit.correction(convolution_features(kernel, batches))
    logarithms = np.maximum.accumulate(
        np.maximum(logarithms, np.log(convolution_floor(kernel, batches, rates, precision)))
    )
    time = float(np.exp(np.interp(log2(kernel.batch), np.arange(last + 1), logarithms)))
    return max(time, float(convolution_floor(kernel, np.array([float(kernel.batch)]), rates, precision)[0]))
