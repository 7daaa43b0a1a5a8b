"""What an algorithm module declares, and finding all of them.

Adding an algorithm is adding one file to this folder that assigns an `Algorithm` to a module-level name; nothing else
has to be edited.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.algorithms.holdings import MASTER_HOLDS, WORKER_HOLDS, Declaration, Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.vocabulary import Operation
from simulator.errors import InputError, UnknownNameError

__all__ = ["PERIOD", "Algorithm", "Option", "Program", "algorithm_names", "bundled_algorithms", "load_algorithm"]

#: What one rank runs: yields operations, gets their results.
Program = Callable[[Rank], Generator[Operation, Any, None]]


@dataclass(frozen=True)
class Option:
    """A choice that an algorithm offers in the scenario's ``[algorithm]`` table.

    Attributes
    ----------
    choices : tuple of str
        The values it may have; any of the default's type if empty.
    least, most : float
        Bounds of a number, both allowed.
    """

    name: str
    default: bool | int | float | str
    summary: str
    choices: tuple[str, ...] = ()
    least: float = -math.inf
    most: float = math.inf

    def check(self, value: Any, where: str) -> None:
        """Refuse a value that it cannot have.

        Raises
        ------
        InputError
            If the value has the wrong type, is out of bounds or none of the choices.
        """
        expected = type(self.default)
        if type(value) is not expected and not (expected is float and type(value) is int):
            raise InputError(f"{where}: expected {expected.__name__}, got {value!r}")
        if self.choices and value not in self.choices:
            raise UnknownNameError(self.name, str(value), self.choices, where)
        if isinstance(value, int | float) and not self.least <= value <= self.most:
            bounds = f"at least {self.least:g}" if self.most == math.inf else f"{self.least:g} to {self.most:g}"
            raise InputError(f"{where}: expected {bounds}, got {value!r}")


#: The option of algorithms that need not exchange anything in every step.
PERIOD = Option("period", 1, "steps from one exchange to the next; plain SGD in between", least=1)


@dataclass(frozen=True)
class Algorithm:
    """An algorithm and what an executor must know to place and check it.

    Attributes
    ----------
    name, title, source : str
        The name in scenarios, one line for lists, and the paper it comes from.
    worker : Program
        Run by every rank that computes gradients.
    master : Program or None
        Run by one rank on the first node's host (or on its device where a node hosts itself).
    server : Program or None
        In place of `master`: run there once for each worker, as threads that share arrays and locks.
    learns : str
        The array that is the result of training: ``"centre"``, or ``"replica"`` for the mean of the workers' own.
    holds, master_holds : Holdings or callable
        Arrays that a worker holds at once (the first one, where they differ), and the master with all its threads; see
        `simulator.algorithms.holdings`.
    packed : bool
        Whether all layers travel as one message when the scenario does not say.
    collectives : mapping
        The collectives it uses and the schedule each takes when the scenario names none.
    """

    name: str
    title: str
    source: str
    worker: Program
    master: Program | None = None
    server: Program | None = None
    learns: str = "centre"
    holds: Declaration = WORKER_HOLDS
    master_holds: Declaration = MASTER_HOLDS
    packed: bool = True
    collectives: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Option, ...] = ()

    def holdings(self, situation: Situation) -> Holdings:
        """What a worker holds in that situation."""
        return self.holds(situation) if callable(self.holds) else self.holds

    def master_holdings(self, situation: Situation) -> Holdings | None:
        """What the master holds, all its threads together; None where there is none."""
        if self.master is None and self.server is None:
            return None
        return self.master_holds(situation) if callable(self.master_holds) else self.master_holds

    def resolve_options(self, given: Mapping[str, Any], where: str = "") -> dict[str, Any]:
        """Defaults overridden by `given`.

        Raises
        ------
        InputError
            If an option is not one of this algorithm's, or has the wrong type.
        """
        known = {option.name: option for option in self.options}
        prefix = f"{where}: " if where else ""
        for name, value in given.items():
            if name not in known:
                raise UnknownNameError(f"option of {self.name}", name, known, f"{prefix}algorithm.{name}")
            known[name].check(value, f"{prefix}algorithm.{name}")
        return {name: given.get(name, option.default) for name, option in known.items()}


def bundled_algorithms() -> dict[str, Algorithm]:
    """Every algorithm of this package by name."""
    package = importlib.import_module("simulator.algorithms")
    found: dict[str, Algorithm] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"simulator.algorithms.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, Algorithm):
                found[value.name] = value
    return found


def algorithm_names() -> list[str]:
    """Names of all algorithms, sorted."""
    return sorted(bundled_algorithms())


def load_algorithm(name: str, where: str = "") -> Algorithm:
    """The algorithm of that name, or the one in that file where the name ends in ``.py``.

    Raises
    ------
    UnknownNameError
        If there is none; the message offers the nearest.
    InputError
        If a file cannot be read as an algorithm.
    """
    if name.endswith(".py"):
        from simulator.algorithms.user_file import algorithm_from_file

        return algorithm_from_file(Path(name), where)
    found = bundled_algorithms()
    if name not in found:
        raise UnknownNameError("algorithm", name, found, where)
    return found[name]
