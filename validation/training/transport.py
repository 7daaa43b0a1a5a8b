"""Arrays between ranks over MPI.

Several ranks may live in one process (the threads of a master), so a rank is addressed by its process and, within
that, by a communicator of its own. A message is a header, which says what is coming, and behind it the numbers,
sent synchronously: such a send is complete only once its receiver has come to it, which is how the simulator times
messages (rendezvous), and makes a deadlock there one here, whatever the size.

The library moves everybody's messages on whenever anybody of the process asks after his own, so a thread's message may
be there because another thread has asked. Whoever is done therefore looks whether others of his process are as well,
and wakes them: them alone, since each who is woken for nothing takes a core from those who compute.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.algorithms.vocabulary import ANY, Array
from validation.training.bells import Bells
from validation.training.polling import FIRST_SLEEP, LONGEST_SLEEP, LONGEST_SLEEP_WITH_BELLS, Request, wait

__all__ = ["Header", "Transport"]

_ORDERS = 1 << 18  #: message numbers that a tag can tell apart, for messages under way between two ranks


@dataclass(frozen=True, slots=True)
class Header:
    """What a message is: an array without its numbers, who sent it, and its number among those of the pair."""

    name: str
    layout: tuple[int, ...]
    element_size: int
    version: int
    dtype: str
    numbers: int
    source: int
    index: int


class Transport:
    """Messages of the ranks of this process.

    Parameters
    ----------
    world : mpi4py communicator
        Every process makes its transport at the same time.
    homes : sequence of int
        The process of each rank.
    """

    def __init__(self, world: Any, homes: Sequence[int]) -> None:
        self._homes = tuple(homes)
        self._headers = [world.Dup() for _ in homes]
        self._numbers = [world.Dup() for _ in homes]
        self._rounds = world.Dup()
        self._orders: dict[tuple[int, int], Iterator[int]] = defaultdict(itertools.count)
        self._bells = Bells(world, homes)
        #: First and longest sleep while waiting [s]; whoever can be rung sleeps until then.
        self._sleeps = (FIRST_SLEEP, LONGEST_SLEEP)
        if self._bells.reach_all:
            self._sleeps = (LONGEST_SLEEP_WITH_BELLS, LONGEST_SLEEP_WITH_BELLS)
        self._waiting: dict[int, _Waiting] = {}  # by thread of this process

    def close(self) -> None:
        """Take down what was put up, when no rank waits any more."""
        self._bells.close()

    def announce(self, array: Array, source: int, to: int) -> Header:
        """Send the header of a message; its numbers must follow."""
        value = array.value
        header = Header(
            array.name,
            array.layout,
            array.element_size,
            array.version,
            value.dtype.str,
            len(value),
            source,
            next(self._orders[source, to]),
        )
        # Headers are short, so that they leave at once whether or not the receiver is there.
        self._wait(self._headers[to].isend(header, dest=self._homes[to], tag=source), source)
        return header

    def hear(self, source: int, at: int) -> Header:
        """Wait for the header of the next message from a rank, or from `ANY`, to the rank `at`."""
        arrival = _Arrival(self._headers[at], self._homes[source] if source != ANY else None, source)
        self._wait(arrival, at)
        header: Header = arrival.message.recv()
        return header

    def send(self, values: NDArray[Any], header: Header, to: int) -> None:
        """Send the numbers, or a part of them, that a header has announced; done when the receiver has them."""
        request = self._numbers[to].Issend(_bytes(values), dest=self._homes[to], tag=self._tag(header))
        self._bells.ring(to)
        self._wait(request, header.source)

    def receive(self, values: NDArray[Any], header: Header, at: int) -> None:
        """Receive numbers into `values`."""
        request = self._numbers[at].Irecv(_bytes(values), source=self._homes[header.source], tag=self._tag(header))
        self._wait(request, at)
        self._bells.ring(header.source)

    def exchange(
        self, at: int, receives: Sequence[tuple[NDArray[Any], int]], sends: Sequence[tuple[NDArray[Any], int]]
    ) -> Iterator[None]:
        """The messages of a collective's round at the rank `at`, which all of its members know of beforehand.

        Parameters
        ----------
        at : int
        receives, sends : sequences of (numbers, rank)
            What comes, into which arrays and from whom; what goes, and to whom. All are under way at once.

        Yields
        ------
        None
            Whenever the next of them is done: first those received, then those sent, in the order given.
        """
        coming = [
            self._rounds.Irecv(_bytes(values), source=self._homes[source], tag=self._pair(source, at))
            for values, source in receives
        ]
        going = [
            self._rounds.Issend(_bytes(values), dest=self._homes[to], tag=self._pair(at, to)) for values, to in sends
        ]
        for _, to in sends:
            self._bells.ring(to)
        for request, (_, source) in zip(coming, receives, strict=True):
            self._wait(request, at)
            self._bells.ring(source)
            yield
        for request in going:
            self._wait(request, at)
            yield

    def _wait(self, request: _Watched, at: int) -> None:
        mine = self._waiting[threading.get_ident()] = _Waiting(request, at)
        if not any(other.rank == at and other.asleep for other in self._others()):
            self._bells.silence(at)  # what is still to be heard was for messages that have been seen

        def listen(seconds: float) -> bool:
            mine.asleep = True
            try:
                return self._bells.listen(at, seconds)
            finally:
                mine.asleep = False

        wait(mine, listen, *self._sleeps)
        del self._waiting[threading.get_ident()]
        for other in self._others():
            if other.asleep and other.arrived():
                self._bells.ring(other.rank)

    def _others(self) -> list[_Waiting]:
        """Threads of this process that wait, but for the one that asks."""
        own = threading.get_ident()
        return [waiting for thread, waiting in list(self._waiting.items()) if thread != own]

    def _tag(self, header: Header) -> int:
        return header.source * _ORDERS + header.index % _ORDERS

    def _pair(self, source: int, to: int) -> int:
        return source * len(self._homes) + to


class _Watched(Request, Protocol):
    """What can be waited for and looked at: an `mpi4py.MPI.Request`, or an `_Arrival`."""

    def Get_status(self) -> bool:
        """Whether it is done; whoever waits for it still has to test it."""
        ...


class _Waiting:
    """A thread that waits for a request. Others may look at it, but not while its own thread does."""

    def __init__(self, request: _Watched, rank: int) -> None:
        self.rank = rank
        self.asleep = False
        self._request = request
        self._done = False
        self._lock = threading.Lock()

    def Test(self) -> bool:
        """Whether the request is done, and if so, done with."""
        with self._lock:
            self._done = self._request.Test()
        return self._done

    def arrived(self) -> bool:
        """Whether the thread would find the request done."""
        if not self._lock.acquire(blocking=False):
            return False  # it is looking
        try:
            return not self._done and self._request.Get_status()
        finally:
            self._lock.release()


class _Arrival:
    """The arrival of a header, as something to wait for."""

    def __init__(self, communicator: Any, process: int | None, source: int) -> None:
        from mpi4py import MPI

        self._communicator = communicator
        self._process = MPI.ANY_SOURCE if process is None else process
        self._tag = MPI.ANY_TAG if process is None else source
        self.message: Any = None

    def Test(self) -> bool:
        """Whether it is there."""
        self.message = self._communicator.improbe(source=self._process, tag=self._tag)
        return self.message is not None

    def Get_status(self) -> bool:
        """The same, but it is left where it is."""
        return bool(self._communicator.iprobe(source=self._process, tag=self._tag))


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return values.view(np.uint8)
