"""Distributed training algorithms, one file a family, written against the rank's vocabulary only."""

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.registry import Algorithm, Option, algorithm_names, load_algorithm

__all__ = ["Algorithm", "Option", "Rank", "Task", "algorithm_names", "load_algorithm"]
