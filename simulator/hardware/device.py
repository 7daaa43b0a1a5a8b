"""Device profiles: what computes, and the memories it computes from.

A device is a GPU, a self-hosted manycore (Knights Landing) or the host CPUs of a node taken together. Peak rates are
data-sheet rates at the clock the part holds in such work; how much of them a kernel reaches is the business of
`simulator.cost`, by the kernel model the profile names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from simulator.documents import Document
from simulator.errors import suggestion
from simulator.hardware.catalogue import beside, load_profile, profile_path
from simulator.hardware.memory import ClusterMode, Memory, MemoryCache, MemoryMode
from simulator.hardware.sourced import (
    Profile,
    SourcedBandwidth,
    SourcedCount,
    SourcedDuration,
    SourcedFrequency,
    SourcedNumber,
    SourcedPower,
    SourcedPrice,
    SourcedRate,
    SourcedSize,
    SourcedTime,
    Text,
)

__all__ = ["Device", "PowerDraw", "Precision", "load_device"]

Precision = Literal["fp64", "fp32", "tf32", "fp16", "bf16", "fp8"]


class PowerDraw(Document):
    """Electrical power of the device [W]: `tdp` while it computes, `idle` while it waits with a program on it."""

    tdp: SourcedPower
    idle: SourcedPower | None = None


class Device(Profile):
    """One device.

    Attributes
    ----------
    units : Sourced
        Streaming multiprocessors of a GPU, cores of a CPU (all sockets).
    clock : Sourced
        The clock `peak` is stated at [Hz].
    cache : Sourced, optional
        Last cache on the chip, all units together [bytes].
    flops_per_cycle : dict
        Operations of one unit in one cycle, for those precisions whose peak follows from `units` and `clock`.
    peak : dict
        Dense peak by precision [FLOP/s]; tensor units where the part has them.
    memories, main_memory, fast_memory
        The memories by name; `main_memory` is the large one that data lives in, `fast_memory` a smaller, faster one
        beside it, which needs `memory_modes`, `default_memory_mode` and `memory_cache`.
    launch_overhead : Sourced, optional
        Host time to start one kernel [s]; every GPU has it.
    parallel_region_overhead : Sourced, optional
        Time to start and join one parallel loop over all cores [s].
    core_latency : Sourced, optional
        Time for one core to see what another has written [s].
    core_bandwidth : Sourced, optional
        Memory bandwidth that one core alone reaches [B/s].
    runtime_memory : Sourced, optional
        What a process takes of the memory before it allocates anything: context, kernels, libraries [bytes].
    mtbf : Sourced, optional
        Mean time to a failure of the device that stops a run [s].
    message_overhead_factor : Sourced, optional
        Software time of a network message relative to a Xeon core, which link profiles are stated for.
    sockets : int, optional
        Of a CPU host.
    kernel_model, kernel_model_rule
        Name of the fitted kernel model, or its file relative to that of the device, and how it is carried over when it
        was fitted to another device.
    """

    schema_version: Literal["clustersim/device/1"] = Field(alias="schema")
    family: Literal["gpu", "manycore", "cpu"]
    vendor: Text
    year: int = Field(ge=2000, le=2100)
    units: SourcedCount
    clock: SourcedFrequency
    base_clock: SourcedFrequency | None = None
    cache: SourcedSize | None = None
    flops_per_cycle: dict[Precision, SourcedNumber] = Field(default_factory=dict)
    peak: dict[Precision, SourcedRate]
    memories: dict[str, Memory]
    main_memory: Text
    fast_memory: Text | None = None
    default_memory_mode: Text | None = None
    memory_modes: dict[str, MemoryMode] = Field(default_factory=dict)
    memory_cache: MemoryCache | None = None
    default_cluster_mode: Text | None = None
    cluster_modes: dict[str, ClusterMode] = Field(default_factory=dict)
    launch_overhead: SourcedTime | None = None
    parallel_region_overhead: SourcedTime | None = None
    core_latency: SourcedTime | None = None
    core_bandwidth: SourcedBandwidth | None = None
    runtime_memory: SourcedSize | None = None
    mtbf: SourcedDuration | None = None
    message_overhead_factor: SourcedNumber | None = None
    sockets: int | None = Field(default=None, ge=1)
    power: PowerDraw
    price: SourcedPrice | None = None
    kernel_model: Text | None = None
    kernel_model_rule: Text | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if "fp32" not in self.peak:
            raise ValueError("peak.fp32: missing; it is required")
        for precision in self.flops_per_cycle:
            if precision not in self.peak:
                raise ValueError(f"flops_per_cycle.{precision}: has no peak.{precision} to go with it")
        if self.family == "gpu" and self.launch_overhead is None:
            raise ValueError("launch_overhead: missing; it is required of a gpu")
        if self.family == "cpu" and self.sockets is None:
            raise ValueError("sockets: missing; it is required of a cpu")
        if self.kernel_model is not None and self.kernel_model_rule is None:
            raise ValueError("kernel_model_rule: missing; it is required beside kernel_model")
        return self

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        def one_of(key: str, name: str | None, table: dict[str, MemoryMode] | dict[str, ClusterMode]) -> None:
            if table and name is None:
                raise ValueError(f"{key}: missing; it is required beside modes")
            if name is not None and name not in table:
                raise ValueError(f"{key}: {name!r} is not one of the modes{suggestion(name, table)}")

        for key, name in (("main_memory", self.main_memory), ("fast_memory", self.fast_memory)):
            if name is not None and name not in self.memories:
                raise ValueError(f"{key}: {name!r} is not one of the memories{suggestion(name, self.memories)}")
        one_of("default_memory_mode", self.default_memory_mode, self.memory_modes)
        one_of("default_cluster_mode", self.default_cluster_mode, self.cluster_modes)
        if (self.fast_memory is None) == bool(self.memory_modes):
            raise ValueError("memory_modes: expected exactly when there is a fast_memory")
        caches = any(mode.cache_fraction.value > 0 for mode in self.memory_modes.values())
        if caches and self.memory_cache is None:
            raise ValueError("memory_cache: missing; a mode with a cache_fraction needs it")
        return self

    @model_validator(mode="after")
    def _fast_memory_is_faster(self) -> Self:
        # The tier model is monotone in the footprint only if this holds.
        if self.fast_memory is None:
            return self
        fast, main = self.memories[self.fast_memory], self.memory
        if fast.achieved_bandwidth.value <= main.achieved_bandwidth.value:
            raise ValueError("fast_memory: expected a memory of more achieved_bandwidth than main_memory")
        if fast.capacity.value > main.capacity.value:
            raise ValueError("fast_memory: expected a memory of at most the capacity of main_memory")
        if self.memory_cache and self.memory_cache.inside_bandwidth.value > fast.achieved_bandwidth.value:
            raise ValueError("memory_cache.inside_bandwidth: expected at most the fast memory's achieved_bandwidth")
        if self.memory_cache and self.memory_cache.beyond_footprint.value <= fast.capacity.value:
            raise ValueError("memory_cache.beyond_footprint: expected more than the fast memory's capacity")
        return self

    @property
    def memory(self) -> Memory:
        """The main memory."""
        return self.memories[self.main_memory]


def load_device(name_or_path: str | Path) -> Device:
    """A device profile by its name, such as ``"m40"``, or from a file.

    Raises
    ------
    InputError
        One line that names the file, the key and what was expected.
    """
    device = load_profile("devices", name_or_path, Device)
    if device.kernel_model is None:
        return device
    return device.model_copy(
        update={"kernel_model": beside(profile_path("devices", name_or_path), device.kernel_model)}
    )
