"""What commands share that say how sure they are: reading a share, and refusing what nothing could be said of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["check_comparable", "share_of"]


def share_of(text: str, option: str) -> float:
    """``"5%"`` or ``"0.05"`` as 0.05.

    Raises
    ------
    InputError
        If it is no share from 0 to 1.
    """
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise InputError(f"{option}: expected a share such as 5% or 0.05, got {text!r}")
    return share


def check_comparable(scenarios: Sequence[tuple[str, Scenario]], model_error: float | None) -> None:
    """Refuse, before anything is run, scenarios that draws could say nothing of.

    Raises
    ------
    InputError
        If two have the same name, or nothing is uncertain.
    """
    from simulator.planning.uncertainty import check_uncertain

    counted = Counter(name for name, _ in scenarios)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        raise InputError(f"--draws: two of the compared runs are called {twice[0]!r}; expected different ones")
    check_uncertain([scenario for _, scenario in scenarios], model_error)
