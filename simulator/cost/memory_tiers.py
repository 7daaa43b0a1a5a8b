"""Memory bandwidth and latency that a working set sees on a device, by where its bytes live.

Plain devices have one memory: a working set fits and gets the achieved bandwidth, or it does not fit. A Knights Landing
has 16 GB of fast MCDRAM beside its DDR4, split by a memory mode: a fraction f of MCDRAM caches DDR4, the rest is memory
(f = 0 is flat mode, f = 1 cache mode, between them hybrid).

*Memory.* Bytes live where they were placed. Each byte of the working set is used equally often, and the two parts one
after the other, as layers are, so the time of a byte is the mean over the parts (a harmonic mean of the bandwidths).
Interleaved pages in flat mode are the exception: both memories work on the same array at once, and the slower part sets
the time. (In hybrid mode MCDRAM serves both its own part and the hits of the other.)

*Cache.* Direct mapped, allocated in contiguous pages: a footprint F in a cache of C hits with h = min(1, C / F). That
is exact for uniformly random use and for a forward sweep followed by a backward one, which finds the last C bytes of
the former; a sweep that always starts over would hit less. The time of a byte is h·t_hit + (1 − h)·t_miss, where t_hit
and t_miss follow from two published points: STREAM triad on Theta (7230), 352 GB/s at 7.5 GB and 59 GB/s at 120 GB.
Between 16 and 120 GB nothing was measured, so there the curve is an interpolation. Pages scattered at random, whose
conflicts begin before the cache is full, are not modelled: with a hit rate of (1 − exp(−F/C))·C/F the two points
would ask for hits that take negative time.

Source of the modes: Sodani et al. 2016, "Knights Landing: Second-generation Intel Xeon Phi product", IEEE Micro 36(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

from simulator.errors import InfeasibleError, InputError, UnknownNameError
from simulator.hardware.device import Device
from simulator.hardware.memory import ClusterMode, MemoryCache
from simulator.units import format_quantity

__all__ = ["Placement", "effective_bandwidth", "effective_latency", "hit_rate", "usable_capacity"]

#: Where a working set is put when there are two memories: the fast one until it is full, the slow one, or page by page.
Placement = Literal["fast-first", "slow", "interleave"]


@dataclass(frozen=True)
class _Tier:
    """A part of a working set and the memory that serves it."""

    footprint: float  #: [bytes], more than 0
    bandwidth: float  #: [B/s]
    latency: float | None  #: [s]
    cached: bool = False  #: whether the fast memory serves its hits


def effective_bandwidth(
    device: Device,
    footprint: float,
    mode: str | None = None,
    placement: Placement = "fast-first",
    cluster_mode: str | None = None,
    *,
    numa_aware: bool = True,
) -> float:
    """Bandwidth [B/s] that a working set of `footprint` bytes gets when all of the device works on it.

    Never more for a larger footprint.

    Parameters
    ----------
    device : Device
    footprint : float
        Bytes the computation keeps and goes through, >= 0.
    mode : str, optional
        One of the device's memory modes; its default one if None.
    placement : str
        Of the addressable memories. With one addressable memory (plain devices, cache mode) all placements are equal.
    cluster_mode : str, optional
        One of the device's cluster modes; its default one if None.
    numa_aware : bool
        Whether data is placed in the domain that uses it, in cluster modes with several.

    Raises
    ------
    InfeasibleError
        If the working set does not fit where it is placed; the text gives need and capacity.
    UnknownNameError
        If the device has no such mode, or there is no such placement.
    InputError
        If `footprint` is negative or not finite.

    Examples
    --------
    >>> from simulator.hardware import load_device
    >>> knl = load_device("knl-7230")
    >>> [round(effective_bandwidth(knl, 7.5e9, mode) / 1e9) for mode in ("flat", "cache")]
    [485, 352]
    """
    tiers = _tiers(device, footprint, mode, placement)
    times = [tier.footprint / tier.bandwidth for tier in tiers]
    at_once = placement == "interleave" and not any(tier.cached for tier in tiers)
    total = max(times) if at_once else sum(times)
    cluster = _cluster_mode(device, cluster_mode)
    if cluster is None:
        factor = 1.0
    else:
        factor = (cluster.bandwidth_factor if numa_aware else cluster.unaware_bandwidth_factor).value
    return factor * sum(tier.footprint for tier in tiers) / total


def effective_latency(
    device: Device,
    footprint: float,
    mode: str | None = None,
    placement: Placement = "fast-first",
    cluster_mode: str | None = None,
) -> float | None:
    """Mean latency [s] of one dependent load from the working set; None where a memory's profile gives none.

    Parameters and errors are those of `effective_bandwidth`.
    """
    tiers = _tiers(device, footprint, mode, placement)
    total = 0.0
    for tier in tiers:
        if tier.latency is None:
            return None
        total += tier.footprint * tier.latency
    cluster = _cluster_mode(device, cluster_mode)
    factor = cluster.latency_factor.value if cluster else 1.0
    return factor * total / sum(tier.footprint for tier in tiers)


def usable_capacity(device: Device, mode: str | None = None) -> float:
    """Addressable memory [bytes] in a memory mode: what serves as cache does not count.

    Raises
    ------
    UnknownNameError
        If the device has no such mode.
    """
    main = device.memory.usable
    if device.fast_memory is None:
        _cache_fraction(device, mode)
        return main
    return main + (1.0 - _cache_fraction(device, mode)) * device.memories[device.fast_memory].usable


def hit_rate(footprint: float, capacity: float) -> float:
    """Fraction of accesses that a direct-mapped cache of `capacity` bytes serves, uniform use of contiguous pages.

    Examples
    --------
    >>> hit_rate(8e9, 16e9), hit_rate(64e9, 16e9)
    (1.0, 0.25)
    """
    return 1.0 if footprint <= capacity else capacity / footprint


def _tiers(device: Device, footprint: float, mode: str | None, placement: Placement) -> list[_Tier]:
    """The parts of a working set, at least one; an empty one is taken as a byte."""
    if not isfinite(footprint) or footprint < 0:
        raise InputError(f"device {device.name}: footprint: expected bytes >= 0, got {footprint!r}")
    if placement not in get_args(Placement):
        raise UnknownNameError("placement", placement, get_args(Placement), f"device {device.name}")
    footprint = max(footprint, 1.0)
    fraction = _cache_fraction(device, mode)
    slow_capacity = device.memory.usable
    if device.fast_memory is None:
        _check_fit(device, footprint, slow_capacity, device.main_memory)
        return [_Tier(footprint, device.memory.achieved_bandwidth.value, _latency(device, device.main_memory))]
    fast = device.memories[device.fast_memory]
    fast_capacity = (1.0 - fraction) * fast.capacity.value
    in_fast = _placed_fast(footprint, fast_capacity, placement)
    in_slow = footprint - in_fast
    if placement == "slow" or not fast_capacity:
        _check_fit(device, footprint, slow_capacity, device.main_memory)
    else:
        _check_fit(device, footprint, fast_capacity + slow_capacity, f"{device.fast_memory} and {device.main_memory}")
    tiers = []
    if in_fast > 0:
        tiers.append(_Tier(in_fast, fast.achieved_bandwidth.value, _latency(device, device.fast_memory)))
    if in_slow > 0:
        tiers.append(_slow_tier(device, in_slow, fraction * fast.capacity.value, fast.capacity.value))
    return tiers


def _placed_fast(footprint: float, fast_capacity: float, placement: Placement) -> float:
    """Bytes of a working set that are placed in the addressable part of the fast memory."""
    if placement == "slow":
        return 0.0
    return min(footprint / 2 if placement == "interleave" else footprint, fast_capacity)


def _slow_tier(device: Device, footprint: float, cache_capacity: float, fast_capacity: float) -> _Tier:
    """Main memory, behind `cache_capacity` bytes of cache."""
    cache = device.memory_cache
    if cache is None or cache_capacity == 0:
        return _Tier(footprint, device.memory.achieved_bandwidth.value, _latency(device, device.main_memory))
    hit, miss = _byte_times(cache, fast_capacity)
    hits = hit_rate(footprint, cache_capacity)
    latency = hits * cache.hit_latency.value + (1 - hits) * cache.miss_latency.value
    return _Tier(footprint, 1.0 / (hits * hit + (1 - hits) * miss), latency, cached=True)


def _byte_times(cache: MemoryCache, capacity: float) -> tuple[float, float]:
    """Times [s/B] of a hit and of a miss that meet both measured points, where all fast memory was cache."""
    inside, beyond = 1.0 / cache.inside_bandwidth.value, 1.0 / cache.beyond_bandwidth.value
    hits_inside = hit_rate(cache.inside_footprint.value, capacity)
    hits_beyond = hit_rate(cache.beyond_footprint.value, capacity)
    # hits·hit + (1 - hits)·miss at both points, two linear equations.
    slope = (beyond - inside) / (hits_inside - hits_beyond)
    return inside - slope * (1.0 - hits_inside), inside + slope * hits_inside


def _cache_fraction(device: Device, mode: str | None) -> float:
    if mode is None:
        mode = device.default_memory_mode
    if mode is None:
        return 0.0
    if mode not in device.memory_modes:
        raise UnknownNameError("memory mode", mode, device.memory_modes, f"device {device.name}")
    return device.memory_modes[mode].cache_fraction.value


def _cluster_mode(device: Device, name: str | None) -> ClusterMode | None:
    if name is None:
        name = device.default_cluster_mode
    if name is None:
        return None
    if name not in device.cluster_modes:
        raise UnknownNameError("cluster mode", name, device.cluster_modes, f"device {device.name}")
    return device.cluster_modes[name]


def _latency(device: Device, memory: str) -> float | None:
    latency = device.memories[memory].latency
    return None if latency is None else latency.value


def _check_fit(device: Device, footprint: float, capacity: float, where: str) -> None:
    if footprint > capacity:
        raise InfeasibleError(
            f"device {device.name}: the working set needs {format_quantity(footprint, 'size', 4)}, "
            f"more than the {format_quantity(capacity, 'size', 4)} of {where}"
        )
