"""How the cost grows with the work: exponents of processor time, fitted to the largest decade of sizes.

Time is modelled as c · size^e, by least squares of log time against log size over the sizes within a factor of ten of
the largest that was run; with fewer than three such sizes, over the largest three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.isolation import run_alone
from benchmarks.measurement import Measurement
from benchmarks.peers.simgrid import UPDATES, SimGrid
from benchmarks.workloads import Workload
from benchmarks.workloads.all_reduce import AllReduce
from benchmarks.workloads.flows import Flows
from simulator.errors import RunError

__all__ = ["Curve", "exponent", "families", "grown"]

_RANKS = tuple(2**power for power in range(2, 13))
_FLOWS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True)
class Curve:
    """Least processor seconds of one way of running a family of workloads, by size."""

    family: str
    way: str
    seconds: Mapping[int, float]

    @property
    def exponent(self) -> float | None:
        """Of the largest decade; None where there are fewer than two sizes."""
        return exponent(self.seconds)


def families() -> Mapping[str, tuple[Sequence[int], Callable[[int], Workload]]]:
    """Sizes and the workload of a size, by name."""
    return {
        "W1 ring, 27 MB, P": (_RANKS, lambda size: AllReduce("ring", size, 27_000_000)),
        "W1 binomial-tree, 27 MB, P": (_RANKS, lambda size: AllReduce("binomial-tree", size, 27_000_000)),
        "W3 300 steps, P": (_RANKS, lambda size: AllReduce("binomial-tree", size, 27_000_000, 300, 5.1)),
        **{f"W4 {pattern}, flows": (_FLOWS, partial(Flows, pattern)) for pattern in ("random", "incast", "disjoint")},
    }


def exponent(seconds: Mapping[int, float]) -> float | None:
    """The fitted exponent.

    Examples
    --------
    >>> round(exponent({1: 5.0, 10: 3.0, 20: 12.0, 40: 48.0}), 6)
    2.0
    """
    sizes = sorted(seconds)
    if len(sizes) < 2:
        return None
    largest = [size for size in sizes if 10 * size >= sizes[-1]]
    fitted = largest if len(largest) >= 3 else sizes[-3:]
    slope, _ = np.polyfit(np.log(fitted), np.log([seconds[size] for size in fitted]), 1)
    return float(slope)


def grown(
    names: Iterable[str],
    simgrid: SimGrid | None,
    repeats: int,
    limit: float,
    most: int | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> Iterable[Curve]:
    """Curves of families, each way of running them up to the first size that takes longer than `limit` seconds.

    Parameters
    ----------
    names : iterable of str
        Of the families.
    most : int, optional
        The largest size.
    """
    for family in names:
        sizes, workload = families()[family]
        ways: dict[str, Callable[[Workload], Measurement]] = {
            "ours": partial(run_alone, exact=False, limit=limit),
            "exact": partial(run_alone, exact=True, limit=limit),
        }
        if simgrid is not None:
            ways |= {f"SimGrid, {name.lower()}": partial(simgrid.run, update=name, limit=limit) for name in UPDATES}
        for way, run in ways.items():
            seconds: dict[int, float] = {}
            for size in sizes:
                if most is not None and size > most:
                    break
                progress(f"{family} = {size}: {way}")
                try:
                    seconds[size] = min(run(workload(size)).cpu_s for _ in range(repeats))
                except RunError:
                    break
                if 2.0 * seconds[size] > limit:
                    break
            yield Curve(family, way, seconds)
