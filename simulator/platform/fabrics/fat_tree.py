"""Fat trees of two and three levels, with D-mod-k routing.

Leiserson (1985) showed that a tree whose links thicken towards the root carries any permutation at full rate; built
from equal switches it is the k-ary tree of Al-Fares et al. (2008). On the way up each switch has a choice of equal
links; D-mod-k (Zahavi 2012; OpenSM's ftree engine) takes it by the number of the target, so that all traffic to one
target meets on one path and shift permutations, such as the steps of a ring or of recursive doubling, never collide.

The part of the tree that routes can use is: the leaves (and pods) that hold placed adapters, and all above them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import ceil

from simulator.hardware.cables import Cable, CableType
from simulator.hardware.fabric import FatTreeProfile
from simulator.platform.cabling import Stretch
from simulator.platform.fabrics.base import SwitchedFabric

__all__ = ["FatTree"]


class FatTree(SwitchedFabric):
    """A fat tree; adapters fill leaves in order, leaves fill pods in order.

    Switches are called ``leafL`` and ``spineS`` in two levels, ``leafL``, ``aggP.A`` and ``coreC`` in three, where
    aggregation switch A of every pod is joined to cores A * radix / 2 up to (A + 1) * radix / 2 - 1.
    """

    def __init__(self, adapters: Sequence[str], cables: Mapping[str, CableType], profile: FatTreeProfile) -> None:
        super().__init__(adapters, cables)
        self.levels = profile.levels
        self.up, self.down = profile.up, profile.down
        self.half = profile.radix // 2
        self._uplink = cables.get("uplink", self.injection)
        self.leaves = ceil(len(adapters) / self.down)
        self._rise = cache(lambda *where: Stretch(self._column(*where), self._uplink))
        self._fall = cache(lambda *where: Stretch(self._column(*where)[::-1], self._uplink))

    def stretches(self, source: int, target: int) -> tuple[Stretch, ...]:
        """To the leaf, up to the first common level, down again, to the adapter."""
        if source == target:
            return ()
        first, last = source // self.down, target // self.down
        if first == last:
            return self.into(source), self.out(target)
        if self.levels == 2 or first // self.half == last // self.half:
            height, choice = 1, target % self.up
        else:
            height, choice = 2, target % (self.up * self.half)
        return self.into(source), self._rise(first, height, choice), self._fall(last, height, choice), self.out(target)

    def _column(self, leaf: int, height: int, choice: int) -> list[str]:
        """The switches from a leaf to the one `height` levels above it that the target's number chooses."""
        turn, core = choice % self.up, choice // self.up
        if self.levels == 2:
            return [f"leaf{leaf}", f"spine{turn}"]
        column = [f"leaf{leaf}", f"agg{leaf // self.half}.{turn}", f"core{turn * self.half + core}"]
        return column[: height + 1]

    def switch_of(self, adapter: int) -> str:
        """Its leaf."""
        return f"leaf{adapter // self.down}"

    def cables(self) -> Iterator[Cable]:
        """Adapters to leaves, leaves up, and in three levels pods up."""
        yield from self._injection_cables()
        if self.leaves < 2:
            return
        for leaf in range(self.leaves):
            for choice in range(self.up):
                above = f"spine{choice}" if self.levels == 2 else f"agg{leaf // self.half}.{choice}"
                yield Cable(f"leaf{leaf}", above, self._uplink)
        if self.levels == 3 and self.pods > 1:
            for pod in range(self.pods):
                for choice in range(self.up):
                    for core in range(choice * self.half, (choice + 1) * self.half):
                        yield Cable(f"agg{pod}.{choice}", f"core{core}", self._uplink)

    @property
    def pods(self) -> int:
        """Pods in use, of radix / 2 leaves each."""
        return ceil(self.leaves / self.half)

    def layers(self) -> Mapping[str, int]:
        """Leaves 1, spines or aggregation switches 2, cores 3."""
        layers = {f"leaf{leaf}": 1 for leaf in range(self.leaves)}
        if self.leaves < 2:
            return layers
        if self.levels == 2:
            return layers | {f"spine{choice}": 2 for choice in range(self.up)}
        layers |= {f"agg{pod}.{choice}": 2 for pod in range(self.pods) for choice in range(self.up)}
        if self.pods > 1:
            layers |= {f"core{core}": 3 for core in range(self.up * self.half)}
        return layers
