"""Which links several parties used, and how much of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.network.accounts import ResourceUse
from simulator.platform.links import THREADS

__all__ = ["SharedLink", "shared_links"]


@dataclass(frozen=True)
class SharedLink:
    """A link (or a medium, or cores) that carried bytes of more than one party.

    Attributes
    ----------
    resource, medium : str
    bytes : mapping
        What each party sent over it.
    utilisation : float
        What all of them sent over what it could have carried in the time.
    """

    resource: str
    medium: str
    bytes: Mapping[str, float]
    utilisation: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON results have it."""
        return {
            "resource": self.resource,
            "medium": self.medium,
            "bytes": dict(self.bytes),
            "utilisation": self.utilisation,
        }


def shared_links(uses: Mapping[str, Sequence[ResourceUse]], duration: float) -> list[SharedLink]:
    """The links that more than one party sent anything over, the most used first (by name where equal).

    Parameters
    ----------
    uses : mapping
        By party, its use of every resource.
    duration : float
        Seconds that the uses are of.
    """
    found: dict[str, dict[str, ResourceUse]] = {}
    for party, parts in uses.items():
        for use in parts:
            if use.bytes > 0.0 and use.medium != THREADS:
                found.setdefault(use.resource, {})[party] = use
    links = [
        SharedLink(
            resource,
            next(iter(parts.values())).medium,
            {party: use.bytes for party, use in parts.items()},
            sum(use.load for use in parts.values()) / duration if duration else 0.0,
        )
        for resource, parts in found.items()
        if len(parts) > 1
    ]
    return sorted(links, key=lambda link: (-link.utilisation, link.resource))
