"""One switch that joins every adapter to every other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulator.hardware.cables import Cable
from simulator.platform.cabling import Stretch
from simulator.platform.fabrics.base import SwitchedFabric

__all__ = ["Star"]

SWITCH = "switch"


class Star(SwitchedFabric):
    """A switch that never blocks: only the adapters' own links are shared."""

    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
        """Up to the switch and down again."""
        return () if source == target else (self.into(source), self.out(target))

    def switch_of(self, adapter: int) -> str:
        """The one switch."""
        return SWITCH

    def cables(self) -> Iterator[Cable]:
        """One an adapter."""
        return self._injection_cables()

    def layers(self) -> Mapping[str, int]:
        """The one switch."""
        return {SWITCH: 1}
