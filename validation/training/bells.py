"""Waking a process that waits for a message, when there is something for it.

A process that sleeps between looks at MPI either looks often, which keeps a core from those who compute, or sees its
messages late. So whoever has sent something, or has taken something that the other side waits to be rid of, rings:
one datagram over the loopback interface to the rank it concerns, which ends that rank's sleep. A ring carries nothing
and may be lost; a wait goes on looking by itself, only less often. Processes on other hosts are not rung.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Sequence
from typing import Any

__all__ = ["Bells"]

_RING = b"!"
_MOST = 64  #: rings taken off at a time


class Bells:
    """The bells of this process's ranks, and the addresses of all others'.

    Parameters
    ----------
    world : mpi4py communicator
        Every process makes its bells at the same time.
    homes : sequence of int
        The process of each rank.

    Attributes
    ----------
    reach_all : bool
        Whether all ranks are on this host, so that every message is rung for.
    """

    def __init__(self, world: Any, homes: Sequence[int]) -> None:
        self._sockets = {rank: _bell() for rank, home in enumerate(homes) if home == world.rank}
        self._ringer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ringer.setblocking(False)
        host = socket.gethostname()
        ports = {rank: bell.getsockname()[1] for rank, bell in self._sockets.items()}
        self._ports: dict[int, int] = {}
        for theirs, their_ports in world.allgather((host, ports)):
            if theirs == host:
                self._ports.update(their_ports)
        self.reach_all = len(self._ports) == len(homes)

    def ring(self, rank: int) -> None:
        """Have a rank look at its messages now."""
        port = self._ports.get(rank)
        if port is not None:
            with contextlib.suppress(OSError):  # a full or closed bell: that rank is awake, or gone
                self._ringer.sendto(_RING, ("127.0.0.1", port))

    def listen(self, rank: int, seconds: float) -> bool:
        """Sleep until the rank's bell rings, at most for so long; whether it rang."""
        bell = self._sockets[rank]
        if not select.select([bell], [], [], seconds)[0]:
            return False
        self.silence(rank)
        return True

    def silence(self, rank: int) -> None:
        """Forget what rings have not been listened to."""
        bell = self._sockets[rank]
        with contextlib.suppress(BlockingIOError):  # none left, or another thread of the rank has taken them
            for _ in range(_MOST):
                bell.recv(1)

    def close(self) -> None:
        """Take the bells down."""
        for bell in (*self._sockets.values(), self._ringer):
            bell.close()


def _bell() -> socket.socket:
    bell = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bell.setblocking(False)
    bell.bind(("127.0.0.1", 0))
    return bell
