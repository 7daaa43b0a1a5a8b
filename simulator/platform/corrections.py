"""What measurements have corrected on a platform: rates and latencies of links, and software overheads.

Routes are those of the uncorrected machine: a correction changes how long a message takes, never the way it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from simulator.hardware.cables import CableType

__all__ = ["MEMORY", "UNCORRECTED", "CoresCorrection", "LinkCorrection", "PlatformCorrections"]

#: Stands for a link profile where messages are copies inside the memory of one chip.
MEMORY = "memory"


@dataclass(frozen=True)
class LinkCorrection:
    """Factors on the rates of a link, and added latency [s].

    Attributes
    ----------
    bandwidth : float
        On all rates, those of single streams and pageable copies included.
    latency : float
    stream : float or None
        On what a single stream gets, in place of `bandwidth`.
    """

    bandwidth: float = 1.0
    latency: float = 0.0
    stream: float | None = None


@dataclass(frozen=True)
class CoresCorrection:
    """What is corrected of the cores of a CPU that processes share.

    Attributes
    ----------
    together : float
        Factor on what all of them do at once.
    time_slice, switch_time, balance_delay : float or None
        In place of what the system states [s].
    """

    together: float = 1.0
    time_slice: float | None = None
    switch_time: float | None = None
    balance_delay: float | None = None


@dataclass(frozen=True)
class PlatformCorrections:
    """Corrections of a whole platform; without arguments, none.

    Attributes
    ----------
    links : mapping
        By link profile, or `MEMORY`.
    overheads : mapping
        Seconds that replace the system's, by ``"message"``, ``"copy"``, ``"peer"``, ``"staging"``, ``"local"`` and
        ``"collective"``.
    cores : CoresCorrection
        Where ranks are processes that share them.
    overhead_factors : mapping
        Factors on overheads, the system's or those that replace them, by the same names: what if software were faster.
    """

    links: Mapping[str, LinkCorrection] = field(default_factory=dict)
    overheads: Mapping[str, float] = field(default_factory=dict)
    cores: CoresCorrection = CoresCorrection()
    overhead_factors: Mapping[str, float] = field(default_factory=dict)

    def overhead(self, name: str, stated: float) -> float:
        """An overhead in force [s], where `stated` is what the system says."""
        return self.overheads.get(name, stated) * self.overhead_factors.get(name, 1.0)

    def cable(self, cable: CableType) -> CableType:
        """A cable as corrected; the very same object where nothing is."""
        correction = self.links.get(cable.profile)
        if correction is None:
            return cable
        if cable not in self._corrected:
            factor = correction.bandwidth
            stream = factor if correction.stream is None else correction.stream
            self._corrected[cable] = replace(
                cable,
                bandwidth=cable.bandwidth * factor,
                latency=cable.latency + correction.latency,
                pageable_bandwidth=cable.pageable_bandwidth * factor,
                flow_cap=cable.flow_cap * stream,
            )
        return self._corrected[cable]

    @property
    def memory(self) -> LinkCorrection:
        """Of copies inside one chip."""
        return self.links.get(MEMORY, LinkCorrection())

    @cached_property
    def _corrected(self) -> dict[CableType, CableType]:
        return {}


#: A platform as its profiles describe it.
UNCORRECTED = PlatformCorrections()
