"""What a plan is asked: how much work, by when, for how much, and what makes one answer better than another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from simulator.errors import InputError, UnknownNameError
from simulator.planning.work import Work, assigned_number
from simulator.units import parse_quantity

__all__ = [
    "OBJECTIVES",
    "Objective",
    "Question",
    "Target",
    "objective_of",
    "parse_budget",
    "parse_deadline",
    "parse_target",
]

Objective: TypeAlias = Literal["time", "cost", "energy"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


@dataclass(frozen=True, slots=True)
class Target:
    """What must be reached: a throughput [samples/s], or a test accuracy, 0 to 1."""

    kind: Literal["throughput", "accuracy"]
    value: float


@dataclass(frozen=True, slots=True)
class Question:
    """What a plan is asked.

    Attributes
    ----------
    work : Work or None
        What is to be done; None where training goes on until an accuracy is reached.
    deadline, budget : float or None
        The longest time [s] and the highest cost [USD] that will do; None for any.
    objective : str
        What the best answer has least of: ``"time"``, ``"cost"`` or ``"energy"``.
    target : Target or None
    """

    work: Work | None
    deadline: float | None = None
    budget: float | None = None
    objective: Objective = "time"
    target: Target | None = None

    @property
    def until_accuracy(self) -> bool:
        """Whether candidates learn until they have reached an accuracy."""
        return self.target is not None and self.target.kind == "accuracy"

    @property
    def least_throughput(self) -> float | None:
        """Samples a second that are asked for, or None."""
        return self.target.value if self.target is not None and self.target.kind == "throughput" else None

    def without_limits(self) -> Question:
        """The same work or accuracy, whatever it takes."""
        return replace(self, deadline=None, budget=None, target=self.target if self.until_accuracy else None)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of a plan has it."""
        return {
            "work": None if self.work is None else {"samples": self.work.samples, "text": self.work.text},
            "deadline_s": self.deadline,
            "budget_usd": self.budget,
            "objective": self.objective,
            "target": None if self.target is None else {"kind": self.target.kind, "value": self.target.value},
        }


def objective_of(text: str | None, deadline: float | None) -> Objective:
    """The objective of that name; left open, the least cost if there is a deadline, and else the least time.

    Raises
    ------
    UnknownNameError
        If there is no such objective.
    """
    if text is None:
        return "time" if deadline is None else "cost"
    for objective in OBJECTIVES:
        if text == objective:
            return objective
    raise UnknownNameError("objective", text, OBJECTIVES, "objective")


def parse_deadline(value: str | float | None) -> float | None:
    """``"12h"`` or a number of seconds, in seconds.

    Raises
    ------
    InputError
        If it is no positive time.
    """
    if value is None or not isinstance(value, str):
        return _positive("deadline", value, "a time such as 12h")
    try:
        seconds = parse_quantity(value, "time")
    except ValueError as error:
        raise InputError(f"deadline: {error}") from None
    return _positive("deadline", seconds, "a time such as 12h", value)


def parse_budget(value: str | float | None) -> float | None:
    """``"2000"``, ``"2e3"``, ``"2000 USD"`` or a number, in US dollars.

    Raises
    ------
    InputError
        If it is no positive amount of money.
    """
    if value is None or not isinstance(value, str):
        return _positive("budget", value, "US dollars such as 2000")
    try:
        dollars = float(value)
    except ValueError:
        try:
            dollars = parse_quantity(value, "money")
        except ValueError as error:
            raise InputError(f"budget: {error}") from None
    return _positive("budget", dollars, "US dollars such as 2000", value)


def parse_target(text: str) -> Target:
    """``"throughput=12000"`` (samples a second) or ``"accuracy=0.95"``.

    Raises
    ------
    InputError
        If it is neither, or out of bounds.
    """
    key, value = assigned_number(text)
    if value is not None and key == "throughput" and 0 < value < math.inf:
        return Target("throughput", float(value))
    if value is not None and key == "accuracy" and 0 < value <= 1:
        return Target("accuracy", float(value))
    expected = "throughput=N samples a second with N above 0, or accuracy=A with 0 < A <= 1"
    raise InputError(f"target: expected {expected}, got {text!r}")


def _positive(key: str, value: Any, expected: str, text: str | None = None) -> float | None:
    """The number, which must be one above 0; `text` is how it was written."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"{key}: expected {expected}, above 0, got {(value if text is None else text)!r}")
    return float(value)
