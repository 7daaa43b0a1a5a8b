"""What a job may choose without new hardware: one key of its scenario changed at a time.

Keys that change how fast the same samples are gone through: batch, precision, how layers travel, schedules of
collectives, options of the algorithm, where the master runs, how hosts and chips are set up. Whether a model learns as
well by them (a larger batch, half precision, a sparser exchange) is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from simulator.collectives.registry import algorithms as collective_schedules
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from simulator.resolved import ResolvedScenario

__all__ = ["Choice", "choices"]

#: Schedules that are for comparison with formulas, or that no library would take for large arrays.
_NOT_OFFERED = frozenset({"flat"})
#: What algorithms call their own options, for people.
_TITLES: Mapping[str, str] = MappingProxyType({"overlap": "overlap of communication and computation"})


@dataclass(frozen=True)
class Choice:
    """One key with another value.

    Attributes
    ----------
    key : str
        Dotted, as in the scenario.
    value : object
        Other than the one in force.
    title : str
        What changes, for people, such as ``"all_reduce: ring to hierarchical"``.
    """

    key: str
    value: Any
    title: str

    def applied(self, scenario: Scenario) -> Scenario:
        """The scenario with that value."""
        return scenario.override({self.key: self.value})


def choices(resolved: ResolvedScenario) -> list[Choice]:
    """Other values of the keys that a scenario may choose; some may turn out not to fit in memory."""
    return [*_workload(resolved), *_algorithm(resolved), *_set_up(resolved)]


def _changes(key: str, title: str, now: Any, values: list[Any]) -> Iterator[Choice]:
    yield from (Choice(key, value, f"{title}: {_text(now)} to {_text(value)}") for value in values if value != now)


def _text(value: Any) -> str:
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _workload(resolved: ResolvedScenario) -> Iterator[Choice]:
    workload, learning = resolved.scenario.tables.workload, resolved.scenario.tables.learning
    if learning is None or learning.batch_size is not None:
        batch = workload.batch_size
        yield from _changes("workload.batch_size", "batch", batch, [batch * 2, *([batch // 2] if batch > 1 else [])])
    if learning is None:
        known = [set(map(str, placed.device.peak)) for placed in resolved.devices]
        shared = sorted(set.intersection(*known) & {"fp16", "bf16", "tf32", "fp32"})
        yield from _changes("workload.precision", "precision", workload.precision, shared)


def _algorithm(resolved: ResolvedScenario) -> Iterator[Choice]:
    yield from _changes("algorithm.packed", "layers in one message", resolved.packed, [not resolved.packed])
    for kind, now in resolved.collectives.items():
        schedules = [name for name in collective_schedules(kind) if name not in _NOT_OFFERED]
        yield from _changes(f"algorithm.collectives.{kind}", kind.replace("_", "-"), now, schedules)
    for option in resolved.algorithm.options:
        now = resolved.options[option.name]
        values: list[Any] = [not now] if isinstance(now, bool) else list(option.choices)
        yield from _changes(f"algorithm.{option.name}", _TITLES.get(option.name, option.name), now, values)


def _set_up(resolved: ResolvedScenario) -> Iterator[Choice]:
    cluster, device = resolved.scenario.tables.cluster, resolved.workers[0].device
    if resolved.master_places:
        places = ["host", "device", *(["node"] if cluster.nodes > 1 else [])]
        yield from _changes("cluster.master", "master on", cluster.master or "host", places)
        hosts = len(resolved.platform.hosts) if (cluster.master or "host") == "host" else len(resolved.workers)
        shards = cluster.shards or 1
        yield from _changes(
            "cluster.shards", "hosts of the master", shards, [shards * 2] if shards * 2 <= hosts else []
        )
    if not resolved.platform.system.node.self_hosted:
        yield from _changes(
            "cluster.host_memory", "host memory", cluster.host_memory or "pinned", ["pinned", "pageable"]
        )
    for key, modes in (("memory_mode", device.memory_modes), ("cluster_mode", device.cluster_modes)):
        now = getattr(resolved, key)
        yield from _changes(f"cluster.{key}", key.replace("_", " "), now, list(modes))
    if device.family == "manycore":
        now = resolved.platform.partitions
        yield from _changes(
            "cluster.partitions", "groups of cores a chip", now, [now * 2, *([now // 2] if now > 1 else [])]
        )
