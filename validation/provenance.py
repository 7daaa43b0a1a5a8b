"""What made a report: the command, the date, the versions of all that computes."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

__all__ = ["provenance"]

_PACKAGES = ("clustersim", "numpy", "scipy", "simpy", "networkx")


def provenance(command: str) -> dict[str, str]:
    """Command, date (UTC) and versions, as text."""
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed, run from its sources"
