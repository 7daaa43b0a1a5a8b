"""How long a schedule takes when messages do not slow one another down: α + nβ each, additions free or at a rate.

This is the schedule's meaning (`simulator.collectives.schedule`) worked out without an engine: a message starts when
both its ends have reached its round, a rank moves on when all its messages of the round are complete and added. It
serves the choice of an algorithm where there is no closed form, and is the reference for both the closed forms and
the simulation.
"""

from __future__ import annotations

from math import inf

import numpy as np

from simulator.collectives.schedule import Schedule

__all__ = ["alpha_beta_time", "finish_times"]


def finish_times(
    schedule: Schedule, element_size: float, latency: float, bandwidth: float, addition_rate: float = inf
) -> list[float]:
    """When each rank is done, if all begin at 0.

    Parameters
    ----------
    schedule : Schedule
        What is played.
    element_size : float
        Bytes of one element.
    latency, bandwidth : float
        α [s] and 1/β [B/s] of every message.
    addition_rate : float
        Elements a rank adds in a second; messages that one rank receives in one round are added one after the other.

    Returns
    -------
    list of float, length ranks
        Seconds.
    """
    ready = np.zeros(schedule.ranks)
    for transfers in schedule.rounds:
        start = np.maximum(ready[transfers.source], ready[transfers.destination])
        end = start + latency + transfers.elements * element_size / bandwidth
        np.maximum.at(ready, transfers.source, end)
        np.maximum.at(ready, transfers.destination, end)
        additions = np.zeros(schedule.ranks)
        np.add.at(additions, transfers.destination, transfers.reduce * transfers.elements / addition_rate)
        ready += additions
    seconds: list[float] = ready.tolist()
    return seconds


def alpha_beta_time(
    schedule: Schedule, element_size: float, latency: float, bandwidth: float, addition_rate: float = inf
) -> float:
    """Time [s] until the last rank is done; see `finish_times`.

    Examples
    --------
    >>> from simulator.collectives.registry import schedule
    >>> alpha_beta_time(schedule("all_reduce", "ring", ranks=4, elements=400), 1.0, latency=1.0, bandwidth=100.0)
    12.0
    """
    return max(finish_times(schedule, element_size, latency, bandwidth, addition_rate))
