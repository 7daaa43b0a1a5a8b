"""Fits in which some times take a simulation to predict: the formulas stand in for simulations, near where they are.

A simulated time is nearly linear in seconds that are added and in factors on times, and nearly inverse in factors on
rates. So around the present values each simulation is replaced by such a formula, the fit is made with formulas alone,
and the simulations are asked again at its result, until it no longer moves (Gauss and Newton's method, with the
simulator in the outer loop). That takes a few simulations a parameter, not thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from simulator.calibration.closed_form import ClosedForm, ClosedForms
from simulator.calibration.fit import Fit, fit
from simulator.calibration.observed_times import Simulated
from simulator.calibration.parameters import parameter_kind
from simulator.calibration.trace_model import Observed

__all__ = ["fit_rows"]

#: Relative step of differences, and the least one of parameters in seconds [s].
_STEP, _LEAST_STEP = 1e-3, 1e-8
#: Rounds at most; and the relative change of all predictions that ends them.
_ROUNDS, _SETTLED = 8, 1e-3


def fit_rows(
    rows: Sequence[Observed | Simulated],
    start: Mapping[str, float],
    starts: int,
    seed: int,
    progress: Callable[[str], None] = lambda what: None,
) -> Fit:
    """Fit parameters to observations of both kinds; see `simulator.calibration.fit.fit`."""
    names = list(start)
    simulated = [row for row in rows if isinstance(row, Simulated)]
    formulas = [row for row in rows if isinstance(row, Observed)]
    values = dict(start)
    alone = None
    if formulas or not simulated:
        alone = fit(formulas, ClosedForms([row.form for row in formulas], names), start, starts, seed)
        values |= alone.values
    found = alone
    predicted = np.array([])
    for number in range(_ROUNDS if simulated else 0):
        progress(f"simulating, round {number + 1}")
        forms = [row.form if isinstance(row, Observed) else _near(row, values) for row in rows]
        found = fit(rows, ClosedForms(forms, names), start, starts, seed, first=values)
        values = {each.name: each.value for each in found.estimates}
        before, predicted = predicted, found.predicted
        if len(before) and np.all(np.abs(predicted / before - 1.0) <= _SETTLED):
            break
    assert found is not None
    if not simulated:
        return found
    exact = [
        row.predict(values) if isinstance(row, Simulated) else seconds
        for row, seconds in zip(rows, found.predicted, strict=True)
    ]
    begun = found if alone is None else alone
    return replace(found, predicted=np.array(exact), starts=begun.starts, agreeing=begun.agreeing)


def _near(row: Simulated, values: Mapping[str, float]) -> ClosedForm:
    """A formula that agrees with the simulation at `values`, and with its slopes there."""
    here = row.predict(values)
    constant, coefficients, rates = here, dict[str, float](), dict[str, float]()
    for name in row.names:
        kind, value = parameter_kind(name), values[name]
        step = max(_STEP * abs(value), _LEAST_STEP if kind.unit == "s" else _STEP)
        step = step if value + step <= kind.upper else -step
        slope = (row.predict({**values, name: value + step}) - here) / step
        if slope == 0.0:
            continue
        if name.endswith(".bandwidth"):
            # A finite step of a hyperbola: what it is at both ends, not only nearly its tangent.
            rates[name] = -slope * value * (value + step)
            constant -= rates[name] / value
        else:
            coefficients[name] = slope
            constant -= slope * value
    return ClosedForm(constant, coefficients, rates=rates)
