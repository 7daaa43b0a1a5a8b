"""An axis of a study: a key of the scenario, and the values or numbers that it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from simulator.errors import InputError

__all__ = ["Axis", "Between", "Point", "check_axes"]

#: The value of each varied key.
Point: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Between:
    """Numbers between two, to be sampled: whole ones where both ends are, the ends included.

    Attributes
    ----------
    low, high : int or float
    log : bool
        Even in the logarithm.
    """

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def at(self, quantile: float) -> float:
        """The number at a quantile, 0 <= quantile < 1.

        Examples
        --------
        >>> Between(1, 4).at(0.0), Between(1, 4).at(0.99), Between(1.0, 100.0, log=True).at(0.5)
        (1, 4, 10.0)
        """
        low, high = self.low, self.high + (1 if self.whole else 0)
        value = low * (high / low) ** quantile if self.log else low + quantile * (high - low)
        return min(math.floor(value), int(self.high)) if self.whole else min(value, self.high)


@dataclass(frozen=True, slots=True)
class Axis:
    """A key of the scenario and what it is varied over.

    Attributes
    ----------
    key : str
        Dotted, such as ``"cluster.nodes"``.
    values : tuple
        The values in their order, or a single `Between`, which can only be sampled.
    """

    key: str
    values: tuple[Any, ...]

    @property
    def between(self) -> Between | None:
        """The numbers to be sampled, if that is what the axis is."""
        return self.values[0] if len(self.values) == 1 and isinstance(self.values[0], Between) else None


def check_axes(axes: Sequence[Axis]) -> None:
    """Refuse a key that is varied twice, and an axis without values."""
    seen: set[str] = set()
    for axis in axes:
        if axis.key in seen:
            raise InputError(f"{axis.key}: is varied twice; expected one list of values")
        if not axis.values:
            raise InputError(f"{axis.key}: expected at least one value")
        seen.add(axis.key)
