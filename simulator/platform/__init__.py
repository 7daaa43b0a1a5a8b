"""The simulated machine: devices, switches and directed links, and the routes over them.

Names are looked up on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.platform.links import Link, Route
    from simulator.platform.placement import LinkClass, PlacedDevice
    from simulator.platform.platform import Platform, build_platform

__all__ = ["Link", "LinkClass", "PlacedDevice", "Platform", "Route", "build_platform"]

_HOME = {
    **dict.fromkeys(("Link", "Route"), "links"),
    **dict.fromkeys(("LinkClass", "PlacedDevice"), "placement"),
    **dict.fromkeys(("Platform", "build_platform"), "platform"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
