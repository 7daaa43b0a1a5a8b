"""Waiting for a message without keeping a core from those who compute.

MPI libraries wait by spinning, which is fastest with a core per process and ruinous with fewer: a spinning process
takes its whole share of the cores. So a wait here tests its request a few times (a message that is already there costs
next to nothing), and then sleeps between tests, longer and longer, until a bell rings (`validation.training.bells`).

What a sleep costs, on a virtual machine with two cores of a Xeon at 2.3 GHz (2026-11): about 45 us of a core however
short it is, because the timer interrupts the hypervisor. A process that sleeps 200 us at a time while it waits takes a
fifth of a core (without bells, three workers waiting beside a master that computes made its steps 10 to 20 % longer);
one that sleeps 5 ms takes a hundredth. By default Linux ends a sleep up to 50 us late, to group wake-ups;
`prompt_timers` asks it not to, which halves the shortest sleep (85 to 42 us).
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from typing import Protocol

__all__ = [
    "FIRST_SLEEP",
    "GROWTH",
    "LONGEST_SLEEP",
    "LONGEST_SLEEP_WITH_BELLS",
    "TESTS",
    "Request",
    "prompt_timers",
    "wait",
]

TESTS = 20  #: Tests of a request before the first sleep.
FIRST_SLEEP = 20e-6  #: First sleep [s].
GROWTH = 1.5  #: How much longer each sleep is than the one before.
LONGEST_SLEEP = 200e-6  #: Longest sleep where nobody rings [s].
LONGEST_SLEEP_WITH_BELLS = 20e-3  #: Longest sleep where every message is rung for [s], should a ring be lost.

_PR_SET_TIMERSLACK = 29  # <linux/prctl.h>
_ONE_NANOSECOND = 1


class Request(Protocol):
    """What can be waited for: an `mpi4py.MPI.Request`, or anything that can say whether it is done."""

    def Test(self) -> bool:
        """Whether it is done; progress is made by asking."""
        ...


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def wait(
    request: Request,
    listen: Callable[[float], bool] = _sleep,
    first: float = FIRST_SLEEP,
    longest: float = LONGEST_SLEEP,
) -> None:
    """Return when the request is done, sleeping between tests.

    Parameters
    ----------
    request : Request
    listen : callable
        Sleeps for some seconds at most; whether it was woken, after which sleeps are short and grow from there.
    first, longest : float
        First and longest sleep [s]. Who is sure to be woken need not look before.

    Examples
    --------
    >>> class Third:
    ...     tests = 0
    ...
    ...     def Test(self) -> bool:
    ...         self.tests += 1
    ...         return self.tests == 3
    >>> third = Third()
    >>> wait(third)
    >>> third.tests
    3
    """
    for _ in range(TESTS):
        if request.Test():
            return
    pause = first
    while not request.Test():
        pause = FIRST_SLEEP if listen(pause) else min(pause * GROWTH, longest)


def prompt_timers() -> None:
    """Have this thread, and those that it starts from now on, wake from sleep on time.

    Call it once in every process, before it starts threads. Does nothing elsewhere than on Linux.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(_ONE_NANOSECOND), 0, 0, 0)
