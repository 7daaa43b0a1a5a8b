"""What can go wrong, grouped by what the user should do about it.

`InputError` and its children: the input is wrong, the message names the file, the key and what was expected;
the command line prints that one line and exits with 2. `RunError`: the input was fine, the run failed; exit 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = ["InfeasibleError", "InputError", "RunError", "SimulatorError", "UnknownNameError", "located", "suggestion"]


class SimulatorError(Exception):
    """Base of every error this package raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class RunError(SimulatorError):
    """The input was accepted but the run could not be finished."""


class InputError(SimulatorError):
    """Bad input. The text is one line: where, what was found, what was expected."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name (profile, network, algorithm, key, …) that does not exist; the text offers the nearest one that does."""

    def __init__(self, what: str, name: str, valid: Iterable[str], where: str = "") -> None:
        # SimPy rebuilds failures from `args`, so `args` must be exactly what the constructor takes.
        valid = tuple(valid)
        super().__init__(what, name, valid, where)
        prefix = f"{where}: " if where else ""
        self.text = f"{prefix}unknown {what} {name!r}{suggestion(name, valid)}"

    def __str__(self) -> str:
        return self.text


class InfeasibleError(InputError):
    """The scenario is well formed but cannot exist: it does not fit in memory, or the system has too few nodes."""


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put the place that was being resolved (file and key) before the message of any input error raised inside."""
    try:
        yield
    except InputError as error:
        kind = InfeasibleError if isinstance(error, InfeasibleError) else InputError
        raise kind(f"{where}: {error}") from None


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Text that offers the nearest valid name, or lists all of them when none is near.

    Examples
    --------
    >>> suggestion("lenett", ["lenet", "alexnet"])
    "; did you mean 'lenet'?"
    >>> suggestion("x", ["lenet", "alexnet"])
    '; expected one of: alexnet, lenet'
    """
    names = sorted(set(valid))
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; expected one of: {', '.join(names)}" if names else ""
