"""How many bytes a flow of an unknown tenant has: always the same, or drawn from a published distribution.

The default, 25 MiB, is the bucket in which PyTorch's DistributedDataParallel all-reduces gradients (`bucket_cap_mb`),
so the others look like training jobs. ``"web-search"`` is the heavy-tailed mix that data-centre transports are measured
with: the cluster of Alizadeh et al., *Data Center TCP (DCTCP)*, SIGCOMM 2010, figure 4, as tabulated for *pFabric*,
SIGCOMM 2013 (points recalled from that table, straight lines between them): half of its flows have 80 kB at most, while
95 % of its bytes are in flows above 1 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.units import parse_quantity

__all__ = ["DEFAULT", "DISTRIBUTIONS", "FlowSizes", "flow_sizes"]

DEFAULT = "25 MiB"

#: Points (bytes, share of flows that are no larger) of each distribution.
DISTRIBUTIONS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "web-search": (
            (1, 0.0),
            (10e3, 0.15),
            (20e3, 0.2),
            (30e3, 0.3),
            (50e3, 0.4),
            (80e3, 0.53),
            (200e3, 0.6),
            (1e6, 0.7),
            (2e6, 0.8),
            (5e6, 0.9),
            (10e6, 0.97),
            (30e6, 1.0),
        )
    }
)


@dataclass(frozen=True)
class FlowSizes:
    """A distribution of flow sizes [bytes]: its mean, and what to draw from it with."""

    mean: float
    draw: Callable[[np.random.Generator], float]


def flow_sizes(value: Any) -> FlowSizes:
    """The distribution that a scenario asks for: bytes, text with a unit, or a name.

    Raises
    ------
    ValueError
        If it is none of these, or not positive.

    Examples
    --------
    >>> flow_sizes("2 MB").mean
    2000000.0
    >>> round(flow_sizes("web-search").mean / 1e6, 2)
    1.71
    """
    if isinstance(value, str) and value in DISTRIBUTIONS:
        sizes, shares = (np.array(column) for column in zip(*DISTRIBUTIONS[value], strict=True))
        mean = float(np.sum(np.diff(shares) * (sizes[1:] + sizes[:-1]) / 2.0))
        return FlowSizes(mean, lambda generator: float(np.interp(generator.random(), shares, sizes)))
    try:
        size = float(value) if isinstance(value, int | float) else parse_quantity(value, "size")
    except (InputError, ValueError):
        size = 0.0
    if isinstance(value, bool) or not 0.0 < size < np.inf:
        names = ", ".join(repr(name) for name in DISTRIBUTIONS)
        raise ValueError(f"expected a size such as '25 MiB', or {names}, got {value!r}")
    return FlowSizes(size, lambda generator: size)
