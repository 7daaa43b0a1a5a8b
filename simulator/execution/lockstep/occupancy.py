"""When each link was last in use, so that no two batches of messages meet on one unnoticed."""

from __future__ import annotations

from math import inf

import numpy as np

from simulator.execution.lockstep.contention import Contention
from simulator.execution.lockstep.patterns import Floats, Integers, Pattern, Patterns
from simulator.execution.lockstep.played import Played
from simulator.execution.lockstep.unsuited import Unsuited

__all__ = ["Occupancy"]

#: Relative to the time of day; what is closer differs by rounding.
_ROUNDING = 1e-12


class Occupancy:
    """The links of a run.

    Parameters
    ----------
    patterns : Patterns
    contention : Contention
    """

    def __init__(self, patterns: Patterns, contention: Contention) -> None:
        self._patterns = patterns
        self._contention = contention
        self._until = np.full(0, -inf)

    def transfer(self, pattern: Pattern, start: Floats, size: Floats) -> Floats:
        """Ends of messages that are not part of a collective [s].

        Raises
        ------
        Unsuited
            If they meet others.
        """
        begin = start + pattern.delay
        end = begin + size / pattern.bandwidth
        if pattern.contended:
            end = self._contention.ends(pattern, begin, size, end)
        since, until = np.full(len(self._patterns.capacities), inf), np.full(len(self._patterns.capacities), -inf)
        np.minimum.at(since, pattern.resource, begin[pattern.message])
        np.maximum.at(until, pattern.resource, end[pattern.message])
        self._use(pattern.resources, since[pattern.resources], until[pattern.resources])
        return end

    def collective(self, played: Played, base: float) -> None:
        """Note what a collective that began at `base` used.

        Raises
        ------
        Unsuited
            If its messages meet others.
        """
        self._use(played.resources, base + played.since, base + played.until)

    def _use(self, resources: Integers, since: Floats, until: Floats) -> None:
        if len(self._until) < len(self._patterns.capacities):
            more = len(self._patterns.capacities) - len(self._until)
            self._until = np.concatenate([self._until, np.full(more, -inf)])
        busy = self._until[resources]
        if (busy > since + _ROUNDING * np.maximum(since, 1e-6) * 8).any():
            raise Unsuited("messages of different operations meet on a link")
        self._until[resources] = np.maximum(busy, until)
