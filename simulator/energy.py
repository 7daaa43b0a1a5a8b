"""Energy of a run: what its devices draw while they work and while they wait, and what else the nodes draw.

A device draws its thermal design power while it computes, and its idle power otherwise:

    E = T · (P_idle + (P_tdp − P_idle) · u)

with u the share of the run in which its ranks' spans of gradients, updates and additions go on. Ranks that are groups
of a chip or processes on cores count with their share of it. Where a profile states no idle power, the thermal design
power stands for it, so that the sum remains an upper bound. Copies and messages count as waiting.

What else a node draws (fans, memory, adapters, conversion) is its stated power less the thermal design powers of its
devices, and is drawn all the time; where no power of the node is stated, it is left out, and switches always are. All
of it is multiplied by the facility's overhead, ``prices.pue``.

Thermal design power is seldom reached in training: 8.4 kW at most were measured on an eight-GPU H100 node rated at 10.2
(Latif et al. 2025, "Single-node power demand during AI training", IEEE Access 13), so busy devices are overstated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from simulator.documents import Document
from simulator.errors import InputError, UnknownNameError
from simulator.prices import quantity_text
from simulator.units import parse_quantity

if TYPE_CHECKING:
    from simulator.hardware.device import Device
    from simulator.hardware.system import System
    from simulator.platform import PlacedDevice

__all__ = ["Draw", "Energy", "NodePower", "PowerTable", "device_draws", "energy_of", "node_power"]

PowerText = Annotated[str, AfterValidator(quantity_text("power"))]


class DevicePowerTable(Document):
    """Draw of one device in place of its profile's."""

    busy: PowerText | None = None
    idle: PowerText | None = None


class PowerTable(Document):
    """Electrical power in place of the profiles'."""

    devices: dict[str, DevicePowerTable] = Field(default_factory=dict, description="by the name of the profile")
    node: PowerText | None = Field(None, description="of a whole node under load, devices included")

    @model_validator(mode="after")
    def _says_something(self) -> PowerTable:
        for name, draw in self.devices.items():
            if draw.busy is None and draw.idle is None:
                raise ValueError(f"devices.{name}: expected busy, idle or both")
        return self


@dataclass(frozen=True)
class Draw:
    """Power of a device [W] while it works and while it waits; None where nobody states the latter."""

    busy: float
    idle: float | None

    def mean(self, share: float) -> float:
        """Power on average where it works for that share of the time [W]."""
        return self.busy if self.idle is None else self.idle + (self.busy - self.idle) * share


@dataclass(frozen=True)
class NodePower:
    """What of a node's power is not its devices' [W]; None where no power of the node is stated."""

    rest: float | None


@dataclass(frozen=True)
class Energy:
    """Energy of a run [J], by part, before the facility's overhead.

    Attributes
    ----------
    accelerators, hosts, rest : float
        `rest` is what the nodes draw beside their devices.
    bound : float
        The same with every device at its thermal design power all the time.
    pue : float
        The facility's energy over the machine's.
    busy : float
        Share of the time in which accelerators work, on average.
    without_idle : tuple of str
        Devices whose idle power nobody states.
    rest_known : bool
        Whether `rest` is, or was left out.
    """

    accelerators: float
    hosts: float
    rest: float
    bound: float
    pue: float
    busy: float
    without_idle: tuple[str, ...]
    rest_known: bool

    @property
    def total(self) -> float:
        """All parts, with the facility's overhead."""
        return self.pue * (self.accelerators + self.hosts + self.rest)

    @property
    def upper_bound(self) -> float:
        """What it could be at most, with the facility's overhead."""
        return self.pue * self.bound

    def to_dict(self) -> dict[str, Any]:
        """As the JSON result has it."""
        return {
            "accelerators_j": self.accelerators,
            "hosts_j": self.hosts,
            "rest_of_nodes_j": self.rest if self.rest_known else None,
            "pue": self.pue,
            "accelerators_busy": self.busy,
            "idle_power_unknown": list(self.without_idle),
        }


def device_draws(system: System, table: PowerTable, where: str) -> dict[str, Draw]:
    """Draw of each device of a system, by the name of its profile.

    Raises
    ------
    InputError
        If the table names a device that the system has not, or states more for waiting than for work, or less for a
        node than its devices draw.
    """
    devices = {device.name: device for device in system.devices.values()}
    for name in table.devices:
        if name not in devices:
            raise UnknownNameError(f"device of {system.name}", name, devices, f"{where}.devices")
    draws = {name: _draw(device, table.devices.get(name, DevicePowerTable())) for name, device in devices.items()}
    for name, draw in draws.items():
        if name in table.devices and draw.idle is not None and draw.idle > draw.busy:
            raise InputError(
                f"{where}.devices.{name}: idle: expected at most busy, {draw.busy:g} W, got {draw.idle:g} W"
            )
    together = sum(draws[device.name].busy for device in system.devices.values())
    if table.node is not None and parse_quantity(table.node, "power") < together:
        raise InputError(f"{where}.node: expected at least {together:g} W, what its devices draw, got {table.node!r}")
    return draws


def _draw(device: Device, stated: DevicePowerTable) -> Draw:
    busy, idle = device.power.tdp.value, device.power.idle.value if device.power.idle else None
    if stated.busy is not None:
        busy = parse_quantity(stated.busy, "power")
    if stated.idle is not None:
        idle = parse_quantity(stated.idle, "power")
    return Draw(busy, idle)


def node_power(system: System, table: PowerTable, draws: Mapping[str, Draw]) -> NodePower:
    """What a node draws beside its devices."""
    facts = system.profile.facts
    whole = facts.node_power.value if facts.node_power else None
    if table.node is not None:
        whole = parse_quantity(table.node, "power")
    if whole is None:
        return NodePower(None)
    return NodePower(max(0.0, whole - sum(draws[device.name].busy for device in system.devices.values())))


def energy_of(
    duration: float,
    nodes: int,
    devices: Sequence[PlacedDevice],
    shares: Mapping[str, float],
    draws: Mapping[str, Draw],
    node: NodePower,
    pue: float,
) -> Energy:
    """Energy of a run.

    Parameters
    ----------
    duration : float
        Of the run [s].
    devices : sequence of PlacedDevice
        All of the nodes in use, each once.
    shares : mapping
        By the vertex of a device: for what share of the run it works; 0 where left out.
    """
    parts = {"accelerator": 0.0, "host": 0.0}
    bound = 0.0
    for placed in devices:
        draw = draws[placed.device.name]
        parts[placed.kind] += duration * draw.mean(min(1.0, shares.get(placed.vertex, 0.0)))
        bound += duration * draw.busy
    rest = duration * nodes * (node.rest or 0.0)
    working = [min(1.0, shares.get(placed.vertex, 0.0)) for placed in devices if placed.kind == "accelerator"]
    unknown = {placed.device.name for placed in devices if draws[placed.device.name].idle is None}
    return Energy(
        parts["accelerator"],
        parts["host"],
        rest,
        bound + rest,
        pue,
        sum(working) / len(working) if working else 0.0,
        tuple(sorted(unknown)),
        node.rest is not None,
    )
