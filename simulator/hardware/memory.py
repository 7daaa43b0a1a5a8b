"""Memories of a device, and the modes in which a Knights Landing uses them.

MCDRAM can be memory of its own, a direct-mapped cache of the DDR4, or be split between the two (memory modes); the
mesh can keep a core's traffic near it and show the chip as one or several memory domains (cluster modes). What they do
to a working set is computed in `simulator.cost.memory_tiers`.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from simulator.documents import Document
from simulator.hardware.sourced import (
    SourcedBandwidth,
    SourcedFraction,
    SourcedNumber,
    SourcedSize,
    SourcedTime,
    Text,
)

__all__ = ["ClusterMode", "Memory", "MemoryCache", "MemoryMode"]


class Memory(Document):
    """One memory of a device.

    Attributes
    ----------
    capacity : Sourced
        As printed, in decimal GB [bytes].
    addressable : Sourced, optional
        What the driver says that programs can have, error correction taken off [bytes]: chips hold binary GB, up to 7 %
        more than is printed. Where it is left out, the printed capacity stands for it.
    bandwidth : Sourced
        Of the data sheet [B/s].
    achieved_bandwidth : Sourced
        What a STREAM triad over all of the device's units gets [B/s].
    latency : Sourced, optional
        Of one dependent load when idle [s].
    """

    capacity: SourcedSize
    addressable: SourcedSize | None = None
    bandwidth: SourcedBandwidth
    achieved_bandwidth: SourcedBandwidth
    latency: SourcedTime | None = None

    @property
    def usable(self) -> float:
        """What programs can have of it [bytes]."""
        return (self.addressable or self.capacity).value

    @model_validator(mode="after")
    def _within_peak(self) -> Self:
        if self.achieved_bandwidth.value > self.bandwidth.value:
            raise ValueError(f"achieved_bandwidth: expected at most bandwidth {self.bandwidth.value:g} B/s")
        return self


class MemoryMode(Document):
    """One way to split the fast memory between addressable memory and a cache of the slow one."""

    title: Text
    cache_fraction: SourcedFraction


class MemoryCache(Document):
    """The fast memory used as a direct-mapped cache: two measured points of bandwidth [B/s] against footprint [bytes],
    one inside the cache and one far beyond it, and the latencies [s] of a hit and a miss.
    """

    inside_footprint: SourcedSize
    inside_bandwidth: SourcedBandwidth
    beyond_footprint: SourcedSize
    beyond_bandwidth: SourcedBandwidth
    hit_latency: SourcedTime
    miss_latency: SourcedTime

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if self.beyond_footprint.value <= self.inside_footprint.value:
            raise ValueError("beyond_footprint: expected more than inside_footprint")
        if self.beyond_bandwidth.value > self.inside_bandwidth.value:
            raise ValueError("beyond_bandwidth: expected at most inside_bandwidth")
        return self


class ClusterMode(Document):
    """How addresses are spread over the mesh's tag directories and memory controllers.

    The factors multiply bandwidth and latency; `bandwidth_factor` holds for software that places its data in the
    domain that uses it, `unaware_bandwidth_factor` for data spread evenly over the domains.
    """

    title: Text
    numa_domains: int = Field(ge=1)
    bandwidth_factor: SourcedNumber
    unaware_bandwidth_factor: SourcedNumber
    latency_factor: SourcedNumber

    @property
    def needs_numa_aware_software(self) -> bool:
        """Whether the chip shows itself as several memory domains, so that placement matters."""
        return self.numa_domains > 1
