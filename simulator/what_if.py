"""The ``[what_if]`` table of a scenario: factors on the hardware, over its profiles and its calibration.

The order is: profile, calibration overlay, the scenario's own calibration parameters, what-if factors. A factor is on
the figure in force, so of an overhead that was calibrated to 5 us a factor of 0.5 leaves 2.5, and of a link whose
calibration added latency both parts shrink. Relative corrections (scales) hold for the changed part as they did.

`scaled` does that to a system and its calibration; `why_without_effect` says what a scenario has no use for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from simulator.calibration.applied import Calibration
from simulator.calibration.effects import link_profiles, overheads_in_use
from simulator.cost.memory_tiers import effective_bandwidth
from simulator.errors import InputError
from simulator.hardware.device import Device
from simulator.hardware.system import System
from simulator.hardware.what_if import OVERHEADS, Parameter, ScaledDevice, fabric_links, scaled_device, scaled_system
from simulator.hardware.what_if import what_ifs as parameters_of
from simulator.platform.corrections import MEMORY, PlatformCorrections

if TYPE_CHECKING:
    from simulator.resolved import ResolvedScenario

__all__ = ["NOTHING", "WhatIf", "check_effects", "what_ifs", "why_without_effect"]

#: Parameters of calibrations that are seconds added to what a rank does.
_FRAMEWORK = ("compute.fixed", "update.fixed", "load.fixed")


@dataclass(frozen=True)
class WhatIf:
    """Factors in force, by the name of their parameter; see `simulator.hardware.what_if`."""

    factors: Mapping[str, float] = field(default_factory=dict)

    def check(self, system: System, where: str) -> None:
        """Refuse names that the system does not have.

        Raises
        ------
        InputError
            It offers the nearest name and lists all of them.
        """
        known = parameters_of(system)
        for name in self.factors:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise InputError(
                    f"{where}: unknown hardware parameter {name!r} of {system.name}; {hint}"
                    f"expected one of: {', '.join(known)}"
                )

    def system(self, system: System) -> System:
        """The system as it would be."""
        return scaled_system(system, self.factors)

    def calibration(self, calibration: Calibration, system: System) -> Calibration:
        """What measurements have corrected, as it would be on that system: what they state in seconds changes."""
        values = {name: value * self._on_calibrated(name, system) for name, value in calibration.values.items()}
        return replace(calibration, values=values) if values != calibration.values else calibration

    def corrections(self, corrections: PlatformCorrections) -> PlatformCorrections:
        """Corrections of the platform, with factors on its software."""
        own = {name: self.factors.get(f"overhead.{name}", 1.0) for name in OVERHEADS}
        own["collective"] = self.factors.get("collective.call", 1.0)
        changed = {name: factor for name, factor in own.items() if factor != 1.0}
        return replace(corrections, overhead_factors=changed) if changed else corrections

    def warnings(self) -> tuple[str, ...]:
        """That a result is of a machine that does not exist, where it is."""
        changed = [f"{factor:g} x {name}" for name, factor in self.factors.items() if factor != 1.0]
        return (f"no such machine, but what if: {', '.join(changed)}",) if changed else ()

    def _on_calibrated(self, name: str, system: System) -> float:
        """The factor on a calibration parameter that is seconds, and is added to what the profile says."""
        if name.startswith(_FRAMEWORK):
            return self.factors.get("overhead.framework", 1.0)
        if name in ("cores.slice", "cores.switch", "cores.balance"):
            return self.factors.get("process.time_slice", 1.0)
        if not (name.startswith("link.") and name.endswith(".latency")):
            return 1.0
        profile = name.removeprefix("link.").removesuffix(".latency")
        if profile == MEMORY:
            device = system.devices[system.node.accelerators[0]]
            return self.factors.get(f"device.{device.name}.memory.{_kernel_memory(device)}.latency", 1.0)
        shared = profile in fabric_links(system)
        return self.factors.get(name, 1.0) * (self.factors.get("nic.latency", 1.0) if shared else 1.0)


#: The machine as it is.
NOTHING = WhatIf()


def what_ifs(resolved: ResolvedScenario) -> list[Parameter]:
    """The parameters that a scenario's time may depend on, those that stand for others included."""
    known = parameters_of(resolved.platform.system)
    return [parameter for name, parameter in known.items() if not why_without_effect(name, resolved)]


def check_effects(what_if: WhatIf, resolved: ResolvedScenario) -> None:
    """Refuse factors on what the scenario makes no use of.

    Raises
    ------
    InputError
        One line that names the scenario, the parameter, the reason, and what could be asked.
    """
    for name in what_if.factors:
        reason = why_without_effect(name, resolved)
        if reason:
            where = f"{resolved.scenario.where}: what_if.{name}"
            others = ", ".join(parameter.name for parameter in what_ifs(resolved))
            raise InputError(f"{where}: no effect here: {reason}; remove it, or take one of {others}")


def why_without_effect(name: str, resolved: ResolvedScenario) -> str:
    """Why a factor on a parameter changes nothing about a scenario; empty if it may."""
    part, _, rest = name.partition(".")
    if part == "device":
        return _device(rest, resolved)
    if part == "link":
        return _link(rest, resolved)
    if name.startswith("nic."):
        reasons = [_link(f"{profile}.{rest}", resolved) for profile in fabric_links(resolved.platform.system)]
        return "" if "" in reasons else reasons[0]
    if name == "fabric.oversubscription":
        levels = max(resolved.platform.fabric.layers().values(), default=0)
        return "" if levels > 1 else "all nodes are on one leaf"
    if name == "peer.socket_bandwidth":
        return "" if "peer" in overheads_in_use(resolved.platform) else "no accelerator sends to another directly"
    if name == "process.copy_bandwidth":
        return "" if len(resolved.devices) > 1 else "there are no messages"
    if name == "process.time_slice":
        cores = resolved.workers[0].device.units.value
        return "" if len(resolved.devices) > cores else "there is a core for each process"
    return _software(name, resolved)


def _software(name: str, resolved: ResolvedScenario) -> str:
    """Of ``overhead.`` and ``collective.`` parameters."""
    kind = name.rpartition(".")[2]
    if name == "overhead.framework":
        added = any(value for key, value in resolved.calibration.values.items() if key.startswith(_FRAMEWORK))
        return "" if added else "no calibration adds any"
    if name.startswith("collective."):
        if not (resolved.collectives and resolved.platform.calls_collectives):
            return "no collective call is made"
        return "" if resolved.platform.overheads()["collective"] else "the profile and the calibration state none"
    if kind not in overheads_in_use(resolved.platform):
        return "no such transfer takes place"
    return "" if resolved.platform.overheads()[kind] else "the profile and the calibration state none"


def _link(rest: str, resolved: ResolvedScenario) -> str:
    profile, _, quantity = rest.rpartition(".")
    if profile not in link_profiles(resolved.platform):
        return f"no message crosses a link {profile!r}"
    if quantity == "latency":
        processes = resolved.platform.system.node.processes
        cables = [cable.type for cable in resolved.platform.cables()] + ([processes.link] if processes else [])
        if not any(resolved.platform.corrections.cable(c).latency for c in cables if c.profile == profile):
            return "its latency is zero, part of the message's overhead"
    return ""


def _device(rest: str, resolved: ResolvedScenario) -> str:
    name, _, what = rest.partition(".")
    working = {placed.device.name: placed.device for placed in resolved.workers}
    holding = {placed.device.name: placed.device for placed in resolved.devices}
    if name not in holding:
        return f"no rank runs on {name}"
    device, worker = holding[name], name in working
    many = resolved.platform.partitions > 1 or resolved.platform.system.node.processes is not None
    if what == "compute":
        return "" if worker else "no gradient is computed there, and updates are bound by memory"
    if what == "core_bandwidth":
        return "" if worker and many else "ranks have all cores"
    if what.startswith("memory."):
        memory, _, latency = what.removeprefix("memory.").partition(".")
        if latency:
            used = resolved.platform.partitions > 1 and memory == _kernel_memory(device)
            return "" if used else "only copies between the groups of one chip wait for it"
        return _memory(memory, device, resolved, worker)
    return ""


def _memory(memory: str, device: Device, resolved: ResolvedScenario, worker: bool) -> str:
    """Of a memory's bandwidth: kernels work in one memory, the working set may lie in it, updates may go through it."""
    if memory == device.main_memory and any(placed.device is device for placed in resolved.master_places):
        return ""
    if worker and memory != _kernel_memory(device):
        original = device.original if isinstance(device, ScaledDevice) else device
        slower = scaled_device(original, {f"device.{device.name}.memory.{memory}": 0.5})
        footprint, modes = resolved.memory.total * resolved.groups, (resolved.memory_mode, resolved.cluster_mode)
        seen = [effective_bandwidth(d, footprint, modes[0], cluster_mode=modes[1]) for d in (original, slower)]
        return "" if seen[0] != seen[1] else f"the working set fits in {device.fast_memory}"
    return "" if worker or memory == _kernel_memory(device) else f"nothing lies in {memory}"


def _kernel_memory(device: Device) -> str:
    """The memory that kernels work in as far as the working set fits."""
    return device.fast_memory or device.main_memory
