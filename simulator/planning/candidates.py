"""The configurations that a plan considers: systems × node counts × algorithms × batches, each a scenario of its own.

The scenario that was given states the workload. What it says about the machine holds on its own system; on another,
keys that describe the machine (memory and cluster mode, partitions, host memory, routing) are left to that system. Its
number of workers is dropped: a plan uses all accelerators of the nodes it pays for. Where the master is goes for
algorithms that have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.algorithms import load_algorithm
from simulator.cost.rates import element_size
from simulator.errors import InputError, UnknownNameError, located
from simulator.hardware import load_system
from simulator.planning.axes import algorithm_changes
from simulator.scenario import Scenario

__all__ = ["Candidate", "Choices", "Family", "candidate", "check_choices", "named"]

#: Keys of [cluster] that describe the scenario's own system, and those of a master.
_OF_A_SYSTEM = ("memory_mode", "cluster_mode", "partitions", "host_memory", "routing")
_OF_A_MASTER = ("master", "shards")
#: Keys of [prices] that a node-hour's price stands in for.
_OTHER_PRICES = ("devices", "node_purchase", "lifetime_years")
#: Keys of [reliability] that say how much is trained, which is the plan's to say.
_LENGTHS = ("work", "epochs", "steps")


@dataclass(frozen=True, slots=True)
class Choices:
    """What candidates are made of.

    Attributes
    ----------
    systems : tuple of str
        Names of system profiles, or paths.
    algorithms : tuple of str
        ``"name"`` or ``"name:option=value"``.
    batch_sizes : tuple of int
        Samples a worker and step, each tried; or the one `global_batch`, divided among the workers.
    global_batch : int or None
    prices : mapping
        Of a node-hour, by system, over what its profile and the scenario's [prices] say: ``"98.32 USD/h"``.
    """

    systems: tuple[str, ...]
    algorithms: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    global_batch: int | None = None
    prices: Mapping[str, str] = field(default_factory=dict)

    def families(self) -> list[Family]:
        """Every family of candidates that differ in nodes alone."""
        batches = [None] if self.global_batch is not None else list(self.batch_sizes)
        return [Family(s, a, b, self.prices.get(s)) for s in self.systems for a in self.algorithms for b in batches]


@dataclass(frozen=True, slots=True)
class Family:
    """Candidates that differ in nodes alone.

    Attributes
    ----------
    system, algorithm : str
    batch_size : int or None
        Samples a worker and step; None where a global batch is divided.
    price : str or None
        Of a node-hour, if it is not left to profile and scenario.
    """

    system: str
    algorithm: str
    batch_size: int | None
    price: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One configuration.

    Attributes
    ----------
    scenario : Scenario
        Complete, apart from how long it runs.
    system, algorithm : str
        As they were asked for.
    nodes : int
    batch_size : int or None
        Samples a worker and step; None while a global batch has yet to be divided.
    """

    scenario: Scenario
    system: str
    nodes: int
    algorithm: str
    batch_size: int | None

    @property
    def name(self) -> str:
        """``"4 × dgx-h100, ddp-msgd, batch 64"``."""
        batch = "" if self.batch_size is None else f", batch {self.batch_size}"
        return f"{self.nodes} × {self.system}, {self.algorithm}{batch}"

    def with_batch(self, batch_size: int) -> Candidate:
        """The same with so many samples a worker and step."""
        scenario = self.scenario.override({"workload.batch_size": batch_size})
        return Candidate(scenario, self.system, self.nodes, self.algorithm, batch_size)


def check_choices(base: Scenario, choices: Choices) -> None:
    """Refuse names that do not exist, before anything is tried with them.

    Raises
    ------
    UnknownNameError
        For a system, algorithm, option or precision that does not exist.
    InputError
        If nothing is to be tried, something is to be tried twice, or a batch is not positive.
    """
    for key, values in (
        ("systems", choices.systems),
        ("algorithms", choices.algorithms),
        ("batch sizes", choices.batch_sizes),
    ):
        if not values:
            raise InputError(f"{key}: expected at least one")
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            raise InputError(f"{key}: {twice[0]} is there twice")
    for size in (*choices.batch_sizes, *([] if choices.global_batch is None else [choices.global_batch])):
        if size < 1:
            raise InputError(f"batch sizes: expected at least 1, got {size}")
    with located(f"{base.where}: workload.precision"):
        element_size(base.tables.workload.precision)
    for name in choices.systems:
        load_system(base.found(name))
    for name in choices.prices:
        if name not in choices.systems:
            raise UnknownNameError("system with a price", name, choices.systems, "prices")
    for text in choices.algorithms:
        changed = base.override(algorithm_changes(base, text) | _master_keys(base, text))
        algorithm = load_algorithm(base.found(changed.tables.algorithm.name), "algorithms")
        algorithm.resolve_options(changed.tables.algorithm.model_extra or {}, "algorithms")


def candidate(base: Scenario, family: Family, nodes: int) -> Candidate:
    """The member of the family with so many nodes; without a batch it has the scenario's until it gets its own."""
    system, algorithm, batch_size = family.system, family.algorithm, family.batch_size
    changes: dict[str, Any] = {
        "cluster.system": system,
        "cluster.nodes": nodes,
        "cluster.workers": None,
        "plan": None,
        "compare": None,
    }
    if system != base.tables.cluster.system:
        changes |= {f"cluster.{key}": None for key in _OF_A_SYSTEM}
    if family.price is not None:
        changes |= {f"prices.{key}": None for key in _OTHER_PRICES} | {"prices.node_hour": family.price}
    if base.tables.reliability is not None:
        changes |= {f"reliability.{key}": None for key in _LENGTHS}
    if batch_size is not None:
        changes["workload.batch_size"] = batch_size
    changes |= algorithm_changes(base, algorithm) | _master_keys(base, algorithm)
    return Candidate(base.override(changes), system, nodes, algorithm, batch_size)


def _master_keys(base: Scenario, text: str) -> dict[str, Any]:
    """What to take out of [cluster] for an algorithm without a master."""
    algorithm = load_algorithm(base.found(text.partition(":")[0]), "algorithms")
    if algorithm.master is None and algorithm.server is None:
        return {f"cluster.{key}": None for key in _OF_A_MASTER}
    return {}


def named(values: Sequence[str]) -> tuple[str, ...]:
    """Names without the blanks around them, empty ones left out."""
    return tuple(value.strip() for value in values if value.strip())
