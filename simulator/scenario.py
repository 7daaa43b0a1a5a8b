"""A scenario: one training run to simulate, as the user writes it down.

A TOML file with the tables ``[cluster]``, ``[workload]``, ``[algorithm]``, ``[network]``, ``[simulation]``,
``[learning]``, ``[calibration]``, ``[background]`` and ``[what_if]``. Any key can be overridden by its dotted name
(``cluster.nodes``). Names are resolved and checked against one another when the simulation is built
(`simulator.simulation.Simulation`); this module checks form only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from simulator.calibration.parameters import flattened
from simulator.documents import Document, read_toml, validate
from simulator.energy import PowerTable
from simulator.errors import InputError, UnknownNameError
from simulator.execution.shortcuts import SHORTCUTS
from simulator.prices import PricesTable
from simulator.reliability.table import ReliabilityTable
from simulator.sharing.tables import BackgroundTable

__all__ = ["PlanTable", "Scenario", "ScenarioTables", "example_names", "parse_assignment"]


class Cluster(Document):
    """Which machines: a system profile, how many of its nodes, and how they are set up."""

    system: str
    nodes: int = Field(1, ge=1)
    workers: int | None = Field(None, ge=1, description="accelerators to use; all of them if absent")
    partitions: int | None = Field(None, ge=1, description="groups of cores that each many-core chip is divided into")
    host_memory: Literal["pinned", "pageable"] | None = Field(None, description="host memory that batches come from")
    memory_mode: str | None = Field(None, description="flat, cache or hybrid, on devices that have the choice")
    cluster_mode: str | None = Field(None, description="all-to-all, quadrant, snc-4, …, on devices with the choice")
    master: Literal["host", "device", "node"] | None = Field(
        None, description="where it runs: the first node's host (default), the first worker's device, a node of its own"
    )
    shards: int | None = Field(None, ge=1, description="hosts or devices that the master is spread over")
    routing: Literal["minimal", "valiant"] | None = Field(None, description="on a dragonfly")


class Workload(Document):
    """What is trained, and for how long: a number of steps or of epochs."""

    network: str
    dataset: str
    batch_size: int = Field(ge=1, description="samples per worker and step")
    steps: int | None = Field(None, ge=1, description="gradients that each worker computes")
    epochs: int | None = Field(None, ge=1, description="passes of all workers together over the data set")
    precision: str = "fp32"
    recompute: bool = Field(False, description="run parts of the forward pass twice and keep fewer activations")

    @model_validator(mode="after")
    def _one_length(self) -> Workload:
        if (self.steps is None) == (self.epochs is None):
            found = "both" if self.steps is not None else "neither"
            raise ValueError(f"expected either 'steps' or 'epochs', got {found}")
        return self


class AlgorithmTable(Document):
    """Which algorithm, how its layers travel, its collectives' schedules, and its own options (any other key)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    packed: bool | None = Field(None, description="all layers in one message; the algorithm's habit if absent")
    collectives: dict[str, str] = Field(default_factory=dict, description="schedule for each collective")


class NetworkTable(Document):
    """How messages share links: ``fluid`` (max-min fair) or ``alpha-beta`` (not at all)."""

    model: str = "fluid"


class SimulationTable(Document):
    """Randomness and heterogeneity of compute times, and shortcuts that change no result.

    `jitter` is the coefficient of variation of every compute time; a straggler is a gradient that takes
    `straggler_factor` times as long, with `straggler_probability`, independently of the others.
    """

    seed: int = Field(0, ge=0)
    jitter: float = Field(0.0, ge=0.0, le=10.0, allow_inf_nan=False)
    jitter_seed: int | None = Field(None, ge=0, description="seed of the jitter alone; the seed if absent")
    overlap_slowdown: float = Field(
        0.0, ge=0.0, allow_inf_nan=False, description="by how much longer gradients take while messages come or go"
    )
    slow_workers: dict[str, float] = Field(
        default_factory=dict, description="factor on the compute times of a worker, by its number"
    )
    straggler_probability: float = Field(0.0, ge=0.0, le=1.0, description="that a gradient takes longer")
    straggler_factor: float = Field(2.0, ge=1.0, allow_inf_nan=False)
    exact: bool = Field(False, description="simulate every event, taking no shortcut")
    shortcuts: list[str] | None = Field(None, description="the shortcuts that may be taken; all if left out")
    timing_only: bool = Field(False, description="count the time of what learns, but do not learn")

    @property
    def allowed_shortcuts(self) -> frozenset[str]:
        """The names of the shortcuts that a run may take."""
        return frozenset(() if self.exact else SHORTCUTS if self.shortcuts is None else self.shortcuts)

    @model_validator(mode="after")
    def _known_shortcuts(self) -> SimulationTable:
        for name in self.shortcuts or ():
            if name not in SHORTCUTS:
                raise ValueError(f"shortcuts: expected some of {', '.join(SHORTCUTS)}, got {name!r}")
        if self.exact and self.shortcuts:
            raise ValueError("exact takes no shortcuts; remove one of the two keys")
        return self

    @model_validator(mode="after")
    def _no_idle_keys(self) -> SimulationTable:
        # A probability of nothing that is stated, as a study's first value may be, leaves the factor its meaning.
        stated = {"straggler_factor", "straggler_probability"} & self.model_fields_set
        if stated == {"straggler_factor"} and self.straggler_factor != 2.0:
            raise ValueError("straggler_factor has an effect only with straggler_probability")
        return self


class LearningTable(Document):
    """Real learning in simulated time: what learns what, by which hyper-parameters, and when to stop."""

    data: str = "digits"
    model: str = "mlp"
    options: dict[str, Any] = Field(default_factory=dict, description="of the model")
    batch_size: int | None = Field(None, ge=1, description="samples of a gradient; the workload's if absent")
    learning_rate: float = Field(0.1, gt=0, allow_inf_nan=False)
    elasticity: float | None = Field(None, ge=0, allow_inf_nan=False, description="ρ; 0.9 / (workers η) if absent")
    momentum: float = Field(0.9, ge=0, lt=1)
    schedule: Literal["constant", "cosine", "step"] = "constant"
    warmup: int = Field(0, ge=0, description="steps over which the learning rate rises")
    decay: float = Field(0.1, gt=0, le=1)
    decay_every: int = Field(0, ge=0, description="steps; with schedule = 'step'")
    evaluate_every: int = Field(10, ge=1, description="steps of all workers between evaluations")
    target_accuracy: float | None = Field(None, gt=0, le=1)
    time_limit: float | None = Field(None, gt=0, description="simulated seconds")

    @model_validator(mode="after")
    def _no_idle_keys(self) -> LearningTable:
        for key in ("decay", "decay_every"):
            # A default that is spelt out, as in the scenario of a result, says nothing.
            changed = getattr(self, key) != type(self).model_fields[key].default
            if changed and self.schedule != "step":
                raise ValueError(f"{key} has an effect only with schedule = 'step'")
        if self.schedule == "step" and not self.decay_every:
            raise ValueError("schedule = 'step' needs decay_every, the steps from one decay to the next")
        return self


class CompareTable(Document):
    """What `clustersim compare` compares when it is not told: ``"name"`` or ``"name:option=value"``."""

    algorithms: list[str] = Field(default_factory=list)


class PlanTable(Document):
    """What `clustersim plan` plans when it is not told; see `simulator.planning.plan`."""

    systems: list[str] = Field(default_factory=list)
    nodes: str | None = None
    algorithms: list[str] = Field(default_factory=list)
    batch_sizes: list[int] = Field(default_factory=list)
    global_batch: int | None = None
    work: str | None = Field(None, description="epochs=N or samples=N")
    deadline: str | None = None
    budget: str | None = None
    objective: str | None = None
    target: str | None = Field(None, description="throughput=N samples/s or accuracy=A")
    prices: dict[str, str] = Field(default_factory=dict, description='of a node-hour by system, such as "98.32 USD/h"')


class CalibrationTable(Document):
    """Corrections of the hardware model that measurements have shown; see `simulator.calibration.parameters`.

    Without an overlay and parameters, nothing is corrected. A parameter stated here comes over the overlay's.
    """

    overlay: str | None = Field(None, description="file that 'clustersim calibrate' wrote; beside the scenario first")
    parameters: Annotated[dict[str, float | str], BeforeValidator(flattened)] = Field(
        default_factory=dict, description="values by name: numbers in SI units, or text with a unit"
    )


#: Factors on parts of the hardware, by the names of `simulator.hardware.what_if`; a million is as good as any number of
#: times, and leaves rates and times of any profile far from where floating point ends.
WhatIfTable = Annotated[
    dict[str, Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]],
    BeforeValidator(flattened),
]


class ScenarioTables(Document):
    """All tables of a scenario."""

    cluster: Cluster
    workload: Workload
    algorithm: AlgorithmTable
    network: NetworkTable = NetworkTable()
    simulation: SimulationTable = SimulationTable()
    learning: LearningTable | None = None
    compare: CompareTable = CompareTable()
    plan: PlanTable | None = None
    calibration: CalibrationTable | None = None
    prices: PricesTable = PricesTable()
    power: PowerTable = PowerTable()
    reliability: ReliabilityTable | None = None
    background: BackgroundTable | None = None
    what_if: WhatIfTable = Field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """A validated scenario, with where it came from.

    Attributes
    ----------
    tables : ScenarioTables
        The validated content.
    where : str
        File name for error messages.
    directory : Path
        What relative paths in the scenario are relative to.
    """

    tables: ScenarioTables
    data: Mapping[str, Any]
    where: str
    directory: Path

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "scenario", directory: Path | None = None) -> Scenario:
        """Validate tables given as nested mappings.

        Raises
        ------
        InputError
            If a key is unknown, missing or has a wrong value.
        """
        return cls(validate(data, ScenarioTables, where), data, where, directory or Path())

    @classmethod
    def load(cls, path_or_name: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
        """Read a scenario file, or the bundled example of that name, and apply overrides by dotted key.

        Raises
        ------
        InputError
            If there is no such file or example, or its content is not a scenario.
        """
        path = _find(path_or_name)
        return cls.from_dict(_with(read_toml(path), overrides or {}), str(path_or_name), path.parent)

    def override(self, changes: Mapping[str, Any]) -> Scenario:
        """The same scenario with some dotted keys changed; a value of None removes the key."""
        return Scenario.from_dict(_with(self.data, changes), self.where, self.directory)

    def found(self, name: str) -> str:
        """A name that the scenario states, to be loaded: files are looked for beside the scenario first."""
        beside = self.directory / name
        return str(beside) if name.endswith((".toml", ".py")) and beside.exists() else name


#: Two ways to say the same thing: stating one in place of the other takes the other's place.
_EITHER = (("workload.steps", "workload.epochs"), ("workload.epochs", "workload.steps"))


def _with(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for stated, replaced in _EITHER:
        if changes.get(stated) is not None and replaced not in changes:
            changes = {**changes, replaced: None}
    result = {key: dict(value) if isinstance(value, Mapping) else value for key, value in data.items()}
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        table: dict[str, Any] = result
        for parent in parents:
            inner = table.get(parent, {})
            if not isinstance(inner, Mapping):
                raise InputError(f"{dotted}: {parent!r} is not a table; expected a key such as 'cluster.nodes'")
            table[parent] = table = dict(inner)
        if value is None:
            table.pop(last, None)
        else:
            table[last] = value
    return result


def parse_assignment(text: str) -> tuple[str, Any]:
    """``"cluster.nodes=16"`` to ``("cluster.nodes", 16)``; the value is TOML, or else taken as a string.

    Raises
    ------
    InputError
        If there is no ``=`` or no key.
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise InputError(f"{text!r}: expected KEY=VALUE, such as cluster.nodes=16")
    return key.strip(), parse_value(value.strip())


def parse_value(text: str) -> Any:
    """A TOML value, or the text itself where it is none.

    Examples
    --------
    >>> parse_value("16"), parse_value("true"), parse_value("sync-sgd")
    (16, True, 'sync-sgd')
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _example_folder() -> Path:
    """Examples lie inside an installed package and beside it in a source tree."""
    package = Path(str(resources.files("simulator")))
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent / "examples"


def example_names() -> list[str]:
    """Names of the bundled example scenarios, sorted."""
    return sorted(path.stem for path in _example_folder().glob("*.toml"))


def _find(path_or_name: str | Path) -> Path:
    path = Path(path_or_name)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    example = _example_folder() / f"{path_or_name}.toml"
    if not example.is_file():
        raise UnknownNameError("scenario file or example", str(path_or_name), example_names())
    return example
