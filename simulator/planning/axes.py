"""The points of a study: grids over axes, axes that are tied together, and the scenario at a point.

A value of ``algorithm.name`` may carry options, ``name:option=value:option=value``, here as in ``clustersim compare``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.errors import InputError
from simulator.planning.axis import Axis, Between, Point, check_axes
from simulator.planning.axis_text import parse_vary
from simulator.planning.hypercube import latin_hypercube
from simulator.scenario import Scenario, parse_assignment

__all__ = [
    "ALGORITHM",
    "Axis",
    "Between",
    "Point",
    "algorithm_changes",
    "grid",
    "latin_hypercube",
    "parse_vary",
    "point_scenario",
]

ALGORITHM = "algorithm.name"
#: More points than anybody means to ask for.
_MOST = 1_000_000


def grid(axes: Sequence[Axis], tied: Sequence[Sequence[str]] = ()) -> list[Point]:
    """Every combination of the axes' values, the last axis varying fastest.

    Parameters
    ----------
    tied : sequence of sequences of str
        Keys that go together: their first values, their second values, and so on.

    Raises
    ------
    InputError
        If a key is varied twice, tied axes differ in length or are not varied, or a range can only be sampled.

    Examples
    --------
    >>> grid([Axis("a", (1, 2)), Axis("b", ("x", "y"))], tied=[("a", "b")])
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    check_axes(axes)
    for axis in axes:
        if axis.between is not None:
            raise InputError(f"{axis.key}: numbers between two are sampled; expected values, or a step")
    choices: list[list[Point]] = []
    for group in _groups(axes, tied):
        lengths = {len(axis.values) for axis in group}
        if len(lengths) > 1:
            counts = ", ".join(f"{axis.key} has {len(axis.values)}" for axis in group)
            raise InputError(f"--zip: {counts}; expected as many values of each")
        choices.append([{axis.key: axis.values[place] for axis in group} for place in range(lengths.pop())])
    if math.prod(map(len, choices)) > _MOST:
        raise InputError(f"these are {math.prod(map(len, choices)):,} points; expected at most {_MOST:,}")
    return [{key: part[key] for part in parts for key in part} for parts in itertools.product(*choices)]


def _groups(axes: Sequence[Axis], tied: Sequence[Sequence[str]]) -> list[list[Axis]]:
    """The axes, those together that are tied, each group where its first axis stands."""
    by_key = {axis.key: axis for axis in axes}
    group_of: dict[str, Sequence[str]] = {}
    for keys in tied:
        if len(keys) < 2:
            raise InputError(
                "--zip: expected two or more of the varied keys, such as cluster.nodes,workload.batch_size"
            )
        for key in keys:
            if key not in by_key:
                raise InputError(f"--zip: {key} is not varied; expected some of: {', '.join(by_key)}")
            if key in group_of:
                raise InputError(f"--zip: {key} is there twice")
            group_of[key] = keys
    groups: list[list[Axis]] = []
    done: set[str] = set()
    for axis in axes:
        if axis.key not in done:
            keys = group_of.get(axis.key, (axis.key,))
            groups.append([by_key[key] for key in keys])
            done.update(keys)
    return groups


def point_scenario(base: Scenario, point: Mapping[str, Any]) -> Scenario:
    """The scenario at a point.

    Raises
    ------
    InputError
        If a key is unknown or a value wrong.
    """
    changes: dict[str, Any] = algorithm_changes(base, str(point[ALGORITHM])) if ALGORITHM in point else {}
    return base.override(changes | {key: value for key, value in point.items() if key != ALGORITHM})


def algorithm_changes(base: Scenario, text: str) -> dict[str, Any]:
    """``"original-easgd:overlap=false"`` as changes of a scenario; other algorithms' options are dropped.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    name, *options = text.split(":")
    if not name or "" in options:
        raise InputError(f"algorithm {text!r}: expected NAME or NAME:OPTION=VALUE, such as sync-sgd")
    changes: dict[str, Any] = {ALGORITHM: name}
    if name != base.tables.algorithm.name:
        changes |= {f"algorithm.{key}": None for key in ("collectives", *(base.tables.algorithm.model_extra or {}))}
    changes |= {f"algorithm.{key}": value for key, value in map(parse_assignment, options)}
    return changes
