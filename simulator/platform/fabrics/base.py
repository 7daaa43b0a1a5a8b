"""What every fabric offers: the way between two adapters, worked out from their numbers, and the list of its cables.

Paths cost time in proportion to their length, never a search over the machine, so a fabric of 10,000 adapters is as
cheap to set up as one of two. An adapter is known by its index: node times adapters a node, plus adapter in the node.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from simulator.hardware.cables import Cable, CableType
from simulator.platform.cabling import Step

__all__ = ["Fabric", "NoFabric", "walk"]


class Fabric(ABC):
    """The network between the adapters of a platform.

    Parameters
    ----------
    adapters : sequence of str
        Vertex names of the placed adapters; their position is their index.
    cables : mapping
        Numbers of the fabric's cables, by their key in the profile.
    """

    def __init__(self, adapters: Sequence[str], cables: Mapping[str, CableType]) -> None:
        self.adapters = adapters
        self._cables = cables

    @abstractmethod
    def path(self, source: int, target: int) -> tuple[Step, ...]:
        """The way from one adapter to another; the same every time it is asked for."""

    @abstractmethod
    def cables(self) -> Iterator[Cable]:
        """Every cable that routes between the placed adapters can use, each once."""

    @abstractmethod
    def layers(self) -> Mapping[str, int]:
        """The fabric's switches and how far above the adapters each stands (1, 2, …), for drawing and listing."""


class NoFabric(Fabric):
    """No network: a machine of one node."""

    def path(self, source: int, target: int) -> tuple[Step, ...]:
        """Only the empty way from an adapter to itself."""
        if source != target:
            raise ValueError("a system without a fabric has one node")
        return ()

    def cables(self) -> Iterator[Cable]:
        """None."""
        return iter(())

    def layers(self) -> Mapping[str, int]:
        """None."""
        return {}


def walk(vertices: Sequence[str], cables: Sequence[CableType]) -> tuple[Step, ...]:
    """The path through `vertices`, the i-th cable joining the i-th with the next."""
    return tuple(
        Step(source, target, cable) for (source, target), cable in zip(pairwise(vertices), cables, strict=True)
    )
