"""What an algorithm module declares: its name, what it is, where it comes from and the collectives it builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.collectives.transfer import Transfer

__all__ = ["Algorithm", "Builder"]


class Builder(Protocol):
    """Builds the rounds of one collective; options are keyword-only parameters with defaults."""

    def __call__(self, ranks: int, elements: int, root: int, /) -> Sequence[Sequence[Transfer]]:
        """Rounds for `ranks` >= 2 ranks with `elements` >= 0 elements each: of arrays, or plain lists of transfers."""
        ...


@dataclass(frozen=True)
class Algorithm:
    """One family of schedules.

    Attributes
    ----------
    name : str
        As scenarios call it.
    description, reference : str
        One line each.
    builders : mapping of str to Builder
        For each collective it can do.
    """

    name: str
    description: str
    reference: str
    builders: Mapping[str, Builder]
