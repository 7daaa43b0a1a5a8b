"""Weak scaling of GoogLeNet and VGG-19 on Cori's KNL nodes, 1 to 64 nodes, beside the paper's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.simulation import load, simulate

__all__ = ["NODES", "PRINTED", "VARIANTS", "Row", "rows"]

NODES = (1, 2, 4, 8, 16, 32, 64)

#: Seconds as recalled (all R): GoogLeNet for 300 iterations, VGG for 80.
PRINTED: Mapping[str, tuple[int, tuple[float, ...]]] = {
    "cori-googlenet": (300, (1533, 1590, 1608, 1641, 1630, 1662, 1674)),
    "cori-vgg": (80, (1318, 1440, 1482, 1524, 1634, 1679, 1642)),
}

#: What is varied, because the paper does not say it: overlap, and how much nodes differ from step to step.
VARIANTS: Mapping[str, Mapping[str, object]] = {
    "overlapped": {},
    "not overlapped": {"algorithm.name": "sync-easgd2"},
    "not overlapped, 5 % jitter": {"algorithm.name": "sync-easgd2", "simulation.jitter": 0.05},
}


@dataclass(frozen=True)
class Row:
    """One node count: seconds an iteration, printed and simulated in each variant."""

    example: str
    nodes: int
    printed: float
    simulated: Mapping[str, float]


def rows(steps: int = 20) -> Iterator[Row]:
    """All rows; `steps` steps are simulated, and the time of an iteration is their mean."""
    for example, (iterations, seconds) in PRINTED.items():
        for nodes, total in zip(NODES, seconds, strict=True):
            simulated = {
                name: simulate(load(example, **{"cluster.nodes": nodes, "workload.steps": steps, **changes})).time
                / steps
                for name, changes in VARIANTS.items()
            }
            yield Row(example, nodes, total / iterations, simulated)
