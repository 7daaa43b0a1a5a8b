"""The fabric a system profile describes, for the adapters of a job."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.errors import InputError, UnknownNameError
from simulator.hardware.fabric import DragonflyProfile, FatTreeProfile, LinksProfile, StarProfile, TorusProfile
from simulator.hardware.system import System
from simulator.platform.fabrics.base import Fabric, NoFabric
from simulator.platform.fabrics.dragonfly import ROUTINGS, Dragonfly
from simulator.platform.fabrics.fat_tree import FatTree
from simulator.platform.fabrics.listed import ListedFabric
from simulator.platform.fabrics.star import Star
from simulator.platform.fabrics.torus import Torus

__all__ = ["build_fabric"]


def build_fabric(system: System, adapters: Sequence[str], routing: str = "minimal", seed: int = 0) -> Fabric:
    """The fabric between `adapters`, which are numbered in that order.

    Raises
    ------
    InputError
        If `routing` is unknown, or the fabric has no such choice.
    """
    profile, cables = system.profile.fabric, system.fabric_cables
    if routing not in ROUTINGS:
        raise UnknownNameError("routing", routing, ROUTINGS)
    if isinstance(profile, DragonflyProfile):
        return Dragonfly(adapters, cables, profile, routing, seed)
    if routing != "minimal":
        raise InputError(f"{system.path}: routing {routing!r} needs a dragonfly; this fabric is a {profile.kind!r}")
    if isinstance(profile, StarProfile):
        return Star(adapters, cables)
    if isinstance(profile, FatTreeProfile):
        return FatTree(adapters, cables, profile)
    if isinstance(profile, TorusProfile):
        return Torus(adapters, cables, profile)
    if isinstance(profile, LinksProfile):
        return ListedFabric(adapters, system.fabric_switches, system.fabric_links)
    return NoFabric(adapters, cables)
