"""What is trained: networks as layer graphs, data sets, memory needs.

Everything below is imported when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.workload.builder import NetworkBuilder
    from simulator.workload.catalogue import load_network, network_names
    from simulator.workload.datasets import Dataset, dataset_names, load_dataset
    from simulator.workload.memory import MemoryNeed, largest_batch, memory_needed
    from simulator.workload.network import LayerKernel, Network
    from simulator.workload.synthetic import synthetic_network

__all__ = [
    "Dataset",
    "LayerKernel",
    "MemoryNeed",
    "Network",
    "NetworkBuilder",
    "dataset_names",
    "largest_batch",
    "load_dataset",
    "load_network",
    "memory_needed",
    "network_names",
    "synthetic_network",
]

_HOME = MappingProxyType(
    {
        "Dataset": "datasets",
        "LayerKernel": "network",
        "MemoryNeed": "memory",
        "Network": "network",
        "NetworkBuilder": "builder",
        "dataset_names": "datasets",
        "largest_batch": "memory",
        "load_dataset": "datasets",
        "load_network": "catalogue",
        "memory_needed": "memory",
        "network_names": "catalogue",
        "synthetic_network": "synthetic",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
