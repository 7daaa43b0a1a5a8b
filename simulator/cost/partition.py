"""What a group of cores of a many-core chip can do: its rates, and the cost of its parallel loops.

A group computes its own batch by itself, so the kernel model takes it for a smaller chip of the same kind: n of N cores
with n/N of the arithmetic peak and of the caches. How efficient it is then follows from the terms of that model, fitted
to DeepBench's times on the whole chip (`validation/deepbench`), and from one more:

- *Work per core.* The images of a convolution are independent of one another, so a batch matters to its efficiency by
  the images each core gets. The measured residual of the whole chip at b N/n images is therefore that of n cores at b.
  For a product the residual is left at its shape: how much of it is a matter of cores cannot be told from the data.
- *Idle cores.* Tiles are dealt to whole cores in waves; few cores have fewer left over in the last one (``waves``).
- *Serial parts.* Some of the measured time of a product does not shrink with the number of cores (``surface``,
  ``depth``): P groups have P such parts under way at once.
- *Parallel loops.* Fork and join pass a tree of the cores down and up: 2 ⌈log2 n⌉ core-to-core latencies, out of the
  overhead that the profile states for all N cores.

Bandwidth is shared: groups work in step, so all stream at once, and each gets 1/P of what their joint working set sees.
Not modelled: interference in the mesh, the L2 of a tile that two groups share, and what a framework does outside its
kernels (data layers, allocation, loops that nobody made parallel).
"""

from __future__ import annotations

from dataclasses import replace
from math import log2

from simulator.cost.convolution import ConvolutionFit
from simulator.cost.kernel_model import KernelModel
from simulator.cost.rates import DeviceRates
from simulator.errors import InputError
from simulator.hardware.device import Device

__all__ = ["fork_join_time", "group_model", "group_rates"]


def fork_join_time(device: Device, cores: int) -> float:
    """Overhead of one parallel loop over `cores` of a device's cores [s]; 0 where the profile states none.

    Raises
    ------
    InputError
        If there are fewer than one, or more than the device has.

    Examples
    --------
    >>> from simulator.hardware import load_device
    >>> [round(fork_join_time(load_device("knl-7250"), cores) * 1e6, 6) for cores in (68, 17, 4, 1)]
    [2.0, 1.6, 1.0, 0.6]
    """
    everyone = int(device.units.value)
    if not 1 <= cores <= everyone:
        raise InputError(f"device {device.name}: expected 1 to {everyone} cores, got {cores}")
    whole = device.parallel_region_overhead.value if device.parallel_region_overhead else 0.0
    step = device.core_latency.value if device.core_latency else 0.0
    return max(0.0, whole - 2 * (_depth(everyone) - _depth(cores)) * step)


def group_rates(rates: DeviceRates, device: Device, cores: int) -> DeviceRates:
    """Rates of a group of `cores` cores; those of the device if that is all of them.

    The bandwidth stays the chip's: how it is shared is for the caller to say.

    Raises
    ------
    InputError
        If there are fewer than one, or more than the device has.
    """
    overhead = fork_join_time(device, cores)
    if cores == int(device.units.value):
        return rates
    share = cores / device.units.value
    return replace(
        rates,
        units=rates.units * share,
        peak={precision: peak * share for precision, peak in rates.peak.items()},
        cache_size=rates.cache_size * share,
        launch_overhead=overhead,
    )


def group_model(whole: KernelModel, rates: DeviceRates) -> KernelModel:
    """The kernel model of a group of cores with those `rates`; the chip's own if they are the chip's."""
    if rates == whole.rates:
        return whole
    octaves = log2(whole.rates.units / rates.units)
    return KernelModel(
        rates,
        whole.gemm,
        {
            precision: {direction: _at_images_per_core(fit, octaves) for direction, fit in passes.items()}
            for precision, passes in whole.convolution.items()
        },
        whole.elementwise,
    )


def _at_images_per_core(fit: ConvolutionFit, octaves: float) -> ConvolutionFit:
    """A fit whose correction at some batch is what it was at a batch that many octaves larger."""
    correction = fit.correction
    if not len(correction.anchors):
        return fit
    # Features begin with log2 of the batch: moving the anchors down is evaluating further up.
    shift = [octaves] + [0.0] * (correction.anchors.shape[1] - 1)
    return replace(fit, correction=replace(correction, anchors=correction.anchors - shift))


def _depth(cores: int) -> int:
    """Levels of a binary tree over that many cores, ⌈log2 n⌉."""
    return (cores - 1).bit_length()
