"""What every fabric offers: the way between two adapters, worked out from their numbers, and the list of its cables.

Paths cost time in proportion to their length, never a search over the machine, so a fabric of 10,000 adapters is as
cheap to set up as one of two. An adapter is known by its index: node times adapters a node, plus adapter in the node.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from simulator.hardware.cables import Cable, CableType
from simulator.platform.cabling import Step, Stretch

__all__ = ["Fabric", "NoFabric", "SwitchedFabric"]


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
    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
        """The way from one adapter to another, in parts that other ways share; the same every time it is asked for."""

    def path(self, source: int, target: int) -> tuple[Step, ...]:
        """The same step by step."""
        return tuple(step for stretch in self.stretches(source, target) for step in stretch.steps())

    @abstractmethod
    def cables(self) -> Iterator[Cable]:
        """Every cable that routes between the placed adapters can use, each once."""

    @abstractmethod
    def layers(self) -> Mapping[str, int]:
        """The fabric's switches and how far above the adapters each stands (1, 2, …), for drawing and listing."""


class SwitchedFabric(Fabric):
    """A fabric whose adapters hang each on one switch, by its cable ``injection``.

    Attributes
    ----------
    into, out : callable
        The stretch from an adapter to its switch, and the one back; the same object every time.
    """

    def __init__(self, adapters: Sequence[str], cables: Mapping[str, CableType]) -> None:
        super().__init__(adapters, cables)
        self.injection = cables["injection"]
        self.into = cache(lambda adapter: Stretch((adapters[adapter], self.switch_of(adapter)), self.injection))
        self.out = cache(lambda adapter: Stretch((self.switch_of(adapter), adapters[adapter]), self.injection))

    @abstractmethod
    def switch_of(self, adapter: int) -> str:
        """The switch that an adapter hangs on."""

    def _injection_cables(self) -> Iterator[Cable]:
        return (Cable(name, self.switch_of(index), self.injection) for index, name in enumerate(self.adapters))


class NoFabric(Fabric):
    """No network: a machine of one node."""

    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
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
