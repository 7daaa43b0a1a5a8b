"""Hardware profiles: their schema, loading and validation.

Names are looked up on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.hardware.catalogue import ProfileKind, names, profile_path
    from simulator.hardware.device import Device, Memory, load_device
    from simulator.hardware.link import LinkProfile, load_link
    from simulator.hardware.sourced import Kind, Sourced

__all__ = [
    "Device",
    "Kind",
    "LinkProfile",
    "Memory",
    "ProfileKind",
    "Sourced",
    "load_device",
    "load_link",
    "names",
    "profile_path",
]

_HOME = {
    **dict.fromkeys(("ProfileKind", "names", "profile_path"), "catalogue"),
    **dict.fromkeys(("Device", "Memory", "load_device"), "device"),
    **dict.fromkeys(("LinkProfile", "load_link"), "link"),
    **dict.fromkeys(("Kind", "Sourced"), "sourced"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
