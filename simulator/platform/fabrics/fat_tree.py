"""Fat trees of two and three levels, with D-mod-k routing.

Leiserson (1985) showed that a tree whose links thicken towards the root carries any permutation at full rate; built
from equal switches it is the k-ary tree of Al-Fares et al. (2008). On the way up each switch has a choice of equal
links; D-mod-k (Zahavi 2012; OpenSM's ftree engine) takes it by the number of the target, so that all traffic to one
target meets on one path and shift permutations, such as the steps of a ring or of recursive doubling, never collide.

The part of the tree that routes can use is: the leaves (and pods) that hold placed adapters, and all above them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from simulator.hardware.cables import Cable, CableType
from simulator.hardware.fabric import FatTreeProfile
from simulator.platform.cabling import Step
from simulator.platform.fabrics.base import Fabric, walk

__all__ = ["FatTree"]


class FatTree(Fabric):
    """A fat tree; adapters fill leaves in order, leaves fill pods in order.

    Switches are called ``leafL`` and ``spineS`` in two levels, ``leafL``, ``aggP.A`` and ``coreC`` in three, where
    aggregation switch A of every pod is joined to cores A * radix / 2 up to (A + 1) * radix / 2 - 1.
    """

    def __init__(self, adapters: Sequence[str], cables: Mapping[str, CableType], profile: FatTreeProfile) -> None:
        super().__init__(adapters, cables)
        self.levels = profile.levels
        self.up, self.down = profile.up, profile.down
        self.half = profile.radix // 2
        self._injection = cables["injection"]
        self._uplink = cables.get("uplink", self._injection)
        self.leaves = ceil(len(adapters) / self.down)

    def path(self, source: int, target: int) -> tuple[Step, ...]:
        """Up to the first common level and down again."""
        if source == target:
            return ()
        middle = self._between_leaves(source // self.down, target // self.down, target)
        vertices = [self.adapters[source], *middle, self.adapters[target]]
        uplinks = [self._uplink] * (len(middle) - 1)
        return walk(vertices, [self._injection, *uplinks, self._injection])

    def _between_leaves(self, first: int, last: int, target: int) -> list[str]:
        if first == last:
            return [f"leaf{first}"]
        choice = target % self.up
        if self.levels == 2:
            return [f"leaf{first}", f"spine{choice}", f"leaf{last}"]
        first_pod, last_pod = first // self.half, last // self.half
        if first_pod == last_pod:
            return [f"leaf{first}", f"agg{first_pod}.{choice}", f"leaf{last}"]
        core = choice * self.half + target // self.up % self.half
        return [f"leaf{first}", f"agg{first_pod}.{choice}", f"core{core}", f"agg{last_pod}.{choice}", f"leaf{last}"]

    def cables(self) -> Iterator[Cable]:
        """Adapters to leaves, leaves up, and in three levels pods up."""
        for index, adapter in enumerate(self.adapters):
            yield Cable(adapter, f"leaf{index // self.down}", self._injection)
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
