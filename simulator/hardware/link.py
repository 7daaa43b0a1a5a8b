"""Link profiles: what one cable, bus or fabric port does for a message, one direction at a time.

A message of n bytes alone on one link takes ``message_overhead + latency + n / bandwidth`` (Hockney 1994). The
overhead is software and is paid once a message, whatever the number of links it crosses; the latency belongs to this
one link (the wire and the switch it enters) and is paid on each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from simulator.hardware.catalogue import load_profile
from simulator.hardware.sourced import Profile, SourcedBandwidth, SourcedTime

__all__ = ["LinkProfile", "Medium", "load_link"]

Medium = Literal["pcie", "nvlink", "cpu-interconnect", "infiniband", "ethernet", "aries", "omni-path", "memory"]


class LinkProfile(Profile):
    """One class of link. Bandwidths are a direction's, in B/s.

    Attributes
    ----------
    medium : str
        The class traffic is accounted under.
    bandwidth : Sourced
        Achieved by one large transfer, one way; on a bus, from pinned host memory.
    raw_bandwidth : Sourced
        What the signalling allows after line coding; an upper bound on `bandwidth`.
    latency : Sourced
        Of the wire and the switch it enters [s]; no software.
    duplex : str
        ``"full"``, or ``"half"`` when both directions share the bandwidth.
    pageable_bandwidth : Sourced, optional
        Achieved by a copy between a device and unpinned host memory.
    both_directions_bandwidth : Sourced, optional
        What each direction gets while the other is loaded too, when that is less than `bandwidth`.
    message_overhead : Sourced, optional
        Software time of one message of the usual kind over this link [s]: the copy call, or MPI on a Xeon core.
    flow_cap : Sourced, optional
        The most one stream gets, such as one TCP connection.
    """

    schema_version: Literal["clustersim/link/1"] = Field(alias="schema")
    medium: Medium
    duplex: Literal["full", "half"]
    bandwidth: SourcedBandwidth
    raw_bandwidth: SourcedBandwidth
    latency: SourcedTime
    pageable_bandwidth: SourcedBandwidth | None = None
    both_directions_bandwidth: SourcedBandwidth | None = None
    message_overhead: SourcedTime | None = None
    flow_cap: SourcedBandwidth | None = None

    @model_validator(mode="after")
    def _within_raw_bandwidth(self) -> Self:
        if self.bandwidth.value > self.raw_bandwidth.value:
            raise ValueError(f"bandwidth: expected at most raw_bandwidth {self.raw_bandwidth.value:g} B/s")
        for key in ("pageable_bandwidth", "both_directions_bandwidth", "flow_cap"):
            number = getattr(self, key)
            if number is not None and number.value > self.bandwidth.value:
                raise ValueError(f"{key}: expected at most bandwidth {self.bandwidth.value:g} B/s")
        return self

    def time(self, size: float) -> float:
        """Time [s] of one message of `size` bytes alone on this one link."""
        overhead = self.message_overhead.value if self.message_overhead else 0.0
        return overhead + self.latency.value + size / self.bandwidth.value


def load_link(name_or_path: str | Path) -> LinkProfile:
    """A link profile by its name, such as ``"pcie3-x16"``, or from a file.

    Raises
    ------
    InputError
        One line that names the file, the key and what was expected.
    """
    return load_profile("links", name_or_path, LinkProfile)
