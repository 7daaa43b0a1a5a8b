"""How much is done for a case."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Effort"]


@dataclass(frozen=True)
class Effort:
    """How much is done for a case.

    Attributes
    ----------
    repeats : int
        Of each run; the best counts.
    enough_s : float
        A run that took so long in all is not repeated.
    limit_s : float
        A run that takes longer is given up.
    exact_messages : int
        Beyond so many messages, nothing is run without shortcuts.
    """

    repeats: int = 3
    enough_s: float = 10.0
    limit_s: float = 300.0
    exact_messages: int = 3_000_000
