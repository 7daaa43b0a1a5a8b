"""The numbers of a result that studies set side by side, by name; SI units, as in the JSON result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = ["METRICS", "metrics_of"]

Result: TypeAlias = Mapping[str, Any]


def _learned(key: str) -> Callable[[Result], float | None]:
    return lambda result: None if result["learning"] is None else result["learning"][key]


def _expected_time(result: Result) -> float | None:
    reliability = result.get("reliability")
    return None if reliability is None else reliability.get("expected_time_s")


def _memory(key: str) -> Callable[[Result], float | None]:
    """Of the worker whose device is fullest."""

    def read(result: Result) -> float | None:
        fullest = max(result["memory"], key=lambda entry: entry["needed_bytes"] / entry["capacity_bytes"], default=None)
        return None if fullest is None else float(fullest[key])

    return read


#: How each is read from a result; None where the result does not have it.
METRICS: Mapping[str, Callable[[Result], float | None]] = MappingProxyType(
    {
        "workers": lambda result: result["workers"],
        "time_s": lambda result: result["time_s"],
        "expected_time_s": _expected_time,
        "step_time_s": lambda result: result["step_time_s"]["mean"],
        "time_per_gradient_s": lambda result: result["time_per_gradient_s"],
        "throughput_samples_per_s": lambda result: result["throughput_samples_per_s"],
        "communication_ratio": lambda result: result["communication_ratio"],
        "energy_j": lambda result: result["energy_j"],
        "cost_usd": lambda result: result["cost_usd"],
        "memory_bytes": _memory("needed_bytes"),
        "memory_capacity_bytes": _memory("capacity_bytes"),
        "reached_at_s": _learned("reached_at_s"),
        "best_accuracy": _learned("best_accuracy"),
    }
)


def metrics_of(result: Result) -> dict[str, float]:
    """What the result has of `METRICS`."""
    found = {name: read(result) for name, read in METRICS.items()}
    return {name: float(value) for name, value in found.items() if value is not None}
