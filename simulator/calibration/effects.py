"""Whether a calibration parameter can change anything about a scenario, and if not, why not.

A key that is read but changes nothing would make users believe in an answer that ignores them. So what a scenario
states without effect is refused; an overlay, which was made for a whole system, may hold more than is used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING

from simulator.calibration.applied import Calibration
from simulator.calibration.parameters import candidates, parameter_kind
from simulator.errors import InputError, suggestion
from simulator.platform.corrections import MEMORY

if TYPE_CHECKING:
    from simulator.hardware.cables import CableType
    from simulator.platform import Platform
    from simulator.resolved import ResolvedScenario

__all__ = ["check_effects", "link_profiles", "overheads_in_use", "why_without_effect", "with_effect"]


def check_effects(calibration: Calibration, resolved: ResolvedScenario) -> None:
    """Refuse parameters that the scenario states itself, without effect on it and not to replace an overlay's.

    Raises
    ------
    InputError
        One line that names the scenario, the parameter and the reason.
    """
    known = calibration.overlay.values if calibration.overlay else {}
    for name in sorted(calibration.stated):
        reason = why_without_effect(name, resolved)
        if reason and name not in known:
            where = f"{resolved.scenario.where}: calibration.parameters: {name}"
            raise InputError(f"{where}: no effect here: {reason}; remove it")


def with_effect(values: Mapping[str, float], resolved: ResolvedScenario) -> dict[str, float]:
    """Those of the parameters that can change a scenario's result."""
    return {name: value for name, value in values.items() if not why_without_effect(name, resolved)}


def why_without_effect(name: str, resolved: ResolvedScenario) -> str:
    """Why a parameter changes nothing about a scenario; empty if it may."""
    kind = parameter_kind(name)
    base = kind.pattern.partition("[")[0]
    network = resolved.network.name
    if base.startswith("compute."):
        devices = {placed.device.name for placed in resolved.workers}
        return _not_among(name, base, network, devices)
    if base.startswith("update."):
        return _not_among(name, base, "", {placed.device.name for placed in resolved.devices})
    if name.startswith("link."):
        return _link(name, resolved.platform)
    if name == "load.scale" and not resolved.platform.system.node.self_hosted:
        return "batches come to the accelerators over links; calibrate those, or load.fixed"
    if name == "collective.call" and not (resolved.collectives and resolved.platform.calls_collectives):
        return "no collective call is made"
    if name.startswith("cores.") and resolved.platform.system.node.processes is None:
        return "ranks are no processes that share cores"
    if name == "overlap.slowdown" and len(resolved.devices) == 1:
        return "there are no messages"
    if name == "overlap.slowdown" and resolved.platform.system.node.processes is not None:
        return "messages already compete with gradients for the cores"
    if name.startswith("overhead."):
        used = overheads_in_use(resolved.platform)
        kind_of_message = name.removeprefix("overhead.")
        return "" if kind_of_message in used else f"no such transfer takes place{suggestion(kind_of_message, used)}"
    return ""


def _not_among(name: str, base: str, network: str, devices: Collection[str]) -> str:
    """Why a name with a network or a device in it holds for none of those in use."""
    names = {candidate for device in devices for candidate in candidates(base, network, device)}
    return "" if name in names else f"it holds for none of {', '.join(sorted(names))}"


def _link(name: str, platform: Platform) -> str:
    medium, _, quantity = name.removeprefix("link.").rpartition(".")
    used = link_profiles(platform)
    if medium not in used:
        return f"no message crosses a link {medium!r}{suggestion(medium, used)}"
    if quantity == "stream" and all(cable.flow_cap == inf for cable in _cables(platform) if cable.profile == medium):
        return f"a link {medium!r} has no limit of one stream"
    return ""


def link_profiles(platform: Platform) -> set[str]:
    """Profiles of the links that messages on a platform may cross; `MEMORY` for copies inside a chip."""
    return {cable.profile for cable in _cables(platform)} | ({MEMORY} if platform.partitions > 1 else set())


def _cables(platform: Platform) -> Iterator[CableType]:
    """The cables that messages on a platform may cross."""
    node = platform.system.node
    if _inside(platform):
        yield from (cable.type for cable in node.cables)
    if platform.nodes > 1:
        yield from (cable.type for cable in platform.cables())
    if node.processes is not None:
        yield node.processes.link


def _inside(platform: Platform) -> bool:
    """Whether the cables inside a node carry anything when there is only one."""
    return len(platform.system.node.accelerators) > 1 or not platform.system.node.self_hosted


def overheads_in_use(platform: Platform) -> set[str]:
    """Software overheads that transfers on a platform may have, by the last part of the parameter's name."""
    node = platform.system.node
    used = {"message"} if platform.nodes > 1 else set()
    if not node.self_hosted:
        used.add("copy")
        if platform.nodes > 1 and not node.gpudirect:
            used.add("staging")
    if platform.partitions > 1 or node.processes is not None:
        used.add("local")
    if node.processes is not None:
        used.add("announcement")
    return used | platform.transfers_between_accelerators()
