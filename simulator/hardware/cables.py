"""What joins two vertices of a machine: a link profile, how many side by side, and what this system knows better.

A profile says what one link of a kind does (`simulator.hardware.link`). A system says how many of them run in parallel
between two vertices, and may override bandwidth or latency with a figure of its own, which then needs its own source.
Parallel links are one fatter link: NVLink and Aries stripe a message over all of them, so one flow may use their sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from simulator.documents import Document
from simulator.hardware.link import LinkProfile
from simulator.hardware.sourced import SourcedBandwidth, SourcedTime

__all__ = ["Cable", "CableProfile", "CableType", "NamedCable", "resolve"]


class CableProfile(Document):
    """A cable in a system profile; plain text ``"pcie3-x16"`` is short for ``{ link = "pcie3-x16" }``.

    Attributes
    ----------
    link : str
        Name of a link profile.
    count : int
        Links side by side, at least one.
    bandwidth, latency, flow_cap : Sourced, optional
        Of one link [B/s], [s], [B/s], where this system differs from the profile.
    """

    link: str
    count: Annotated[int, Field(ge=1)] = 1
    bandwidth: SourcedBandwidth | None = None
    latency: SourcedTime | None = None
    flow_cap: SourcedBandwidth | None = None


def _from_name(value: Any) -> Any:
    return {"link": value} if isinstance(value, str) else value


#: A `CableProfile` that may be written as the bare name of a link profile.
NamedCable = Annotated[CableProfile, BeforeValidator(_from_name)]


@dataclass(frozen=True)
class CableType:
    """A cable's properties in plain SI numbers.

    Attributes
    ----------
    profile, medium : str
        The link profile, such as ``"pcie3-x16"``, and the class its traffic is accounted under, such as ``"pcie"``.
    count : int
        Links side by side.
    bandwidth : float
        Of all of them together, a direction [B/s]; for a half-duplex cable, of both directions together.
    latency : float
        [s].
    half_duplex : bool
        Whether the two directions compete.
    pageable_bandwidth, flow_cap : float
        What a copy from pageable host memory, and what one message, gets at most [B/s]; infinite if the profile has
        no such figure.
    message_overhead : float or None
        Software time of one copy or message over such a link, from a Xeon core [s], where the profile states one.
    """

    profile: str
    medium: str
    count: int
    bandwidth: float
    latency: float
    half_duplex: bool = False
    pageable_bandwidth: float = inf
    flow_cap: float = inf
    message_overhead: float | None = None


@dataclass(frozen=True)
class Cable:
    """A cable between two vertices, usable both ways."""

    source: str
    target: str
    type: CableType


def resolve(cable: CableProfile, load: Callable[[str], LinkProfile]) -> CableType:
    """The numbers of a cable, from its link profile and its own overrides."""
    profile = load(cable.link)
    bandwidth = cable.bandwidth.value if cable.bandwidth else profile.bandwidth.value
    latency = cable.latency.value if cable.latency else profile.latency.value
    flow_cap = cable.flow_cap or profile.flow_cap
    pageable, overhead = profile.pageable_bandwidth, profile.message_overhead
    return CableType(
        profile=profile.name,
        medium=profile.medium,
        count=cable.count,
        bandwidth=bandwidth * cable.count,
        latency=latency,
        half_duplex=profile.duplex == "half",
        pageable_bandwidth=pageable.value if pageable else inf,
        flow_cap=flow_cap.value if flow_cap else inf,
        message_overhead=overhead.value if overhead else None,
    )
