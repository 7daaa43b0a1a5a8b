"""Waiting for a message without keeping a core from those who compute.

MPI libraries wait by spinning, which is fastest with a core per process and ruinous with fewer: a spinning process
takes its whole share of the cores. So a wait here tests its request a few times (a message that is already there costs
next to nothing), and then sleeps between tests, longer and longer. Sleeping releases the interpreter and the core.

What that costs, on a virtual machine with two cores of a Xeon at 2.3 GHz (2026-11): a sleep takes about 45 us of a core
however short it is, because the timer interrupts the hypervisor; a process that waits for long thus takes a fifth of a
core at 200 us a sleep (half at 50 us), and sees its message 0.1 ms late on average. By default Linux ends a sleep up to
50 us late, to group wake-ups; `prompt_timers` asks it not to, which halves the shortest sleep (85 to 42 us).
"""

from __future__ import annotations

import ctypes
import sys
import time
from typing import Protocol

__all__ = ["FIRST_SLEEP", "GROWTH", "LONGEST_SLEEP", "TESTS", "Request", "prompt_timers", "wait"]

TESTS = 20  #: Tests of a request before the first sleep.
FIRST_SLEEP = 20e-6  #: First sleep [s].
GROWTH = 1.5  #: How much longer each sleep is than the one before.
LONGEST_SLEEP = 200e-6  #: Longest sleep [s].

_PR_SET_TIMERSLACK = 29  # <linux/prctl.h>
_ONE_NANOSECOND = 1


class Request(Protocol):
    """What can be waited for: an `mpi4py.MPI.Request`, or anything that can say whether it is done."""

    def Test(self) -> bool:
        """Whether it is done; progress is made by asking."""
        ...


def wait(request: Request) -> None:
    """Return when the request is done, sleeping between tests.

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
    pause = FIRST_SLEEP
    while not request.Test():
        time.sleep(pause)
        pause = min(pause * GROWTH, LONGEST_SLEEP)


def prompt_timers() -> None:
    """Have this thread, and those that it starts from now on, wake from sleep on time.

    Call it once in every process, before it starts threads. Does nothing elsewhere than on Linux.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(_ONE_NANOSECOND), 0, 0, 0)
