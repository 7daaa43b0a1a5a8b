"""Why a run cannot be played in lockstep."""

from __future__ import annotations

__all__ = ["Unsuited"]


class Unsuited(Exception):
    """Something in the run depends on the order of events; the message says what, for ``--explain``.

    Never reaches a user: whoever tried lockstep simulates the run event by event instead.
    """
