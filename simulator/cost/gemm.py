"""Time of a matrix product from its shape: physical terms, a fitted weight for each, a monotone fitted correction.

The terms are times [s] on ideal hardware: arithmetic at peak; arithmetic padded to whole tiles, with K split so that
all units work; the same without splitting, so that the last wave of tiles may leave units idle; memory traffic of each
operand; the latency of a pipeline along each side; the launch. A library kernel spends a weighted sum of them
(weights are 1 / efficiency, never negative, found by non-negative least squares), so the physical part never falls as
a side grows and goes to the rooflines in the limits. Tiles are those GPU libraries publish (32 to 128 a side).
Each transpose variant may add to the weights. The rest is `Correction`, made monotone by `envelope`.

Valid for one dense product alone on the device, its operands resident; measured up to 5e5 a side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log2

import numpy as np
from numpy.typing import NDArray

from simulator.cost.correction import NO_CORRECTION, Correction
from simulator.cost.envelope import monotone
from simulator.cost.rates import DeviceRates, element_size
from simulator.workload.kernels import Gemm

__all__ = ["VARIANTS", "GemmFit", "GemmTable", "gemm_floor", "gemm_terms"]

Array = NDArray[np.float64]

#: Transposes of (A, B) as the data name them.
VARIANTS: Mapping[tuple[bool, bool], str] = {
    (False, False): "nn",
    (True, False): "tn",
    (False, True): "nt",
    (True, True): "tt",
}
_TILES = ((128, 128), (128, 64), (64, 128), (64, 64), (128, 32), (32, 128), (64, 32), (32, 32))
_OCTAVES = 21  # the table spans 1 to 2^20 elements a side


def gemm_terms(m: Array, n: Array, k: Array, rates: DeviceRates, precision: str) -> dict[str, Array]:
    """The physical terms [s] of products m × n × k; each does not decrease in any side."""
    size, peak, flops = element_size(precision), rates.peak_of(precision), 2.0 * m * n * k
    cycle = 1.0 / rates.clock
    terms = {
        "launch": np.full_like(flops, rates.launch_overhead),
        "arithmetic": flops / peak,
        "traffic_a": size * m * k / rates.bandwidth,
        "traffic_b": size * k * n / rates.bandwidth,
        "traffic_c": size * m * n / rates.bandwidth,
        "depth_k": k * cycle,
        "depth_m": m * cycle,
        "depth_n": n * cycle,
        "surface": 2.0 * np.sqrt(m * n) * k * rates.units / peak,
    }
    for rows, columns in _TILES:
        tiles = np.ceil(m / rows) * np.ceil(n / columns)
        tile_time = 2.0 * rows * columns * k / (peak / rates.units)
        terms[f"tiles_{rows}x{columns}"] = tiles * tile_time / rates.units
        terms[f"waves_{rows}x{columns}"] = np.ceil(tiles / rates.units) * tile_time
    return terms


def gemm_floor(m: Array, n: Array, k: Array, rates: DeviceRates, precision: str) -> Array:
    """No kernel is faster [s]: arithmetic at peak, and operands beyond the cache once over the memory bus."""
    traffic = element_size(precision) * (m * k + k * n + m * n)
    floor: Array = np.maximum(
        2.0 * m * n * k / rates.peak_of(precision), np.maximum(0.0, traffic - rates.cache_size) / rates.bandwidth
    )
    return np.maximum(floor, rates.launch_overhead)


@dataclass(frozen=True, eq=False)
class GemmFit:
    """What was fitted for one device and precision.

    Attributes
    ----------
    weights : mapping of str to float
        By term name; ``"tn.waves_64x64"`` adds to ``"waves_64x64"`` for that variant only.
    correction : Correction
        Over (log2 m, log2 n, log2 k).
    upper_share : float
        See `envelope.monotone`.
    narrow_columns : int
        0, or a power of two: the library runs products with n up to this by kernels that can be *slower* than those
        for larger n, as measured; time is then non-decreasing on each side of it but not across.
    """

    weights: Mapping[str, float]
    correction: Correction = NO_CORRECTION
    upper_share: float = 0.5
    narrow_columns: int = 0

    def physical(self, shapes: Array, variant: str, rates: DeviceRates, precision: str) -> Array:
        """Weighted sum of the terms [s] for `shapes` (rows of m, n, k)."""
        terms = gemm_terms(shapes[:, 0], shapes[:, 1], shapes[:, 2], rates, precision)
        total = np.zeros(len(shapes))
        for key, weight in self.weights.items():
            prefix, _, name = key.rpartition(".")
            if prefix in ("", variant):
                total += weight * terms[name]
        return total

    def table(self, variant: tuple[bool, bool], rates: DeviceRates, precision: str) -> GemmTable:
        """Times of one transpose variant on one device, ready to be looked up."""
        side = 2.0 ** np.arange(_OCTAVES)
        shapes = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
        name = VARIANTS[variant]
        logarithms = np.log(self.physical(shapes, name, rates, precision))
        logarithms += self.correction(np.log2(shapes), list(VARIANTS).index(variant))
        floor = np.log(gemm_floor(shapes[:, 0], shapes[:, 1], shapes[:, 2], rates, precision))
        breaks = (int(log2(self.narrow_columns)) + 1,) if self.narrow_columns else ()
        cube = np.maximum(logarithms, floor).reshape(_OCTAVES, _OCTAVES, _OCTAVES)
        return GemmTable(monotone(cube, self.upper_share, breaks, axis=1), rates, precision)


@dataclass(frozen=True, eq=False)
class GemmTable:
    """Logarithms of times on a grid of powers of two (m, n, k), for one device, precision and transpose variant."""

    logarithms: Array
    rates: DeviceRates
    precision: str

    def time(self, m: float, n: float, k: float) -> float:
        """Time [s] of one product; sides beyond the grid are extended in proportion to the work."""
        value, corner = 0.0, []
        for side in (m, n, k):
            position = log2(max(side, 1.0))
            cell = min(int(position), _OCTAVES - 2)
            value += max(0.0, position - (_OCTAVES - 1)) * log(2.0)
            corner.append((cell, min(position, _OCTAVES - 1.0) - cell))
        (i, x), (j, y), (h, z) = corner
        cube = self.logarithms[i : i + 2, j : j + 2, h : h + 2].tolist()
        rows = [[low + z * (high - low) for low, high in plane] for plane in cube]
        near, far = (low + y * (high - low) for low, high in rows)
        return float(np.exp(value + near + x * (far - near)))


def gemm_time(kernel: Gemm, table: GemmTable) -> float:
    """Time [s] of a product, or of a batched call of `count` equal ones.

    A batched call fills the device as one product with `count` times the columns would, and reads `count` matrices A.
    """
    rates, size = table.rates, element_size(table.precision)
    m, n, k = float(kernel.m), float(kernel.n * kernel.count), float(kernel.k)
    extra = size * (kernel.count - 1.0) * m * k / rates.bandwidth
    traffic = max(0.0, kernel.bytes_moved(size) - rates.cache_size) / rates.bandwidth
    floor = max(kernel.flops / rates.peak_of(table.precision), traffic, rates.launch_overhead)
    return max(table.time(m, n, k) + extra, floor)
