"""When nodes fail: groups of alike nodes, in many campaigns at once.

Each node's time to failure is drawn anew when it starts and whenever it comes back. With exponential times a group
needs no more than the number of its nodes that are up, since what has been waited so far tells nothing; with Weibull
times every node has its own clock, and a shape below 1 makes young nodes fail more often (infant mortality).
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

__all__ = ["ExponentialNodes", "NodeGroup", "WeibullNodes", "node_group"]

#: ndarray of float or int; rows are campaigns.
Array = Any


class NodeGroup(Protocol):
    """Alike nodes in every campaign.

    Attributes
    ----------
    next_failure : ndarray, shape (campaigns,)
        When the next of the group's nodes fails [s]; infinite where none is up.
    down : ndarray of int, shape (campaigns,)
        Nodes that are down.
    """

    next_failure: Array
    down: Array

    def fail(self, rows: Array, now: Array) -> None:
        """Take down the node that fails next in the campaigns `rows`, where the time is `now`."""

    def come_back(self, rows: Array, now: Array) -> None:
        """Let one of the nodes that are down begin anew in the campaigns `rows`, where the time is `now`."""


class ExponentialNodes:
    """Nodes whose time to failure is exponential with mean `mtbf` [s]."""

    def __init__(self, campaigns: int, nodes: int, mtbf: float, generator: np.random.Generator) -> None:
        self._nodes, self._mtbf, self._generator = nodes, mtbf, generator
        self.down = np.zeros(campaigns, dtype=int)
        self.next_failure = np.full(campaigns, np.inf)
        self._draw(np.arange(campaigns), np.zeros(campaigns))

    def fail(self, rows: Array, now: Array) -> None:
        """Take down the node that fails next in the campaigns `rows`, where the time is `now`."""
        self.down[rows] += 1
        self._draw(rows, now)

    def come_back(self, rows: Array, now: Array) -> None:
        """Let one of the nodes that are down begin anew in the campaigns `rows`, where the time is `now`."""
        self.down[rows] -= 1
        self._draw(rows, now)

    def _draw(self, rows: Array, now: Array) -> None:
        up = self._nodes - self.down[rows]
        waited = self._generator.exponential(self._mtbf, len(rows))
        self.next_failure[rows] = np.where(up > 0, now + waited / np.maximum(up, 1), np.inf)


class WeibullNodes:
    """Nodes whose time to failure is Weibull with mean `mtbf` [s] and `shape`; all of them new at the start."""

    def __init__(self, campaigns: int, nodes: int, mtbf: float, shape: float, generator: np.random.Generator) -> None:
        self._shape, self._scale, self._generator = shape, mtbf / math.gamma(1.0 + 1.0 / shape), generator
        self._failures = self._lives((campaigns, nodes))
        self.down = np.zeros(campaigns, dtype=int)
        self.next_failure = self._failures.min(axis=1, initial=np.inf)

    def fail(self, rows: Array, now: Array) -> None:
        """Take down the node that fails next in the campaigns `rows`, where the time is `now`."""
        self._failures[rows, self._failures[rows].argmin(axis=1)] = np.inf
        self.down[rows] += 1
        self.next_failure[rows] = self._failures[rows].min(axis=1)

    def come_back(self, rows: Array, now: Array) -> None:
        """Let one of the nodes that are down begin anew in the campaigns `rows`, where the time is `now`."""
        # Those that are down fail at infinity, and one is as good as another.
        self._failures[rows, self._failures[rows].argmax(axis=1)] = now + self._lives(len(rows))
        self.down[rows] -= 1
        self.next_failure[rows] = self._failures[rows].min(axis=1)

    def _lives(self, size: int | tuple[int, int]) -> Array:
        return self._scale * self._generator.weibull(self._shape, size)


def node_group(
    campaigns: int, nodes: int, mtbf: float, shape: float | None, generator: np.random.Generator
) -> NodeGroup:
    """So many nodes in so many campaigns; exponential times to failure where there is no `shape`."""
    if shape is None:
        return ExponentialNodes(campaigns, nodes, mtbf, generator)
    return WeibullNodes(campaigns, nodes, mtbf, shape, generator)
