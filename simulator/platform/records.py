"""Records of which a large machine has hundreds of thousands: never changed once made, and cheap to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

__all__ = ["record"]

Instance = TypeVar("Instance")


@dataclass_transform(eq_default=False, frozen_default=True)
def record(cls: type[Instance]) -> type[Instance]:
    """A dataclass that is compared by identity and that type checkers, though not the interpreter, keep from changes.

    A dataclass with ``frozen=True`` sets its fields one by one past its own guard, which takes seven times as long as
    setting them plainly, 3 us instead of 0.4 for the nine of a link.
    """
    return dataclass(eq=False)(cls)
