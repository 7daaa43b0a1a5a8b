"""Overlays: what a fit has found out about a system, as a TOML file that lies over its profile and never edits it.

An overlay holds every fitted parameter with its standard error, how the errors go together, how far the model was
still off, and what all of that was fitted to. Parameters that the data could not identify are kept for the record and
change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from simulator.calibration.parameters import checked_value, parameter_kind
from simulator.documents import Document, load_document
from simulator.errors import InputError
from simulator.randomness import stream

__all__ = ["SCHEMA", "Correlation", "FitRecord", "FittedParameter", "Overlay", "Source", "load_overlay"]

SCHEMA = "clustersim/overlay/1"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class FittedParameter(Document):
    """One parameter of a fit.

    Attributes
    ----------
    value, std : float
        Result and its standard error, in `unit`; one that is not identified has kept its start and has no error.
    start, bounds : float
        Where the fit began, and between what it stayed.
    at_bound : bool
        Whether the result is one of the bounds, which then decided more than the data.
    identified : bool
        Whether the data say anything of it; if not, `reason` says why.
    """

    value: Finite
    std: Positive | None = None
    unit: Literal["", "s"] = ""
    start: Finite
    bounds: tuple[Finite, Finite]
    at_bound: bool = False
    identified: bool = True
    reason: str = ""

    @model_validator(mode="after")
    def _identified_has_error(self) -> Self:
        if self.identified and self.std is None:
            raise ValueError("std is missing; a parameter that is identified has a standard error")
        return self


def _correlations(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    matrix = np.array(rows) if rows and all(len(row) == len(rows) for row in rows) else None
    if rows and (
        matrix is None
        or not np.allclose(matrix, matrix.T, atol=1e-6)
        or not np.allclose(np.diag(matrix), 1.0, atol=1e-6)
        or np.linalg.eigvalsh(matrix).min() < -1e-6
    ):
        raise ValueError("expected a matrix of correlations: square, symmetric, positive, ones on its diagonal")
    return rows


class Correlation(Document):
    """How the errors of parameters go together: `matrix` has a row and a column for each of `names`."""

    names: tuple[str, ...] = ()
    matrix: Annotated[tuple[tuple[Finite, ...], ...], AfterValidator(_correlations)] = ()

    @model_validator(mode="after")
    def _same_size(self) -> Self:
        if len(self.names) != len(self.matrix) or len(set(self.names)) != len(self.names):
            raise ValueError(f"expected a row for each of {len(self.names)} different names, got {len(self.matrix)}")
        return self


class FitRecord(Document):
    """The fit itself: what it minimised, on how much, and how well that went.

    Attributes
    ----------
    observations, degrees_of_freedom : int
        Groups of equal measurements that were fitted, and how many more they are than identified parameters.
    measurements : int
        Single measurements in those groups.
    cost : float
        Half the sum of the loss over all residuals, at the result.
    starts, agreeing : int
        Fits begun from different points, and those that ended at the same cost.
    """

    loss: str
    observations: Annotated[int, Field(ge=0)]
    measurements: Annotated[int, Field(ge=0)]
    degrees_of_freedom: int
    cost: Positive
    starts: Annotated[int, Field(ge=1)]
    agreeing: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]


class Source(Document):
    """A file that was fitted to."""

    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Overlay(Document):
    """A calibration of one system.

    Attributes
    ----------
    system : str
        The profile that it lies over; a scenario on another is refused.
    scenarios : tuple of str
        What was run to fit it.
    parameters : mapping
        By name; see `simulator.calibration.parameters`.
    residual_scatter : mapping
        Relative error that the calibrated model still has once noise has been averaged out, by part of the breakdown;
        ``"step"`` where step times themselves were observed.
    """

    schema_version: Literal["clustersim/overlay/1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1)]
    system: Annotated[str, Field(min_length=1)]
    scenarios: tuple[str, ...] = ()
    date: str
    version: str
    parameters: dict[str, FittedParameter]
    correlation: Correlation = Correlation()
    residual_scatter: dict[str, Positive] = Field(default_factory=dict)
    fit: FitRecord | None = None
    traces: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _parameters_exist(self) -> Self:
        for name, parameter in self.parameters.items():
            try:
                checked_value(name, parameter.value)
                unit = parameter_kind(name).unit
            except InputError as error:
                raise ValueError(f"parameters: {error}") from None
            if parameter.unit != unit:
                raise ValueError(f"parameters.{name}.unit: expected {unit!r}, got {parameter.unit!r}")
        for name in self.correlation.names:
            if name not in self.parameters or not self.parameters[name].identified:
                raise ValueError(f"correlation.names: {name!r} is no identified parameter of this overlay")
        return self

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Value of every identified parameter."""
        return {name: fitted.value for name, fitted in self.parameters.items() if fitted.identified}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The identified parameters, in the order of `covariance`."""
        return tuple(self.values)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Covariance of the identified parameters, shape (n, n), in the products of their units."""
        std = np.array([self.parameters[name].std or 0.0 for name in self.names])
        correlation = np.eye(len(self.names))
        place = {name: index for index, name in enumerate(self.names)}
        for first, row in zip(self.correlation.names, self.correlation.matrix, strict=True):
            for second, value in zip(self.correlation.names, row, strict=True):
                correlation[place[first], place[second]] = value
        return correlation * np.outer(std, std)

    def draws(self, count: int, seed: int) -> list[dict[str, float]]:
        """Sets of parameter values that agree with the fit's errors, for ``calibration.parameters`` of a scenario.

        Normal with the fit's covariance, held within the parameters' bounds. The same for the same overlay and seed,
        so that several scenarios can be compared draw by draw: what is uncertain alike for all of them then cancels.

        Parameters
        ----------
        count : int
            How many.
        seed : int
            Of the draws.
        """
        generator = stream(seed, "calibration draws")
        values, vectors = np.linalg.eigh(self.covariance) if self.names else (np.zeros(0), np.zeros((0, 0)))
        root = vectors * np.sqrt(np.clip(values, 0.0, None))
        centre = np.array([self.values[name] for name in self.names])
        found = []
        for normal in generator.standard_normal((count, len(self.names))):
            drawn = centre + root @ normal
            found.append({name: _within(name, float(value)) for name, value in zip(self.names, drawn, strict=True)})
        return found


def _within(name: str, value: float) -> float:
    kind = parameter_kind(name)
    return min(max(value, kind.lower), kind.upper)


def load_overlay(path: Path) -> Overlay:
    """Read and check an overlay.

    Raises
    ------
    InputError
        If the file is missing or no overlay; one line that names the file and the key.
    """
    return load_document(path, Overlay)


def strongest(correlation: Correlation, name: str) -> tuple[str, float] | None:
    """The parameter whose error goes most with that of `name`, and how much; None if there is no other."""
    if name not in correlation.names:
        return None
    row: Sequence[float] = correlation.matrix[correlation.names.index(name)]
    others = [(other, value) for other, value in zip(correlation.names, row, strict=True) if other != name]
    return max(others, key=lambda item: abs(item[1]), default=None)
