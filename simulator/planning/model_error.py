"""How far the model itself may be off in several scenarios at once: partly alike, partly each in its own way.

A model that takes gradients of a network for 5 % too short does so whichever algorithm uses them, and the order of the
algorithms stands. A model that has left out what one algorithm does costs that one alone. How much of the error is of
which kind decides how sure a ranking is. It was measured where this project predicts runs that no fit has seen, its own
on one machine and published ones (`validation.shared_errors`): of the variance of their errors, different algorithms on
the same machine with as many workers share 0.15 and 0.10 (399 and 384 pairs); the same algorithm with other numbers of
workers 0.57 and 0.53 (182 and 124 pairs), on another machine 0.33 (197 pairs); different algorithms with different
numbers of workers 0.04 and 0.06. From these, rounded: a tenth by the setting, four tenths by the algorithm.

So the logarithm of the factor between the true time of a part of the breakdown and the model's is taken to be normal,
of the standard deviation that the calibration left (`residual_scatter`), and to consist of a piece that all scenarios
of the same machine, network and size have in common, one that all of the same algorithm do, and one of each alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError
from simulator.randomness import stream

__all__ = ["ALONE", "SHARED", "TOGETHER", "Erring", "Sharing", "error_factors"]


@dataclass(frozen=True)
class Sharing:
    """Which parts of the variance of the model's error scenarios have in common.

    Attributes
    ----------
    setting : float
        Of scenarios on the same system with as many nodes and workers, the same network and batch.
    algorithm : float
        Of scenarios of the same algorithm.
    everywhere : float
        Of all scenarios. The rest is each scenario's own.
    """

    setting: float
    algorithm: float
    everywhere: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.setting, self.algorithm, self.everywhere)
        if not (min(shares) >= 0.0 and sum(shares) <= 1.0):
            told = ", ".join(f"{share:g}" for share in shares)
            raise InputError(
                f"shares of the model's error: expected shares of at least 0 and together at most 1, got {told}"
            )


#: As measured; see the module.
SHARED = Sharing(setting=0.1, algorithm=0.4)
#: Every scenario errs in its own way: the least sure that a ranking can be.
ALONE = Sharing(0.0, 0.0)
#: All scenarios err alike.
TOGETHER = Sharing(0.0, 0.0, everywhere=1.0)


@dataclass(frozen=True)
class Erring:
    """What decides the model's error in one scenario.

    Attributes
    ----------
    name : str
        Of the scenario; its own piece hangs on it.
    setting, algorithm : str
        What it shares the other pieces by.
    shares : mapping
        Share of the time by part of the breakdown; they add up to 1.
    scatter : mapping
        Standard deviation of the logarithm by part; ``"step"`` stands for the whole time and comes before the parts.
    """

    name: str
    setting: str
    algorithm: str
    shares: Mapping[str, float]
    scatter: Mapping[str, float]


def error_factors(scenarios: Sequence[Erring], draws: int, seed: int, sharing: Sharing = SHARED) -> np.ndarray:
    """Factors on the times of scenarios, shape (draws, scenarios); 1 where nothing is known of the model's error.

    The same for the same seed and scenario, whatever other scenarios there are.

    Examples
    --------
    >>> here = Erring("a", "m40x4", "sync-sgd", {"forward_backward": 1.0}, {"step": 0.1})
    >>> there = Erring("b", "m40x4", "sync-sgd", {"forward_backward": 1.0}, {"step": 0.1})
    >>> alike = error_factors([here, there], 3, seed=0, sharing=TOGETHER)
    >>> bool((alike[:, 0] == alike[:, 1]).all())
    True
    """
    columns = []
    for each in scenarios:
        parts = {"step": 1.0} if "step" in each.scatter else each.shares
        factors = np.zeros(draws)
        for part, share in parts.items():
            deviation = each.scatter.get(part, 0.0)
            factors += share * (np.exp(deviation * _normal(each, part, draws, seed, sharing)) if deviation else 1.0)
        columns.append(factors)
    return np.column_stack(columns)


def _normal(each: Erring, part: str, draws: int, seed: int, sharing: Sharing) -> np.ndarray:
    """Standard normal numbers of which scenarios have in common what `sharing` says."""
    own = 1.0 - sharing.setting - sharing.algorithm - sharing.everywhere
    pieces = (
        (sharing.everywhere, "all"),
        (sharing.setting, f"setting {each.setting}"),
        (sharing.algorithm, f"algorithm {each.algorithm}"),
        (own, f"scenario {each.name}"),
    )
    normal = np.zeros(draws)
    for variance, whose in pieces:
        if variance > 0.0:
            normal += np.sqrt(variance) * stream(seed, f"model error of {part}, {whose}").standard_normal(draws)
    return normal
