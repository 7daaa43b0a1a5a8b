"""Software time and rate limits of transfers: the system's own figures, or those of the links they cross."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from simulator.hardware.cables import CableType
from simulator.hardware.sourced import SourcedTime
from simulator.hardware.system import System
from simulator.platform.cabling import Step
from simulator.platform.corrections import UNCORRECTED, PlatformCorrections

__all__ = ["Software"]


class Software:
    """What software costs on a system; see `simulator.hardware.system.Overheads` for the keys.

    Parameters
    ----------
    system : System
    corrections : PlatformCorrections
        Seconds that replace the system's figures, and factors on them.
    """

    def __init__(self, system: System, corrections: PlatformCorrections = UNCORRECTED) -> None:
        self._stated = system.profile.overheads
        self._corrections = corrections
        self._peer = system.profile.node.peer
        host = system.devices[system.node.host]
        factor = host.message_overhead_factor.value if host.message_overhead_factor else 1.0
        cables = [*system.fabric_cables.values(), *(cable.type for cable in system.fabric_links)]
        self._message = self._figure("message", self._stated.message, factor * _largest(cables))
        host_cables = (
            cable.type for cable in system.node.cables if not _joins_adapter(system, cable.source, cable.target)
        )
        self._largest_inside = _largest(cable.type for cable in system.node.cables)
        largest_outside = _largest(host_cables)
        self._copy = self._figure("copy", self._stated.copy_call, largest_outside)
        # One that is not known for itself is a copy as calibrated, but not one that somebody asks what if of.
        copy = corrections.overheads.get("copy", _value(self._stated.copy_call, largest_outside))
        self._staging = self._figure("staging", self._stated.staging, copy)

    def copy(self, path: Iterable[Step]) -> float:
        """Overhead [s] of one copy call over a path inside a node."""
        return self._figure("copy", self._stated.copy_call, _largest(step.cable for step in path))

    def peer(self, path: tuple[Step, ...], through_socket: bool) -> tuple[float, float]:
        """Overhead [s] and rate limit [B/s] of a direct transfer between accelerators of a node."""
        limit = self._peer.socket_bandwidth if through_socket else None
        seconds = self._figure("peer", self._stated.peer, _largest(step.cable for step in path))
        return seconds, limit.value if limit else inf

    def staged(self, copies: int) -> float:
        """Overhead [s] of so many copies from or to a staging buffer."""
        return copies * self._staging

    def collective(self, size: float) -> float:
        """Overhead [s] of one collective call on an array of `size` bytes."""
        stated = self._stated.collective
        call = self._corrections.overheads.get("collective")
        factor = self._corrections.overhead_factors.get("collective", 1.0)
        if stated is None:
            return (call or 0.0) * factor
        fixed = stated.time(size)
        if call is not None:
            # Of a system whose calls on large arrays take longer, only the usual call is calibrated.
            fixed = max(call, fixed) if fixed > stated.call.value else call
        return fixed * factor

    def figures(self) -> dict[str, float]:
        """What each calibratable overhead is [s], by its name; the largest where it differs from path to path."""
        peer = self._figure("peer", self._stated.peer, self._largest_inside)
        return {
            "message": self._message,
            "copy": self._copy,
            "peer": peer,
            "staging": self._staging,
            "collective": self.collective(0.0),
        }

    def message(self, copies: int) -> float:
        """Overhead [s] of one message between nodes that takes so many staging copies."""
        return self._message + self.staged(copies)

    def _figure(self, name: str, stated: SourcedTime | None, otherwise: float) -> float:
        """The calibrated figure, or the system's, or that of its links."""
        return self._corrections.overhead(name, _value(stated, otherwise))


def _joins_adapter(system: System, *ends: str) -> bool:
    return any(name in system.node.nics for name in ends)


def _largest(cables: Iterable[CableType]) -> float:
    return max((cable.message_overhead for cable in cables if cable.message_overhead is not None), default=0.0)


def _value(stated: SourcedTime | None, otherwise: float) -> float:
    return otherwise if stated is None else stated.value
