"""From cables of a system profile to the directed links that messages compete for, through one builder.

A path is first found as steps (vertex, vertex, what joins them), which needs no `Link` objects; only the steps that
some route really takes become links. So a machine of 10,000 accelerators costs nothing it is not asked for.

Between nodes a path is a few *stretches* that many others share, such as the way from a leaf up to a core switch. Each
is found once and becomes links once, so that a route costs about as much as it has stretches, not steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from math import inf
from typing import NamedTuple

from simulator.hardware.cables import Cable, CableType
from simulator.platform.corrections import UNCORRECTED, PlatformCorrections
from simulator.platform.links import Link
from simulator.platform.records import record

__all__ = ["LaidStretch", "LinkBuilder", "Step", "Stretch", "steps_of"]


class Step(NamedTuple):
    """One step of a path: from vertex to vertex over a cable."""

    source: str
    target: str
    cable: CableType


@record
class Stretch:
    """The way through some vertices over equal cables. Whoever finds paths hands out the same stretch every time.

    Attributes
    ----------
    vertices : sequence of str
        In order, both ends included.
    cable : CableType
        What joins each with the next.
    """

    vertices: Sequence[str]
    cable: CableType

    def steps(self) -> tuple[Step, ...]:
        """The same step by step."""
        return tuple(Step(source, target, self.cable) for source, target in pairwise(self.vertices))


class LaidStretch(NamedTuple):
    """The links of a stretch, and what its cables leave one message that is alone [B/s].

    Attributes
    ----------
    flow_cap, pageable_bandwidth : float
        The least of its cables; see `simulator.hardware.cables.CableType`.
    """

    links: tuple[Link, ...]
    flow_cap: float
    pageable_bandwidth: float


class LinkBuilder:
    """Makes each directed link once, when it is first asked for, so that equal steps are one and the same `Link`.

    Parameters
    ----------
    corrections : PlatformCorrections
        What measurements have corrected of the cables.

    Attributes
    ----------
    lay : callable
        The links of a stretch, and its limits; the same object every time.
    """

    def __init__(self, corrections: PlatformCorrections = UNCORRECTED) -> None:
        self._corrections = corrections
        self._links: dict[tuple[str, str], Link] = {}
        self.lay = cache(self._lay)

    def link(self, source: str, target: str, cable: CableType) -> Link:
        """The link of a step from vertex to vertex over a cable."""
        link = self._links.get((source, target))
        if link is None:
            cable = self._corrections.cable(cable)
            name = resource = f"{source}->{target}"
            if cable.half_duplex:
                resource = f"{min(source, target)}<->{max(source, target)}"
            link = Link(name, source, target, cable.bandwidth, cable.latency, cable.medium, resource)
            self._links[source, target] = link
        return link

    def _lay(self, stretch: Stretch) -> LaidStretch:
        links = tuple([self.link(source, target, stretch.cable) for source, target in pairwise(stretch.vertices)])
        cable = self._corrections.cable(stretch.cable)
        return LaidStretch(links, cable.flow_cap, cable.pageable_bandwidth)

    def limits(self, path: Iterable[Step]) -> tuple[float, float]:
        """What the cables of a path leave one message [B/s] at most: in one stream, and from or to pageable memory."""
        cables = [self._corrections.cable(step.cable) for step in path]
        return (
            min((cable.flow_cap for cable in cables), default=inf),
            min((cable.pageable_bandwidth for cable in cables), default=inf),
        )


def steps_of(cable: Cable) -> tuple[Step, Step]:
    """Both directions of a cable."""
    return Step(cable.source, cable.target, cable.type), Step(cable.target, cable.source, cable.type)
