"""The numbers behind the operations: none when only time is simulated, a learner's when learning is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from simulator.algorithms.rules import Settings

__all__ = ["Arithmetic", "NoArithmetic", "apply_rule", "part_of"]


class Arithmetic(Protocol):
    """What an executor asks for at the virtual time at which an operation happens."""

    def batch(self, worker: int, step: int) -> Any:
        """The samples of one worker's step."""
        ...

    def gradient(self, worker: int, step: int, weights: Any, batch: Any) -> Any:
        """The gradient at `weights`."""
        ...

    def updated(self, now: float) -> bool:
        """Some array has been updated at time `now`; whether the run shall stop."""
        ...


class NoArithmetic:
    """Time only: every value is None, and nothing ever stops early."""

    def batch(self, worker: int, step: int) -> None:
        """Nothing."""

    def gradient(self, worker: int, step: int, weights: Any, batch: Any) -> None:
        """Nothing."""

    def updated(self, now: float) -> bool:
        """Never stop."""
        return False


def apply_rule(
    rule: Callable[..., Any], values: tuple[Any, ...], settings: Settings, parameters: Mapping[str, Any], count: int
) -> tuple[Any, ...]:
    """The new values of the first `count` arrays."""
    result = rule(*values, settings=settings, **parameters)
    return result if count > 1 else (result,)


def part_of(value: Any, first: int, last: int, elements: int) -> Any:
    """The view of `value` that stands for the elements [first, last) of an array of `elements` elements.

    `value` may hold fewer numbers than the array whose time is counted; consecutive parts cover it exactly once.
    """
    numbers = len(value)
    return value[first * numbers // elements : last * numbers // elements]
