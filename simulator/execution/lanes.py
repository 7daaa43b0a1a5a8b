"""Which of a rank's lanes an operation occupies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from simulator.algorithms.vocabulary import Acquire, Apply, Backward, Forward, Gradient, LoadBatch, Release, Transform

__all__ = ["COMPUTE", "COPY", "LANES", "NETWORK", "lane_of"]

COMPUTE, COPY, NETWORK = "compute", "copy", "network"
#: The lane of each operation; those that are not here go over the network.
LANES: Mapping[type[Any], str] = MappingProxyType(
    {
        LoadBatch: COPY,
        Gradient: COMPUTE,
        Forward: COMPUTE,
        Backward: COMPUTE,
        Transform: COMPUTE,
        Apply: COMPUTE,
        Acquire: COMPUTE,
        Release: COMPUTE,
    }
)


def lane_of(operation: object) -> str:
    """The lane that an operation occupies."""
    return LANES.get(type(operation), NETWORK)
