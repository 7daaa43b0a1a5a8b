"""Fitting a source's few parameters to its smallest rows, stage by stage, and keeping them with those rows.

A stage minimises the squares of log(predicted / measured) over the rows that name it, by scipy's bounded trust-region
method in the logarithm of each parameter, while what earlier stages found stays. The rows of no stage are predictions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError

__all__ = ["Bounds", "Case", "Parameters", "Stage", "errors_of", "fit", "load_fits", "merged", "save_fits"]

Parameters = Mapping[str, float]


@dataclass(frozen=True)
class Bounds:
    """Where the search for a positive parameter starts and how far it may go."""

    start: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Stage:
    """One fit.

    Attributes
    ----------
    name : str
        What its rows name, unique in the source: ``"K80 host, compute"``.
    parameters : mapping of str to Bounds
    rows : str
        Which rows it sees, in words.
    after : tuple of str
        Stages whose parameters it takes as they are.
    """

    name: str
    parameters: Mapping[str, Bounds]
    rows: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One published figure and how to predict it.

    Attributes
    ----------
    section, name, unit, series, note : str
        As in `validation.checks.Check`.
    measured : float
    predict : callable
        From the parameters of `stages` to a figure in `unit`.
    stages : tuple of str
        Whose parameters it is predicted with.
    fits : str
        The stage whose fit sees it; empty for a prediction.
    larger : bool
        Whether it counts among the larger scales, unless a fit saw it.
    tags : tuple
        What the source's own verdicts find it by.
    """

    section: str
    name: str
    measured: float
    predict: Callable[[Parameters], float]
    unit: str = "images/s"
    series: str = ""
    note: str = ""
    stages: tuple[str, ...] = ()
    fits: str = ""
    larger: bool = False
    tags: tuple[str | int, ...] = ()


def merged(found: Mapping[str, Parameters], stages: Sequence[str]) -> dict[str, float]:
    """Parameters of those stages, later ones over earlier ones."""
    return {name: value for stage in stages for name, value in found[stage].items()}


def fit(
    stages: Sequence[Stage], cases: Sequence[Case], known: Mapping[str, Parameters] = MappingProxyType({})
) -> dict[str, dict[str, float]]:
    """Parameters of every stage; those of stages that are `known` already stay.

    Raises
    ------
    InputError
        If a stage has no rows.
    """
    from scipy.optimize import least_squares

    found: dict[str, dict[str, float]] = {}
    for stage in stages:
        if stage.name in known:
            found[stage.name] = dict(known[stage.name])
            continue
        rows = [case for case in cases if case.fits == stage.name]
        if not rows:
            raise InputError(f"fit of {stage.name}: expected {stage.rows}, found no such row")
        fixed, names = merged(found, stage.after), list(stage.parameters)
        bounds = [stage.parameters[name] for name in names]
        starts = [bound.start for bound in bounds]

        def residuals(
            searched: NDArray[np.float64],
            /,
            rows: Sequence[Case] = rows,
            names: Sequence[str] = names,
            fixed: Parameters = fixed,
            starts: Sequence[float] = starts,
        ) -> list[float]:
            values = {**fixed, **_values(names, starts, searched.tolist())}
            return [log(case.predict(values) / case.measured) for case in rows]

        solved = least_squares(
            residuals,
            [1.0] * len(names),
            bounds=(
                [1.0 + log(bound.lower / bound.start) for bound in bounds],
                [1.0 + log(bound.upper / bound.start) for bound in bounds],
            ),
            diff_step=[1e-2] * len(names),
            xtol=1e-3,
            ftol=1e-4,
            max_nfev=15,
        )
        found[stage.name] = _values(names, starts, solved.x.tolist())
    return found


def _values(names: Sequence[str], starts: Sequence[float], searched: Sequence[float]) -> dict[str, float]:
    """Parameters at a point of the search, in which 1 is the start and 1 more is e times as much."""
    return {name: start * exp(float(x) - 1.0) for name, start, x in zip(names, starts, searched, strict=True)}


def errors_of(cases: Sequence[Case], found: Mapping[str, Parameters]) -> list[float]:
    """predicted / measured − 1 of every case."""
    return [case.predict(merged(found, case.stages)) / case.measured - 1.0 for case in cases]


def save_fits(path: Path, fits: Mapping[str, Any]) -> None:
    """Write all sources' fits, rounded to five digits."""
    path.write_text(json.dumps(_rounded(fits), indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def load_fits(path: Path) -> dict[str, Any]:
    """What `save_fits` wrote; nothing where there is no such file."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{path}: {error}; expected what 'python -m validation.published --refit' writes") from None
    return found
