"""Hardware profiles: their schema, loading and validation.

Names are looked up on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.hardware.catalogue import ProfileKind, names, profile_path
    from simulator.hardware.device import Device, load_device
    from simulator.hardware.link import LinkProfile, load_link
    from simulator.hardware.memory import Memory
    from simulator.hardware.sourced import Kind, Sourced
    from simulator.hardware.system import System, load_system

__all__ = [
    "Device",
    "Kind",
    "LinkProfile",
    "Memory",
    "ProfileKind",
    "Sourced",
    "System",
    "load_device",
    "load_link",
    "load_system",
    "names",
    "profile_path",
]

_HOME = {
    **dict.fromkeys(("ProfileKind", "names", "profile_path"), "catalogue"),
    **dict.fromkeys(("Device", "load_device"), "device"),
    **dict.fromkeys(("LinkProfile", "load_link"), "link"),
    **dict.fromkeys(("Memory",), "memory"),
    **dict.fromkeys(("Kind", "Sourced"), "sourced"),
    **dict.fromkeys(("System", "load_system"), "system"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
