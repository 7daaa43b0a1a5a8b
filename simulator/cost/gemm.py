"""Time of a matrix product from its shape: physical terms, a fitted weight for each, a monotone fitted correction.

The terms are times [s] on ideal hardware: arithmetic at peak; arithmetic padded to whole tiles, with K split so that
all units work; the same without splitting, so that the last wave of tiles may leave units idle; memory traffic of each
operand; the latency of a pipeline along each side; the launch. A library kernel spends a weighted sum of them
(weights are 1 / efficiency, never negative, found by non-negative least squares), so the physical part never falls as
a side grows and goes to the rooflines in the limits. Tiles are those GPU libraries publish (32 to 128 a side).
Each transpose variant may add to the weights. The rest is `Correction`, made monotone by `envelope`: the time of a
larger product is never less, except where a device's library was measured to do so (`GemmFit.narrow_columns`).

Valid for one dense product alone on the device, its operands resident; measured up to 5e5 a side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log, log2

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
#: Sides at which times are tabulated: powers of two, and one past the edge of each common tile.
_SIDES = np.array(sorted([2**octave for octave in range(21)] + [33, 65, 129]), dtype=float)
_POSITIONS = np.log2(_SIDES).tolist()


def gemm_terms(
    m: Array, n: Array, k: Array, rates: DeviceRates, precision: str, names: Collection[str] | None = None
) -> dict[str, Array]:
    """The physical terms [s] of products m × n × k; each does not decrease in any side.

    Tile terms outside `names` are left out if it is given: they are the dear ones.
    """
    size, peak, flops = element_size(precision), rates.peak_of(precision), 2.0 * m * n * k
    cycle = 1.0 / rates.clock
    terms = {
        "launch": np.full_like(flops, rates.launch_overhead),
        "arithmetic": flops / peak,
        "traffic_a": size * m * k / rates.bandwidth,
        "traffic_b": size * k * n / rates.bandwidth,
        "traffic_c": size * m * n / rates.bandwidth,
        "depth_k": k * cycle,
        "surface": 2.0 * np.sqrt(m * n) * k * rates.units / peak,
    }
    for rows, columns in _TILES:
        if names is not None and not {f"tiles_{rows}x{columns}", f"waves_{rows}x{columns}"} & set(names):
            continue
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
        for larger n, as measured; time is then non-decreasing on each side of it but may fall from it to twice it.
    exact_share : float
        Power to which the exact physical time enters, 0 to 1; the rest comes from the monotone table.
    """

    weights: Mapping[str, float]
    correction: Correction = NO_CORRECTION
    upper_share: float = 0.5
    narrow_columns: int = 0
    exact_share: float = 0.2
    #: The correction over the table's grid, by variant: most of a table's work, and the same whatever the rates.
    _corrections: dict[str, Array] = field(default_factory=dict, repr=False)

    def physical(self, shapes: Array, variant: str, rates: DeviceRates, precision: str) -> Array:
        """Weighted sum of the terms [s] for `shapes` (rows of m, n, k)."""
        weights = self._weights_of[variant]
        terms = gemm_terms(shapes[:, 0], shapes[:, 1], shapes[:, 2], rates, precision, weights)
        total = np.zeros(len(shapes))
        for name, weight in weights.items():
            total += weight * terms[name]
        return total

    @cached_property
    def _weights_of(self) -> dict[str, dict[str, float]]:
        """Weights by variant and term, the variant's own added to the common ones."""
        result: dict[str, dict[str, float]] = {variant: {} for variant in VARIANTS.values()}
        for key, weight in self.weights.items():
            prefix, _, name = key.rpartition(".")
            for variant in [prefix] if prefix else VARIANTS.values():
                result[variant][name] = result[variant].get(name, 0.0) + weight
        return result

    def table(self, variant: tuple[bool, bool], rates: DeviceRates, precision: str) -> GemmTable:
        """Times of one transpose variant on one device, ready to be looked up."""
        shapes = np.stack(np.meshgrid(_SIDES, _SIDES, _SIDES, indexing="ij"), axis=-1).reshape(-1, 3)
        name = VARIANTS[variant]
        logarithms = (1.0 - self.exact_share) * np.log(self.physical(shapes, name, rates, precision))
        if not self._corrections:
            values = self.correction.of_variants(np.log2(shapes), range(len(VARIANTS)))
            self._corrections.update(zip(VARIANTS.values(), values, strict=True))
        logarithms += self._corrections[name]
        breaks = (int(np.searchsorted(_SIDES, self.narrow_columns)) + 1,) if self.narrow_columns else ()
        cube = logarithms.reshape(3 * (len(_SIDES),))
        return GemmTable(self, monotone(cube, self.upper_share, breaks, axis=1), name, rates, precision)


@dataclass(frozen=True, eq=False)
class GemmTable:
    """A fit made monotone for one device, precision and transpose variant.

    The time is a product of two factors that do not decrease: the exact physical time to the power `exact_share`, which
    keeps tiles and waves, and a table over a grid of sides that holds the rest and the correction.
    """

    fit: GemmFit
    logarithms: Array
    variant: str
    rates: DeviceRates
    precision: str

    def time(self, m: float, n: float, k: float) -> float:
        """Time [s] of one product; beyond the grid it grows in proportion to the work."""
        share = self.fit.exact_share
        value, corner = 0.0, []
        for side in (m, n, k):
            position = log2(max(side, 1.0))
            value += (1.0 - share) * max(0.0, position - _POSITIONS[-1]) * log(2.0)
            position = min(position, _POSITIONS[-1])
            cell = min(bisect_right(_POSITIONS, position), len(_POSITIONS) - 1) - 1
            start, end = _POSITIONS[cell], _POSITIONS[cell + 1]
            corner.append((cell, (position - start) / (end - start)))
        (i, x), (j, y), (h, z) = corner
        cube = self.logarithms[i : i + 2, j : j + 2, h : h + 2].tolist()
        rows = [[low + z * (high - low) for low, high in plane] for plane in cube]
        near, far = (low + y * (high - low) for low, high in rows)
        exact = float(self.fit.physical(np.array([[m, n, k]]), self.variant, self.rates, self.precision)[0])
        return exp(value + near + x * (far - near) + share * log(exact))


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
