"""Time of kernels that only stream memory: activations, pooling, normalisation, parameter updates.

Where a device's own times have been measured, by size, they are looked up. Otherwise it is a roofline.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from simulator.cost.rates import DeviceRates, element_size
from simulator.workload.kernels import Elementwise

__all__ = ["StreamTable", "elementwise_time"]


@dataclass(frozen=True)
class StreamTable:
    """Measured times of one kind of kernel by the bytes it moves: a straight line between logarithms.

    Below the smallest measured size the time is that of the smallest, beyond the largest it grows in proportion.

    Attributes
    ----------
    sizes, seconds : sequences of float, shape (n,)
        Bytes, increasing, and [s], not decreasing; n >= 2.

    Examples
    --------
    >>> table = StreamTable((1e3, 1e5), (1e-6, 1e-4))
    >>> [round(table.time(size) * 1e6, 6) for size in (10, 1e3, 1e4, 1e6)]
    [1.0, 1.0, 10.0, 1000.0]
    """

    sizes: Sequence[float]
    seconds: Sequence[float]

    def faster(self, bandwidth: float, launch: float) -> StreamTable:
        """The table of a device with so many times the bandwidth, and a factor on what a call takes at least.

        What a call takes is the time of the smallest kernel, less that of its bytes at the rate of the largest one.
        """
        call = max(0.0, self.seconds[0] - self.sizes[0] * self.seconds[-1] / self.sizes[-1])
        return StreamTable(self.sizes, tuple(call * launch + (time - call) / bandwidth for time in self.seconds))

    def time(self, size: float) -> float:
        """Time [s] of a kernel that moves so many bytes."""
        place = bisect_right(self.sizes, size)
        if place == 0:
            return self.seconds[0]
        if place == len(self.sizes):
            return self.seconds[-1] * size / self.sizes[-1]
        low, high = self.sizes[place - 1], self.sizes[place]
        share = log(size / low) / log(high / low)
        return exp((1 - share) * log(self.seconds[place - 1]) + share * log(self.seconds[place]))


def elementwise_time(kernel: Elementwise, rates: DeviceRates, precision: str = "fp32") -> float:
    """Launch overhead plus the slower of memory traffic and arithmetic [s] (roofline, Williams et al. 2009).

    Arithmetic runs outside the matrix units, so at the fp32 peak whatever the stored precision.

    Examples
    --------
    >>> rates = DeviceRates("d", "gpu", 1, 1e9, {"fp32": 1e12}, bandwidth=1e9, launch_overhead=0.0)
    >>> elementwise_time(Elementwise("add", read=2e6, written=1e6), rates)
    0.012
    """
    traffic = kernel.bytes_moved(element_size(precision)) / rates.bandwidth
    peak = rates.peak["fp32"] if "fp32" in rates.peak else rates.peak_of(precision)
    return rates.launch_overhead + max(traffic, kernel.flops / peak)
