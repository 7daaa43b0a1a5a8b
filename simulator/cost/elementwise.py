"""Time of kernels that only stream memory: activations, pooling, normalisation, parameter updates."""

from __future__ import annotations

from simulator.cost.rates import DeviceRates, element_size
from simulator.workload.kernels import Elementwise

__all__ = ["elementwise_time"]


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
