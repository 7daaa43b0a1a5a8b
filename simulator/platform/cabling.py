"""From cables of a system profile to the directed links that messages compete for, through one builder.

A path is first found as a sequence of steps (vertex, vertex, what joins them), which needs no `Link` objects; only the
steps that some route really takes become links. So a machine of 10,000 accelerators costs nothing it is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from simulator.hardware.cables import Cable, CableType
from simulator.platform.links import Link

__all__ = ["LinkBuilder", "Step", "steps_of"]


class Step(NamedTuple):
    """One step of a path: from vertex to vertex over a cable."""

    source: str
    target: str
    cable: CableType


class LinkBuilder:
    """Makes each directed link once, when it is first asked for, so that equal steps are one and the same `Link`."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], Link] = {}

    def link(self, step: Step) -> Link:
        """The link of a step."""
        ends = (step.source, step.target)
        link = self._links.get(ends)
        if link is None:
            name = f"{step.source}->{step.target}"
            shared = f"{min(ends)}<->{max(ends)}"
            link = Link(
                name=name,
                source=step.source,
                target=step.target,
                bandwidth=step.cable.bandwidth,
                latency=step.cable.latency,
                medium=step.cable.medium,
                resource=shared if step.cable.half_duplex else name,
            )
            self._links[ends] = link
        return link

    def links(self, path: Iterable[Step]) -> tuple[Link, ...]:
        """The links of a path."""
        return tuple(self.link(step) for step in path)


def steps_of(cable: Cable) -> tuple[Step, Step]:
    """Both directions of a cable."""
    return Step(cable.source, cable.target, cable.type), Step(cable.target, cable.source, cable.type)
