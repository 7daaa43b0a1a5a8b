"""A scenario's calibration in force: which parameter has which value, and what each part of the model makes of it.

Values come from an overlay, which belongs to a system and may hold more than this scenario has a use for, and from the
scenario itself, which come over the overlay's. What a scenario states itself must have an effect on it, or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from simulator.calibration.overlay import Overlay, load_overlay
from simulator.calibration.parameters import checked_value, value_of
from simulator.cost.calibrated import CostCorrection
from simulator.errors import InputError, located
from simulator.platform.corrections import CoresCorrection, LinkCorrection, PlatformCorrections

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["Calibration", "calibration_of"]

#: Name of an overhead on the platform, by the parameter that replaces it.
_OVERHEADS = MappingProxyType(
    {
        "overhead.message": "message",
        "overhead.copy": "copy",
        "overhead.peer": "peer",
        "overhead.staging": "staging",
        "overhead.local": "local",
        "overhead.announcement": "announcement",
        "collective.call": "collective",
    }
)


@dataclass(frozen=True)
class Calibration:
    """Parameter values in force.

    Attributes
    ----------
    values : mapping
        Every parameter that has a value, in SI.
    stated : frozenset of str
        Those of them that the scenario states itself.
    overlay : Overlay or None
        Where the others come from.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()
    overlay: Overlay | None = None

    def costs(self, network: str, device: str) -> CostCorrection:
        """The correction of a device's times for that network."""

        def value(name: str, neutral: float) -> float:
            return value_of(self.values, name, neutral, network if name.startswith("compute.") else "", device)

        return CostCorrection(
            compute_scale=value("compute.scale", 1.0),
            compute_fixed=value("compute.fixed", 0.0),
            update_scale=value("update.scale", 1.0),
            update_fixed=value("update.fixed", 0.0),
            load_scale=self.values.get("load.scale", 1.0),
            load_fixed=self.values.get("load.fixed", 0.0),
        )

    @cached_property
    def platform(self) -> PlatformCorrections:
        """The corrections of links and software overheads."""
        links: dict[str, dict[str, float]] = {}
        for name, value in self.values.items():
            if name.startswith("link."):
                medium, _, quantity = name.removeprefix("link.").rpartition(".")
                links.setdefault(medium, {})[quantity] = value
        overheads = {key: self.values[name] for name, key in _OVERHEADS.items() if name in self.values}
        corrections = {medium: LinkCorrection(**each) for medium, each in links.items()}
        cores = CoresCorrection(
            self.values.get("cores.scale", 1.0),
            self.values.get("cores.slice"),
            self.values.get("cores.switch"),
            self.values.get("cores.balance"),
        )
        return PlatformCorrections(corrections, overheads, cores)

    def overlap_slowdown(self, stated: float | None) -> float:
        """By how much longer gradients take beside messages; what the scenario's own key states comes first."""
        return self._simulation("overlap.slowdown", stated)

    def jitter(self, stated: float | None) -> float:
        """Coefficient of variation of compute times; what the scenario's own key states comes first."""
        return self._simulation("jitter.compute", stated)

    def _simulation(self, name: str, stated: float | None) -> float:
        return self.values.get(name, 0.0) if stated is None else stated


def calibration_of(scenario: Scenario) -> Calibration:
    """The calibration that a scenario asks for.

    Raises
    ------
    InputError
        If the overlay is missing or wrong, or lies over another system than the scenario's; if a parameter is unknown,
        its value is out of bounds, or the scenario states the same thing twice.
    """
    table = scenario.tables.calibration
    if table is None:
        return Calibration()
    where, system = f"{scenario.where}: calibration", scenario.tables.cluster.system
    overlay = None
    if table.overlay is not None:
        beside = scenario.directory / table.overlay
        with located(f"{where}.overlay"):
            overlay = load_overlay(beside if beside.exists() else Path(table.overlay))
            if Path(overlay.system).stem != Path(system).stem:
                raise InputError(
                    f"{table.overlay} lies over the system {overlay.system!r}, the scenario is of {system!r}"
                )
    stated = {name: checked_value(name, value, f"{where}.parameters") for name, value in table.parameters.items()}
    simulation = scenario.tables.simulation
    for name, key in (("overlap.slowdown", "overlap_slowdown"), ("jitter.compute", "jitter")):
        if name in stated and getattr(simulation, key):
            raise InputError(f"{where}.parameters: {name}: simulation.{key} states the same; remove one of them")
    return Calibration({**(overlay.values if overlay else {}), **stated}, frozenset(stated), overlay)
