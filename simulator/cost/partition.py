"""What a group of cores of a many-core chip can do: its rates, and the cost of its parallel loops.

A group computes its own batch by itself, so the kernel model takes it for a smaller chip of the same kind: n of N cores
with n/N of the arithmetic peak and of the caches. What makes smaller groups more efficient then follows from the terms
of that model, fitted to the whole chip (`validation/deepbench`), and from one more:

- *Idle cores.* Tiles are dealt to whole cores in waves; few cores have fewer left over in the last one (``waves``).
- *Serial parts.* Some of the measured time of a product does not shrink with the number of cores (``surface``,
  ``depth``): groups have P such parts under way at once, a whole chip one after the other.
- *Parallel loops.* Fork and join pass a tree of the cores down and up: 2 ⌈log2 n⌉ core-to-core latencies, out of the
  overhead that the profile states for all N cores.

The correction of the fit is left as it was measured on the whole chip, by the shape of the kernel; that a shape which
is awkward for 68 cores may suit 4 better is thus not assumed. Bandwidth is shared: groups work in step, so all stream
at once, and each gets 1/P of what their joint working set sees. Not modelled: interference in the mesh, L2 caches of a
tile that two groups share, and whatever a framework does outside its kernels.
"""

from __future__ import annotations

from dataclasses import replace

from simulator.cost.rates import DeviceRates
from simulator.errors import InputError
from simulator.hardware.device import Device

__all__ = ["fork_join_time", "group_rates"]


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


def _depth(cores: int) -> int:
    """Levels of a binary tree over that many cores, ⌈log2 n⌉."""
    return (cores - 1).bit_length()
