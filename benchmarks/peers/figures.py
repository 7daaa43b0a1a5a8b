"""What was seen of SimGrid's C++ interface (4.1) on two cores, one thread: for where it is not installed.

Of a range, the figure that is least in our favour: SimGrid's shortest time. Where its default update and its exact one
were both given, the quicker.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FIGURES"]

#: Wall seconds by workload and case, as `benchmarks.cases` names them.
FIGURES: Mapping[tuple[str, str], float] = {
    ("W1", "ring, 27 MB, P = 1024"): 13.0,
    ("W1", "binomial-tree, 27 MB, P = 1024"): 0.07,
    ("W2", "together, P = 64"): 0.07,
    ("W2", "staggered, P = 64"): 0.39,
    ("W3", "P = 64"): 0.12,
    ("W3", "P = 1024"): 3.6,
    ("W4", "random, 1,000 flows"): 1000 / 3800,
    ("W4", "incast, 1,000 flows"): 1000 / 2000,
    ("W4", "disjoint, 1,000 flows"): 1000 / 130_000,
}
