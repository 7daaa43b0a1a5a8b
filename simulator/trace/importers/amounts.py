"""Numbers in the output of benchmarks."""

from __future__ import annotations

import math

from simulator.errors import InputError

__all__ = ["amount"]


def amount(text: str, where: str) -> float:
    """A number of at least 0.

    Raises
    ------
    InputError
        If it is none; `where` (file, line, column) opens the message.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise InputError(f"{where}: expected a number of at least 0, got {text!r}")
    return value
