"""The time of one operation as a formula in calibration parameters, and many of them at once.

Everything a trace times, but whole steps, has the same form. With parameters v it takes

    constant + Σ coefficient v + Σ rate / v + max(work / v) + busy s / (1 + s)

=============== =============================================================================================
gradient        modelled time × ``compute.scale`` + ``compute.fixed``; while messages come and go for `busy`
                seconds of it, it proceeds at 1 / (1 + s), s = ``overlap.slowdown``
update, copy    modelled time × ``update.scale`` + ``update.fixed``, and likewise for ``load``
message         overheads + latencies, then the size over the slowest link of its route: each link's work is
                the seconds it takes at the profile's rate, and v is ``link.<medium>.bandwidth``
step            what a simulation says near the present values; see `simulator.calibration.linearised`
=============== =============================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["ClosedForm", "ClosedForms"]

#: What nothing is divided by.
_SMALL = 1e-100


@dataclass(frozen=True)
class ClosedForm:
    """One operation's time; see the module.

    Attributes
    ----------
    constant : float
        Seconds that no parameter of the fit changes.
    coefficients : mapping
        By parameter: what it is multiplied with (seconds for a factor, a count for seconds).
    rates : mapping
        By parameter: what is divided by it [s].
    works : tuple of (parameter or "", seconds)
        What each stage takes with a factor of 1; stages pass the message on at once, so the slowest decides.
    busy : float
        Seconds [s] beside messages, which ``overlap.slowdown`` makes longer.
    """

    constant: float = 0.0
    coefficients: Mapping[str, float] = field(default_factory=dict)
    works: tuple[tuple[str, float], ...] = ()
    busy: float = 0.0
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def parameters(self) -> set[str]:
        """What it depends on."""
        slowed = {"overlap.slowdown"} if self.busy else set()
        return {*self.coefficients, *self.rates, *(name for name, _ in self.works if name), *slowed}


class ClosedForms:
    """Several operations' times as functions of one vector of parameters.

    Parameters
    ----------
    forms : sequence of ClosedForm
        m of them.
    names : sequence of str
        The n parameters, in the order of the vector. Parameters that forms have and `names` has not must not occur.
    """

    def __init__(self, forms: Sequence[ClosedForm], names: Sequence[str]) -> None:
        place = {name: index for index, name in enumerate(names)}
        stages = max((len(form.works) for form in forms), default=0)
        self._constant = np.array([form.constant for form in forms])
        self._linear = np.zeros((len(forms), len(names)))
        self._rates = np.zeros((len(forms), len(names)))
        self._works = np.zeros((len(forms), stages))
        # A stage that no parameter changes is divided by a one behind the vector.
        self._divisors = np.full((len(forms), stages), len(names))
        for row, form in enumerate(forms):
            for name, coefficient in form.coefficients.items():
                self._linear[row, place[name]] += coefficient
            for name, seconds in form.rates.items():
                self._rates[row, place[name]] += seconds
            for stage, (name, seconds) in enumerate(form.works):
                self._works[row, stage] = seconds
                if name:
                    self._divisors[row, stage] = place[name]
        self._busy = np.array([form.busy for form in forms])
        self._slowdown = place.get("overlap.slowdown")

    def times(self, vector: Any) -> Any:
        """Seconds, shape (m,), for a vector of shape (n,)."""
        times = self._constant + self._linear @ vector + self._rates @ self._inverse(vector)
        if self._works.size:
            times = times + self._stages(vector).max(axis=1)
        if self._slowdown is not None:
            slowdown = vector[self._slowdown]
            times = times + self._busy * slowdown / (1.0 + slowdown)
        return times

    def jacobian(self, vector: Any) -> Any:
        """Derivatives of the seconds, shape (m, n)."""
        slopes = self._linear - self._rates * self._inverse(vector) ** 2
        if self._works.size:
            stages = self._stages(vector)
            rows, slowest = np.arange(len(stages)), stages.argmax(axis=1)
            divisors = self._divisors[rows, slowest]
            scaled = divisors < len(vector)
            slopes[rows[scaled], divisors[scaled]] -= stages[rows, slowest][scaled] / vector[divisors[scaled]]
        if self._slowdown is not None:
            slopes[:, self._slowdown] += self._busy / (1.0 + vector[self._slowdown]) ** 2
        return slopes

    def _inverse(self, vector: Any) -> Any:
        # Only factors divide anything, and those are never small; seconds may be, down to nothing.
        return np.divide(1.0, vector, out=np.zeros(len(vector)), where=np.abs(vector) > _SMALL)

    def _stages(self, vector: Any) -> Any:
        return self._works / np.append(vector, 1.0)[self._divisors]
