"""Schedules by name.

Building a schedule costs some microseconds for each round, sorting out what each rank does about one for each message,
and a training run asks for the same few over and over, so finished ones are kept, up to a total number of messages.
They are immutable: keeping them changes nothing but time.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Mapping
from math import inf
from types import MappingProxyType
from typing import Any

from simulator.collectives.algorithm import Algorithm, Builder
from simulator.collectives.binomial_tree import BINOMIAL_TREE
from simulator.collectives.chain import CHAIN
from simulator.collectives.double_binary_tree import DOUBLE_BINARY_TREE
from simulator.collectives.flat import FLAT
from simulator.collectives.hierarchical import HIERARCHICAL
from simulator.collectives.rabenseifner import RABENSEIFNER
from simulator.collectives.recursive_doubling import RECURSIVE_DOUBLING
from simulator.collectives.ring import RING
from simulator.collectives.rounds import finished
from simulator.collectives.schedule import COLLECTIVES, Schedule
from simulator.collectives.sharded_hierarchical import SHARDED_HIERARCHICAL
from simulator.errors import InputError, UnknownNameError

__all__ = ["ALGORITHMS", "algorithms", "builder", "options", "schedule"]

#: Every algorithm by name.
ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            FLAT,
            BINOMIAL_TREE,
            CHAIN,
            RECURSIVE_DOUBLING,
            RABENSEIFNER,
            RING,
            DOUBLE_BINARY_TREE,
            HIERARCHICAL,
            SHARDED_HIERARCHICAL,
        )
    }
)

#: Messages in all schedules that are kept: about 350 bytes each once what each rank does is sorted out.
_KEPT_TRANSFERS = 2_000_000

#: Elements are counted in 64 bits, sums of two such numbers too.
_MOST_ELEMENTS = 2**62

_Key = tuple[str, str, int, int, int, tuple[tuple[str, Any], ...]]


class _Kept:
    """Finished schedules, least recently used first."""

    def __init__(self) -> None:
        self._schedules: OrderedDict[_Key, Schedule] = OrderedDict()
        self._transfers = 0

    def get(self, key: _Key) -> Schedule | None:
        found = self._schedules.get(key)
        if found is not None:
            self._schedules.move_to_end(key)
        return found

    def keep(self, key: _Key, schedule: Schedule) -> None:
        self._schedules[key] = schedule
        self._transfers += schedule.transfer_count
        while self._transfers > _KEPT_TRANSFERS and len(self._schedules) > 1:
            _, dropped = self._schedules.popitem(last=False)
            self._transfers -= dropped.transfer_count


_KEPT = _Kept()


def algorithms(collective: str) -> list[str]:
    """Names of the algorithms for a collective.

    Raises
    ------
    UnknownNameError
        If there is no such collective.
    """
    if collective not in COLLECTIVES:
        raise UnknownNameError("collective", collective, COLLECTIVES)
    return [name for name, algorithm in ALGORITHMS.items() if collective in algorithm.builders]


def builder(collective: str, algorithm: str) -> Builder:
    """The function that builds the rounds.

    Raises
    ------
    UnknownNameError
        If there is no such collective, or no such algorithm for it.
    """
    names = algorithms(collective)
    if algorithm not in names:
        raise UnknownNameError(f"{collective} algorithm", algorithm, names)
    return ALGORITHMS[algorithm].builders[collective]


def options(collective: str, algorithm: str) -> dict[str, Any]:
    """The options that an algorithm takes for a collective, with their defaults."""
    parameters = inspect.signature(builder(collective, algorithm)).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def schedule(collective: str, algorithm: str, ranks: int, elements: int, root: int = 0, **chosen: Any) -> Schedule:
    """The schedule of a collective among `ranks` ranks that hold `elements` elements each.

    Parameters
    ----------
    collective, algorithm : str
        As `COLLECTIVES` and `algorithms` name them.
    ranks, elements : int
        At least 1 and at least 0.
    root : int
        Where a broadcast starts or a reduce ends; the others put the middle of a tree there, if they have one.
    **chosen
        Options of the algorithm, see `options`.

    Raises
    ------
    UnknownNameError
        For a collective, algorithm or option that does not exist.
    InputError
        For numbers that cannot be.

    Examples
    --------
    >>> for transfers in schedule("broadcast", "binomial-tree", ranks=3, elements=10).rounds:
    ...     print(*transfers)
    Transfer(source=0, destination=2, first=0, last=10, reduce=False)
    Transfer(source=0, destination=1, first=0, last=10, reduce=False)
    """
    key = (collective, algorithm, ranks, elements, root, tuple(sorted(chosen.items())))
    found = _KEPT.get(key)
    if found is None:
        found = _build(collective, algorithm, ranks, elements, root, chosen)
        _KEPT.keep(key, found)
    return found


def _build(
    collective: str, algorithm: str, ranks: int, elements: int, root: int, chosen: Mapping[str, Any]
) -> Schedule:
    known = options(collective, algorithm)
    what = f"{algorithm} {collective}"
    for name, value in chosen.items():
        if name not in known:
            raise UnknownNameError(f"option of {what}", name, known)
        if name in ("segment_elements", "ranks_per_node") and value is not None:
            _check(what, name, value, least=1)
    _check(what, "ranks", ranks, least=1)
    _check(what, "elements", elements, least=0, most=_MOST_ELEMENTS)
    _check(what, "root", root, least=0)
    if root >= ranks:
        raise InputError(f"{what}: root: expected a rank below {ranks}, got {root}")
    build = builder(collective, algorithm)
    rounds = build(ranks, elements, root, **chosen) if ranks > 1 else []
    return Schedule(collective, algorithm, ranks, elements, root, finished(rounds))


def _check(what: str, name: str, value: Any, least: int, most: float = inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{what}: {name}: expected a whole number of at least {least}, got {value!r}")
    if value > most:
        raise InputError(f"{what}: {name}: expected a whole number of at most {most}, got {value!r}")
