"""One switch that joins every adapter to every other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulator.hardware.cables import Cable
from simulator.platform.cabling import Step
from simulator.platform.fabrics.base import Fabric

__all__ = ["Star"]

SWITCH = "switch"


class Star(Fabric):
    """A switch that never blocks: only the adapters' own links are shared."""

    def path(self, source: int, target: int) -> tuple[Step, ...]:
        """Up to the switch and down again."""
        if source == target:
            return ()
        injection = self._cables["injection"]
        return (Step(self.adapters[source], SWITCH, injection), Step(SWITCH, self.adapters[target], injection))

    def cables(self) -> Iterator[Cable]:
        """One an adapter."""
        return (Cable(adapter, SWITCH, self._cables["injection"]) for adapter in self.adapters)

    def layers(self) -> Mapping[str, int]:
        """The one switch."""
        return {SWITCH: 1}
