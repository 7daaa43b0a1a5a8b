"""How often to write a checkpoint: the interval at which a campaign is expected to end first.

All three rules are for failures that come as a Poisson process with mean time `mtbf` between those that stop the run,
and give the seconds of training between two checkpoints, the writing not included. They agree where a checkpoint is
short beside the time between failures, which is the regime they are used in.

References
----------
J. W. Young, A first order approximation to the optimum checkpoint interval, Communications of the ACM 17(9), 1974.
J. T. Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, Future Generation Computer
Systems 22(3), 2006.
"""

from __future__ import annotations

import math

__all__ = ["daly_interval", "optimum_interval", "young_interval"]

_TOLERANCE = 1e-12


def young_interval(stall: float, mtbf: float) -> float:
    """Young's first-order optimum √(2 δ M) [s].

    Parameters
    ----------
    stall : float
        δ, seconds that training stands still for a checkpoint, > 0.
    mtbf : float
        M, mean seconds between failures of all nodes together, > 0.

    Examples
    --------
    >>> young_interval(stall=300.0, mtbf=86400.0)
    7200.0
    """
    return math.sqrt(2.0 * stall * mtbf)


def daly_interval(stall: float, mtbf: float) -> float:
    """Daly's higher-order optimum (his equation 37) [s]; the parameters are those of `young_interval`.

    Examples
    --------
    The three cases that Daly compares with his own simulation (figures 3 to 5), in minutes:

    >>> [round(daly_interval(5.0, mtbf), 1) for mtbf in (24 * 60.0, 6 * 60.0, 15.0)]
    [116.7, 56.7, 9.1]
    """
    if stall >= 2.0 * mtbf:
        return mtbf
    ratio = math.sqrt(stall / (2.0 * mtbf))
    return young_interval(stall, mtbf) * (1.0 + ratio / 3.0 + ratio * ratio / 9.0) - stall


def optimum_interval(stall: float, mtbf: float) -> float:
    """The interval at which the exact expected time of a long campaign is least [s].

    The minimum over τ of (exp((τ + δ) / M) - 1) / τ, where 1 - τ / M = exp(-(τ + δ) / M). Neither the time of a restart
    nor that of an asynchronous drain moves it. The parameters are those of `young_interval`.

    Examples
    --------
    >>> round(optimum_interval(5.0, 24 * 60.0), 2)  # Daly's approximation is 116.70
    116.69
    """
    ratio = stall / mtbf
    share = 1.0  # τ / M; the function below is concave and falls towards here, so Newton's steps never pass its root
    for _ in range(100):
        exponent = -(share + ratio)
        step = (-math.expm1(exponent) - share) / (math.exp(exponent) - 1.0)
        share -= step
        if abs(step) <= _TOLERANCE * share:
            break
    return share * mtbf
