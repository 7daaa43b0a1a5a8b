"""Expected time of a campaign in closed form, for failures that come as a Poisson process.

A campaign of W seconds of training is cut into n equal intervals τ = W / n; each ends with a checkpoint that stops
training for δ seconds and is safe D seconds later (D = 0 where training waits until it is written). A failure, one
every M seconds on average, takes everything back to the last checkpoint that is safe, and training goes on R seconds
later; failures strike during writing and restarting, too. With λ = 1 / M:

    first interval      (exp(λ (τ + δ + D)) - 1) exp(λ R) / λ
    every further one   (exp(λ (τ + δ)) - 1) exp(λ (R + D)) / λ

For D = 0 this is Daly's exact formula. For D > 0, a failure finds on average the work of D seconds more unsaved; the
formula follows from the two states after a restart and after a drain. It holds as long as a drain ends before the next
checkpoint is taken, D <= τ + δ.

Reference
---------
J. T. Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, Future Generation Computer
Systems 22(3), 2006: the complete model, with failures during restart.
"""

from __future__ import annotations

import math

__all__ = ["expected_failures", "expected_time"]

_LARGEST_EXPONENT = 700.0


def expected_time(work: float, intervals: int, stall: float, restart: float, mtbf: float, drain: float = 0.0) -> float:
    """Expected seconds until the work is done and its last checkpoint is safe; infinite where no number can hold it.

    Parameters
    ----------
    work : float
        W, seconds of training without failures and checkpoints, > 0.
    intervals : int
        n, checkpoints that are written, the last one at the end. With `stall` and `drain` 0 and one interval, nothing
        is written and a failure starts the work over.
    stall, restart, drain : float
        δ, R and D in seconds, >= 0.
    mtbf : float
        M, mean seconds between failures that stop the run; infinite for none.

    Examples
    --------
    Without failures, the work and its checkpoints; with one every 24 h, half a percent for restarts and 4 % in all:

    >>> expected_time(3600.0, 4, stall=60.0, restart=300.0, mtbf=float("inf"))
    3840.0
    >>> hours = expected_time(500.0, 257, stall=5 / 60, restart=10 / 60, mtbf=24.0)
    >>> round(hours, 1)
    546.5
    """
    segment = work / intervals + stall
    if math.isinf(mtbf):
        return intervals * segment + drain
    if (segment + drain + restart) / mtbf > _LARGEST_EXPONENT:
        return math.inf
    first = math.expm1((segment + drain) / mtbf) * math.exp(restart / mtbf)
    further = math.expm1(segment / mtbf) * math.exp((restart + drain) / mtbf)
    return mtbf * (first + (intervals - 1) * further)


def expected_failures(time: float, mtbf: float) -> float:
    """Failures in so many seconds, those during restarts among them (Wald's identity: their rate is constant)."""
    return time / mtbf
