"""Mean time to failure of a node: the scenario's, or what is published of the system or of its devices."""

from __future__ import annotations

from simulator.errors import InputError
from simulator.hardware.system import System
from simulator.reliability.table import ReliabilityTable, seconds

__all__ = ["node_mtbf"]


def node_mtbf(table: ReliabilityTable, system: System, where: str) -> tuple[float, str]:
    """Mean time to failure of a node [s], and where the figure is from.

    A profile's own figure comes first: ``facts.mtbf``, of whole nodes. Without one the accelerators' are taken, if all
    of them have one: they fail independently, so their rates add up. That leaves hosts, adapters and switches out,
    which the text says.

    Raises
    ------
    InputError
        If the profile's is asked for and says nothing.
    """
    if table.mtbf != "profile":
        return seconds(table.mtbf), "the scenario"
    facts = system.profile.facts
    if facts.mtbf is not None:
        return facts.mtbf.value, f"{system.name}: {facts.mtbf.kind.value}, {system.profile.sources[facts.mtbf.source]}"
    devices = [system.devices[name] for name in system.node.accelerators]
    if not all(device.mtbf for device in devices):
        raise InputError(
            f"{where}: reliability.mtbf: the profile of {system.name} does not say how often its nodes fail; "
            "expected a time such as '60 d'"
        )
    names = ", ".join(sorted({device.name for device in devices}))
    return 1.0 / sum(1.0 / device.mtbf.value for device in devices if device.mtbf), f"{names}: accelerators alone"
