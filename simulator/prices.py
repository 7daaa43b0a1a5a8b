"""What a run costs: the price of its nodes while it runs, and electricity where that is paid for apart.

The price of a node is the first of these that there is:

1. what the scenario's ``[prices]`` states: ``node_hour``, the sum of ``devices`` over a node's accelerators, or a
   purchase spread over ``lifetime_years`` of steady use (``node_purchase``, or the profile's own);
2. the system profile's price of a node, as a rule a cloud's list price on demand, which includes electricity;
3. the sum of what the profiles of its accelerators say that each is rented for.

Otherwise it is unknown. Nodes are paid for as long as the run takes and no longer: no minimum, no idle hours, no
storage. ``kwh`` adds electricity for the energy of the run (`simulator.energy`); it is refused beside a rent that
includes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from simulator.documents import Document
from simulator.errors import InputError, UnknownNameError
from simulator.units import format_quantity, parse_quantity

if TYPE_CHECKING:
    from simulator.hardware.system import System

__all__ = ["Cost", "NodePrice", "PricesTable", "cost_of", "node_price", "quantity_text"]

_SECONDS_A_YEAR = 365.25 * 86400.0


def quantity_text(dimension: str) -> Callable[[str], str]:
    """Checks text with a unit and leaves it as it is, so that a scenario can be written down again."""

    def check(text: str) -> str:
        if parse_quantity(text, dimension) < 0:
            raise ValueError(f"expected at least 0, got {text!r}")
        return text

    return check


PriceText = Annotated[str, AfterValidator(quantity_text("price"))]


class PricesTable(Document):
    """Prices in place of the profiles', and what electricity costs."""

    node_hour: PriceText | None = Field(None, description='of a node, such as "32.77 USD/h"')
    devices: dict[str, PriceText] = Field(default_factory=dict, description="of an accelerator, by its profile's name")
    node_purchase: Annotated[str, AfterValidator(quantity_text("money"))] | None = Field(
        None, description='of a node that is bought, such as "199000 USD"'
    )
    lifetime_years: float | None = Field(None, gt=0, allow_inf_nan=False, description="that a purchase is spread over")
    kwh: Annotated[str, AfterValidator(quantity_text("energy price"))] | None = Field(
        None, description='of electricity, such as "0.12 USD/kWh"'
    )
    pue: float = Field(1.0, ge=1.0, allow_inf_nan=False, description="the facility's energy over the machine's")

    @model_validator(mode="after")
    def _one_price(self) -> PricesTable:
        given = [key for key in ("node_hour", "devices", "lifetime_years") if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"expected one of node_hour, devices and lifetime_years, got {' and '.join(given)}")
        if self.node_purchase is not None and self.lifetime_years is None:
            raise ValueError("node_purchase has an effect only with lifetime_years")
        return self


@dataclass(frozen=True)
class NodePrice:
    """Price of one node [USD/s] and where it comes from.

    Attributes
    ----------
    kind : str
        ``"stated"`` in the scenario, ``"list"`` of the system, ``"devices"`` added up, or ``"purchase"``.
    basis : str
        One phrase for people.
    date : str or None
        When it held.
    includes_electricity : bool
        Whether it is a rent that does.
    """

    value: float
    kind: str
    basis: str
    date: str | None = None
    includes_electricity: bool = True


@dataclass(frozen=True)
class Cost:
    """What a run costs [USD], by part; parts that are not paid for apart are 0."""

    machine: float
    electricity: float
    basis: str
    price: NodePrice | None

    @property
    def total(self) -> float:
        """Both parts."""
        return self.machine + self.electricity

    def to_dict(self) -> dict[str, Any]:
        """As the JSON result has it."""
        price = self.price
        return {
            "node_hour_usd": None if price is None else price.value * 3600.0,
            "kind": None if price is None else price.kind,
            "date": None if price is None else price.date,
            "basis": self.basis,
            "machine_usd": self.machine,
            "electricity_usd": self.electricity,
        }


def node_price(system: System, table: PricesTable, where: str) -> NodePrice | None:
    """The price of a node of `system`; None where nobody states one.

    Parameters
    ----------
    where : str
        Opens error messages: the scenario's file and table.

    Raises
    ------
    InputError
        If the table names a device that the node has not, leaves one out, asks to spread an unknown price, or to pay
        for electricity beside a rent that includes it.
    """
    price = _price(system, table, where)
    if table.kwh is not None and price is not None and price.includes_electricity:
        raise InputError(f"{where}.kwh: the {price.basis} includes electricity; state node_hour or lifetime_years too")
    return price


def _price(system: System, table: PricesTable, where: str) -> NodePrice | None:
    facts, names = system.profile.facts, [system.devices[vertex].name for vertex in system.node.accelerators]
    if table.node_hour is not None:
        return NodePrice(parse_quantity(table.node_hour, "price"), "stated", "as stated, a node", None, False)
    if table.devices:
        for name in table.devices:
            if name not in names:
                raise UnknownNameError(f"accelerator of {system.name}", name, names, f"{where}.devices")
        for name in names:
            if name not in table.devices:
                raise InputError(f"{where}.devices: {name} is missing; expected all accelerators of {system.name}")
        total = sum(parse_quantity(table.devices[name], "price") for name in names)
        return NodePrice(total, "stated", "as stated, its accelerators added up", None, False)
    if table.lifetime_years is not None:
        return _spread(system, table, table.lifetime_years, where)
    if facts.price is not None:
        return NodePrice(facts.price.value, "list", "list price, on demand", facts.price.date)
    rents = [system.devices[vertex].price for vertex in system.node.accelerators]
    known = [rent for rent in rents if rent is not None]
    if not known or len(known) < len(rents):
        return None
    dates = sorted({rent.date for rent in known if rent.date})
    basis = "list price of renting its accelerators elsewhere"
    return NodePrice(sum(rent.value for rent in known), "devices", basis, ", ".join(dates) or None)


def _spread(system: System, table: PricesTable, years: float, where: str) -> NodePrice:
    bought, date = system.profile.facts.purchase, None
    if table.node_purchase is not None:
        price = parse_quantity(table.node_purchase, "money")
    elif bought is not None:
        price, date = bought.value, bought.date
    else:
        raise InputError(f"{where}.lifetime_years: {system.name} states no purchase price; give node_purchase as well")
    basis = f"{format_quantity(price, 'money', 6)} a node over {years:g} years of steady use"
    return NodePrice(price / (years * _SECONDS_A_YEAR), "purchase", basis, date, False)


def cost_of(duration: float, nodes: int, energy: float, price: NodePrice | None, table: PricesTable) -> Cost | None:
    """Cost of a run of `duration` seconds that takes `energy` joules; None where no price is known."""
    if price is None and table.kwh is None:
        return None
    electricity = energy * parse_quantity(table.kwh, "energy price") if table.kwh is not None else 0.0
    machine = 0.0 if price is None else duration * nodes * price.value
    basis = "electricity alone" if price is None else price.basis + " and electricity" * (table.kwh is not None)
    return Cost(machine, electricity, basis, price)
