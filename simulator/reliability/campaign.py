"""Campaigns played from failure to failure, thousands at once.

The work is cut into equal intervals, each with a checkpoint at its end that stops training for a while and is safe a
while later; see `simulator.reliability.expected`. Nodes are of two groups. A failure of a *critical* one takes the run
back to the last checkpoint that is safe, and training goes on once a replacement is there and the run has been started
again. A failure of a *replaceable* one takes only its share of the throughput away until it has been replaced, as with
workers of an asynchronous parameter server. Where every worker waits for every other, all nodes are critical.

A failed node is replaced by a spare while there are any, and comes back as a spare once it is repaired: a replacement
for the j-th failure of a campaign is there at once, or when the node that failed S failures before has been repaired (S
spares). Failures strike at any time, also while the run is being started again. What happens between two events is
known in advance, so the number of checkpoints costs nothing: all campaigns step from event to event together, as
arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.errors import RunError
from simulator.randomness import stream
from simulator.reliability.nodes import node_group

__all__ = ["Campaign", "Outcomes", "play"]

#: ndarray; rows are campaigns.
Array = Any

#: Of one campaign; one that has seen so many makes no headway.
MOST_EVENTS = 200_000
_END, _FAILURE, _OUTAGE, _RETURN, _RESTARTED = range(5)


@dataclass(frozen=True)
class Campaign:
    """What is to be done, and what happens on the way. Times in seconds.

    Attributes
    ----------
    work : float
        Seconds of training without failures and checkpoints.
    intervals : int
        Equal parts of the work; a checkpoint ends each.
    stall : float
        That training stands still for each checkpoint.
    drain : float
        From the end of the stall until the checkpoint is safe; at most an interval and a stall.
    restart : float
        From the replacement of a failed node until training goes on.
    mtbf : float
        Mean time to failure of a node.
    critical, replaceable : int
        Nodes of the two groups.
    share : float
        Of the throughput, that each replaceable node contributes.
    shape : float or None
        Of Weibull times to failure; exponential ones if None.
    spares : int or None
        Nodes that wait to replace others; as many as are needed if None.
    repair : float
        From a node's failure until it is a spare; of no effect without a number of spares.
    """

    work: float
    intervals: int
    stall: float
    drain: float
    restart: float
    mtbf: float
    critical: int
    replaceable: int = 0
    share: float = 0.0
    shape: float | None = None
    spares: int | None = None
    repair: float = 0.0


@dataclass(frozen=True)
class Outcomes:
    """What became of every campaign; arrays of shape (campaigns,).

    Attributes
    ----------
    times : ndarray
        Until the last checkpoint is safe [s].
    failures, outages : ndarray of int
        Of critical nodes, and of replaceable ones.
    lost : ndarray
        Seconds of training that were done more than once.
    """

    times: Array
    failures: Array
    outages: Array
    lost: Array

    @property
    def mean_error(self) -> float:
        """Standard error of the mean time [s]."""
        return float(np.std(self.times, ddof=1) / np.sqrt(len(self.times)))


def play(
    campaign: Campaign, trials: int, seed: int, progress: Callable[[float], None] = lambda share: None
) -> Outcomes:
    """Play a campaign `trials` times.

    Parameters
    ----------
    seed : int
        The outcomes are a function of the campaign, `trials` and `seed`.
    progress : callable
        Told now and then which share of all the work is done.

    Raises
    ------
    RunError
        If failures come so often that a campaign does not end.
    """
    players = _Players(campaign, trials, seed)
    active = np.arange(trials)
    for steps in itertools.count(1):
        players.advance(active)
        active = active[~players.ended[active]]
        if not len(active):
            break
        if steps == MOST_EVENTS:
            raise RunError(
                f"{len(active):,} of {trials:,} campaigns have not ended after {steps:,} failures and restarts"
            )
        if steps % 64 == 0:
            progress(float(players.saved.mean()) / campaign.intervals)
    return Outcomes(players.now, players.failures, players.outages, players.lost)


class _Players:
    """The state of every campaign, and its next event."""

    def __init__(self, campaign: Campaign, trials: int, seed: int) -> None:
        self.campaign = campaign
        self.interval = campaign.work / campaign.intervals
        generators = [stream(seed, f"failures of {group} nodes") for group in ("critical", "replaceable")]
        counts = (campaign.critical, campaign.replaceable)
        self.critical, self.replaceable = (
            node_group(trials, count, campaign.mtbf, campaign.shape, generator)
            for count, generator in zip(counts, generators, strict=True)
        )
        self.now = np.zeros(trials)
        self.position = np.zeros(trials)  # since the last checkpoint: training, then the stall [s at full throughput]
        self.saved = np.zeros(trials, dtype=int)  # checkpoints that were taken, safe or about to be
        self.saved_at = np.full(trials, -np.inf)  # when the last one was
        self.restarted_at = np.full(trials, np.inf)  # when training goes on, where it does not
        self.ended = np.zeros(trials, dtype=bool)
        self.failures = np.zeros(trials, dtype=int)
        self.outages = np.zeros(trials, dtype=int)
        self.lost = np.zeros(trials)
        self.returns = np.full((trials, max(campaign.replaceable, 1)), np.inf)  # of nodes that are down, in a ring
        self.first_return = np.zeros(trials, dtype=int)
        self.replaced = np.zeros(trials, dtype=int)  # nodes, by spares
        self.repairs = np.full((trials, max(campaign.spares or 0, 1)), -np.inf)  # when the last failed nodes are spares

    def advance(self, rows: Array) -> None:
        """Let the campaigns `rows` go on to their next events."""
        rate = np.maximum(1.0 - self.campaign.share * self.replaceable.down[rows], 0.0)
        rate = np.where(np.isinf(self.restarted_at[rows]), rate, 0.0)
        events = np.stack(
            [
                self._end(rows, rate),
                self.critical.next_failure[rows],
                self.replaceable.next_failure[rows],
                self.returns[rows, self.first_return[rows]],
                self.restarted_at[rows],
            ]
        )
        kind = events.argmin(axis=0)
        then = events[kind, np.arange(len(rows))]
        self._train(rows, rate, then)
        self.now[rows] = then
        self.ended[rows[kind == _END]] = True
        self.restarted_at[rows[kind == _RESTARTED]] = np.inf
        for number, happen in ((_FAILURE, self._fail), (_OUTAGE, self._go_down), (_RETURN, self._come_back)):
            if (kind == number).any():
                happen(rows[kind == number])

    def _end(self, rows: Array, rate: Array) -> Array:
        """When the last checkpoint will be safe if nothing happens before."""
        campaign, left = self.campaign, self.campaign.intervals - self.saved[rows]
        with np.errstate(divide="ignore"):
            length = self.interval / rate + campaign.stall
        trained, stalled = self._parts(rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead = left * length - (trained / rate + stalled)
        taken = np.where(left > 0, np.where(rate > 0, self.now[rows] + ahead, np.inf), self.saved_at[rows])
        end = np.maximum(taken + campaign.drain, self.now[rows])
        # All is saved but not yet safe: nothing but the drain is waited for.
        return np.where(np.isinf(self.restarted_at[rows]), end, np.inf)

    def _train(self, rows: Array, rate: Array, then: Array) -> None:
        """Move on in training and checkpoints until `then`, at an unchanging rate."""
        moving = (rate > 0) & (self.saved[rows] < self.campaign.intervals)
        rows, rate, then = rows[moving], rate[moving], then[moving]
        trained, stalled = self._parts(rows)
        passed = trained / rate + stalled + (then - self.now[rows])
        length = self.interval / rate + self.campaign.stall
        whole = np.minimum(np.floor(passed / length).astype(int), self.campaign.intervals - self.saved[rows])
        rest = np.maximum(passed - whole * length, 0.0)
        full = self.interval / rate
        position = np.where(rest < full, rest * rate, self.interval + (rest - full))
        self.saved[rows] += whole
        self.saved_at[rows] = np.where(whole > 0, then - rest, self.saved_at[rows])
        self.position[rows] = np.where(self.saved[rows] < self.campaign.intervals, position, 0.0)

    def _parts(self, rows: Array) -> tuple[Array, Array]:
        """Of the time since the last checkpoint: training at full throughput, and the stall for the next one."""
        position = self.position[rows]
        return np.minimum(position, self.interval), np.maximum(position - self.interval, 0.0)

    def _fail(self, rows: Array) -> None:
        """A critical node fails: back to the last checkpoint that is safe."""
        now = self.now[rows]
        unsafe = (self.saved_at[rows] + self.campaign.drain > now).astype(int)
        self.lost[rows] += self._parts(rows)[0] + unsafe * self.interval
        self.saved[rows] -= unsafe
        self.saved_at[rows] = -np.inf
        self.position[rows] = 0.0
        self.failures[rows] += 1
        self.restarted_at[rows] = self._replaced_at(rows) + self.campaign.restart
        self.critical.fail(rows, now)
        self.critical.come_back(rows, now)  # its replacement, which may fail while the run is being started again

    def _go_down(self, rows: Array) -> None:
        """A replaceable node fails: the others go on."""
        back = self._replaced_at(rows) + self.campaign.restart
        places = (self.first_return[rows] + self.replaceable.down[rows]) % self.returns.shape[1]
        self.returns[rows, places] = back
        self.outages[rows] += 1
        self.replaceable.fail(rows, self.now[rows])

    def _come_back(self, rows: Array) -> None:
        """The node that has been down longest begins anew."""
        first = self.first_return[rows]
        self.returns[rows, first] = np.inf
        self.first_return[rows] = (first + 1) % self.returns.shape[1]
        self.replaceable.come_back(rows, self.now[rows])

    def _replaced_at(self, rows: Array) -> Array:
        """When there is a node in place of the one that fails now; counts the failure."""
        now, campaign = self.now[rows], self.campaign
        if campaign.spares is None:
            return now
        repaired = now + campaign.repair
        if campaign.spares == 0:
            return repaired
        places = self.replaced[rows] % campaign.spares
        replaced = np.maximum(now, self.repairs[rows, places])
        self.repairs[rows, places] = repaired
        self.replaced[rows] += 1
        return replaced
