"""What a device can do at best: the few rates every kernel cost model is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from types import MappingProxyType
from typing import Literal

from simulator.errors import InputError, UnknownNameError

__all__ = ["ELEMENT_SIZE", "DeviceRates", "Family", "element_size"]

Family = Literal["gpu", "manycore", "cpu"]

#: Bytes of one stored element, by precision.
ELEMENT_SIZE: Mapping[str, int] = MappingProxyType(
    {"fp64": 8, "fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1}
)


def element_size(precision: str) -> int:
    """Bytes of one stored element.

    Raises
    ------
    UnknownNameError
        If the precision is not one of `ELEMENT_SIZE`.

    Examples
    --------
    >>> element_size("fp16")
    2
    """
    if precision not in ELEMENT_SIZE:
        raise UnknownNameError("precision", precision, ELEMENT_SIZE)
    return ELEMENT_SIZE[precision]


@dataclass(frozen=True)
class DeviceRates:
    """A device as the kernel models see it.

    Attributes
    ----------
    name : str
    family : str
        ``"gpu"``, ``"manycore"`` (KNL) or ``"cpu"``.
    units : float
        Streaming multiprocessors or cores.
    clock : float
        [Hz], the one the peaks were computed at.
    peak : mapping of str to float
        Arithmetic peak [FLOP/s] by precision; tensor cores count where the precision runs on them.
    bandwidth : float
        What main memory achieves [B/s], not the data sheet's pin rate.
    launch_overhead : float
        Cost of starting one kernel (GPU) or one parallel region (processor) [s].
    cache_size : float
        Last on-chip cache [B]; traffic below it need not reach main memory. 0 if unknown.
    """

    name: str
    family: Family
    units: float
    clock: float
    peak: Mapping[str, float] = field(hash=False)
    bandwidth: float
    launch_overhead: float
    cache_size: float = 0.0

    def __post_init__(self) -> None:
        positive = {"units": self.units, "clock": self.clock, "bandwidth": self.bandwidth}
        positive |= {f"peak.{precision}": rate for precision, rate in self.peak.items()}
        for key, value in positive.items():
            if not (isfinite(value) and value > 0):
                raise InputError(f"device {self.name}: {key} must be positive and finite, got {value!r}")
        for key, value in {"launch_overhead": self.launch_overhead, "cache_size": self.cache_size}.items():
            if not (isfinite(value) and value >= 0):
                raise InputError(f"device {self.name}: {key} must be finite and not negative, got {value!r}")

    def faster(self, compute: float, bandwidth: float, launch: float) -> DeviceRates:
        """The rates of the same device with factors on arithmetic (and its clock), memory and the time of a launch."""
        return replace(
            self,
            clock=self.clock * compute,
            peak={precision: rate * compute for precision, rate in self.peak.items()},
            bandwidth=self.bandwidth * bandwidth,
            launch_overhead=self.launch_overhead * launch,
        )

    def peak_of(self, precision: str) -> float:
        """Arithmetic peak [FLOP/s] of one precision.

        Raises
        ------
        UnknownNameError
            If the device has no such precision.
        """
        if precision not in self.peak:
            raise UnknownNameError("precision", precision, self.peak, where=f"device {self.name}")
        return self.peak[precision]
