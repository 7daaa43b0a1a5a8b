"""Original EASGD against Sync EASGD 1 to 3 on four Tesla M40: speed-ups and shares of communication."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from simulator.result import Result
from simulator.simulation import load, simulate
from simulator.trace import Category

__all__ = [
    "CASES",
    "METHODS",
    "PRINTED_PARTS",
    "PRINTED_RATIO",
    "PRINTED_SECONDS",
    "PRINTED_STEPS",
    "Case",
    "Comparison",
    "Confidence",
    "comparisons",
]

#: How sure a printed figure is: abstract, translation, recalled.
Confidence = Literal["A", "T", "R"]

#: Speed-ups as printed, with confidence: each version over the one before it, and the last over the first.
PRINTED_STEPS: Mapping[str, tuple[float, Confidence]] = {
    "sync-easgd1": (3.7, "T"),
    "sync-easgd2": (1.3, "T"),
    "sync-easgd3": (1.1, "T"),
    "sync-easgd3 over original-easgd": (5.3, "A"),
}
#: Share of time spent in communication as printed.
PRINTED_RATIO: Mapping[str, tuple[float, Confidence]] = {"original-easgd": (0.87, "A"), "sync-easgd3": (0.14, "A")}
#: Parts of Original's as printed (T).
PRINTED_PARTS: Mapping[str, float] = {Category.CPU_GPU_PARAMETERS: 0.86, Category.CPU_GPU_DATA: 0.01}
#: Seconds to accuracy 0.988 with LeNet (R).
PRINTED_SECONDS: Mapping[str, float] = {
    "original-easgd": 41.0,
    "sync-easgd1": 11.0,
    "sync-easgd2": 8.2,
    "sync-easgd3": 7.7,
}
#: The paper's runs to equal accuracy: Original makes 5,000 gradients, Sync 1,000 steps of four (R).
_ORIGINAL_GRADIENTS, _SYNC_GRADIENTS = 5000, 4000
METHODS = ("original-easgd", "sync-easgd1", "sync-easgd2", "sync-easgd3")


@dataclass(frozen=True)
class Case:
    """A network and the host memory that transfers start from."""

    example: str
    network: str
    host_memory: str


CASES = tuple(
    Case(example, network, memory)
    for example, network in (("m40x4-lenet", "LeNet, MNIST"), ("m40x4-alexnet", "AlexNet, CIFAR-10"))
    for memory in ("pinned", "pageable")
)


@dataclass(frozen=True)
class Comparison:
    """The four methods of one case."""

    case: Case
    results: Mapping[str, Result]

    def speedup(self, faster: str, slower: str) -> float:
        """Ratio of times for the same number of gradients."""
        return self.results[slower].time_per_gradient / self.results[faster].time_per_gradient

    def speedup_as_counted(self, faster: str, slower: str) -> float:
        """The same by the paper's numbers of gradients to equal accuracy, where one of them is Original."""
        counted = _ORIGINAL_GRADIENTS / _SYNC_GRADIENTS if slower == "original-easgd" else 1.0
        return self.speedup(faster, slower) * counted

    def seconds_to_accuracy(self, method: str) -> float:
        """Time [s] of the paper's number of gradients to equal accuracy."""
        gradients = _ORIGINAL_GRADIENTS if method == "original-easgd" else _SYNC_GRADIENTS
        return self.results[method].time_per_gradient * gradients

    def share(self, method: str, part: str) -> float:
        """Of the critical path's time, what one part of the breakdown takes."""
        result = self.results[method]
        return result.breakdown[part] / result.time


def comparisons(steps: int = 100) -> Iterator[Comparison]:
    """Every case, `steps` steps a worker: long enough that the first step does not matter."""
    for case in CASES:
        results = {
            method: simulate(
                load(
                    case.example,
                    **{
                        "algorithm.name": method,
                        "cluster.host_memory": case.host_memory,
                        "workload.steps": steps,
                    },
                )
            )
            for method in METHODS
        }
        yield Comparison(case, results)
