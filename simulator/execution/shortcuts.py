"""Ways to the same result with less work, each of which can be turned off; and what a run says of those it took.

None of them approximates: with and without them results are the same but for the rounding of sums. ``[simulation]
shortcuts`` names those that may be taken, ``exact = true`` allows none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "EQUAL_RANKS",
    "LOCKSTEP",
    "REPEATED_COLLECTIVES",
    "SETTLED_STEPS",
    "SHARING",
    "SHORTCUTS",
    "Shortcut",
    "Shortcuts",
]

LOCKSTEP = "lockstep"
EQUAL_RANKS = "equal-ranks"
REPEATED_COLLECTIVES = "repeated-collectives"
SETTLED_STEPS = "settled-steps"
SHARING = "incremental-sharing"

#: Every shortcut, and what it is.
SHORTCUTS: Mapping[str, str] = MappingProxyType(
    {
        LOCKSTEP: "ranks of a synchronous algorithm advance together, rounds of collectives are solved as batches",
        EQUAL_RANKS: "in lockstep, one generator stands for all ranks that do the same",
        REPEATED_COLLECTIVES: "in lockstep, a collective that ranks come to as far apart as before is not played again",
        SETTLED_STEPS: "once steps have become equal, one of them is repeated",
        SHARING: "event by event, of flows that share links only those get new rates whose rates change",
    }
)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One shortcut and a run: whether it was taken, and what that saved, or why not."""

    name: str
    taken: bool
    remark: str


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """What a run says of shortcuts, in the order of `SHORTCUTS`."""

    found: tuple[Shortcut, ...] = ()

    def to_dict(self) -> dict[str, dict[str, object]]:
        """As the JSON result has it."""
        return {one.name: {"taken": one.taken, "remark": one.remark} for one in self.found}
