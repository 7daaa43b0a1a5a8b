"""The network between nodes, as a system profile describes it: a kind, its shape, and the links it is made of.

The shape is that of the machine, not of a job: a job on 16 of 9,688 nodes uses a corner of it. How messages find
their way is the business of `simulator.platform.fabrics`.
"""

from __future__ import annotations

from abc import abstractmethod
from math import inf, prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from simulator.documents import Document
from simulator.hardware.cables import CableProfile, NamedCable
from simulator.hardware.listing import ListedCable
from simulator.hardware.node import NameList

__all__ = [
    "DragonflyProfile",
    "FabricProfile",
    "FatTreeProfile",
    "LinksProfile",
    "NoFabricProfile",
    "StarProfile",
    "TorusProfile",
]

Positive = Annotated[int, Field(ge=1)]


class _Fabric(Document):
    @abstractmethod
    def capacity(self) -> float:
        """How many network adapters the fabric can attach; infinite if its shape sets no bound."""

    def cables(self) -> dict[str, CableProfile]:
        """Every cable of the profile, by the dotted key it stands at."""
        fields = {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}
        return {key: value for key, value in fields.items() if isinstance(value, CableProfile)}


class NoFabricProfile(_Fabric):
    """One node, no network."""

    kind: Literal["none"]

    def capacity(self) -> float:
        """Nothing to attach to."""
        return 0


class StarProfile(_Fabric):
    """One switch with as many ports as it takes; `ports` bounds them."""

    kind: Literal["star"]
    injection: NamedCable
    ports: Positive | None = None

    def capacity(self) -> float:
        """One adapter a port."""
        return inf if self.ports is None else self.ports


class FatTreeProfile(_Fabric):
    """Leaves under spines (two levels), or leaves and aggregation switches in pods under cores (three).

    Every switch has `radix` ports. A leaf has ``oversubscription`` times as many adapters as uplinks, and all its
    ports are used, so ``radix / (1 + oversubscription)`` must be whole. Two levels hold radix * down adapters, three
    hold radix * (radix / 2) * down, which without oversubscription are Leiserson's and Al-Fares's k^2/2 and k^3/4.
    """

    kind: Literal["fat-tree"]
    injection: NamedCable
    uplink: NamedCable | None = None
    levels: Literal[2, 3] = 2
    radix: Annotated[int, Field(ge=2)]
    oversubscription: Annotated[float, Field(ge=1)] = 1.0

    @model_validator(mode="after")
    def _whole_numbers(self) -> FatTreeProfile:
        up = self.radix / (1 + self.oversubscription)
        if up < 1 or abs(up - round(up)) > 1e-9:
            raise ValueError(
                f"expected an oversubscription r for which radix / (1 + r) is whole, got radix = {self.radix} and "
                f"oversubscription = {self.oversubscription:g}"
            )
        if self.levels == 3 and self.radix % 2:
            raise ValueError(f"expected an even radix for three levels, got radix = {self.radix}")
        return self

    @property
    def up(self) -> int:
        """Uplinks of a leaf."""
        return round(self.radix / (1 + self.oversubscription))

    @property
    def down(self) -> int:
        """Adapters on a leaf."""
        return self.radix - self.up

    def capacity(self) -> float:
        """Adapters at full extent."""
        return self.radix * self.down if self.levels == 2 else self.radix * (self.radix // 2) * self.down


class DragonflyProfile(_Fabric):
    """Groups of routers in `rows` x `columns`, every pair of groups joined by `connections` global cables.

    Within a group every two routers of a row are joined (`row`, Cray's rank 1) and every two of a column (`column`,
    rank 2); one row makes the canonical dragonfly of Kim et al. (2008) with its all-to-all group.
    """

    kind: Literal["dragonfly"]
    injection: NamedCable
    row: NamedCable
    column: NamedCable | None = None
    global_: NamedCable = Field(alias="global")
    groups: Positive
    rows: Positive = 1
    columns: Positive
    nodes_per_router: Positive
    connections: Positive = 1

    @model_validator(mode="after")
    def _can_be_built(self) -> DragonflyProfile:
        if self.rows > 1 and self.column is None:
            raise ValueError("expected `column`, the link between routers of a column, because rows > 1")
        if self.connections > self.routers:
            raise ValueError(
                f"expected at most one connection a router between two groups, got connections = {self.connections} "
                f"for {self.routers} routers"
            )
        return self

    @property
    def routers(self) -> int:
        """Routers of a group."""
        return self.rows * self.columns

    def capacity(self) -> float:
        """Adapters at full extent."""
        return self.groups * self.routers * self.nodes_per_router


class TorusProfile(_Fabric):
    """A ring in each dimension; a dimension of two has one cable between its routers, not two."""

    kind: Literal["torus"]
    injection: NamedCable
    link: NamedCable
    shape: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=6)]
    nodes_per_router: Positive = 1

    def capacity(self) -> float:
        """Adapters at full extent."""
        return prod(self.shape) * self.nodes_per_router


class LinksProfile(_Fabric):
    """Any fabric at all: `switches` by name, and links between them and adapters such as ``"n[0-3].nic0"``."""

    kind: Literal["links"]
    switches: NameList
    links: Annotated[tuple[ListedCable, ...], Field(min_length=1)]

    def capacity(self) -> float:
        """As many as are linked; the loader checks each by name."""
        return inf


FabricProfile = Annotated[
    NoFabricProfile | StarProfile | FatTreeProfile | DragonflyProfile | TorusProfile | LinksProfile,
    Field(discriminator="kind"),
]
