"""A finished calibration for people: parameters with errors, what was and was not told, residuals as table and plot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.calibration.overlay import FittedParameter, Overlay, strongest
from simulator.figures import figure_for, save_figure
from simulator.report.plots import COLOURS
from simulator.report.tables import percent
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.calibration.calibrate import Calibrated

__all__ = ["CALIBRATION_SCHEMA", "calibration_document", "calibration_view", "residual_plot"]

CALIBRATION_SCHEMA = "clustersim/calibration/1"
_DPI = 150
_OTHER = "#000000"


def calibration_view(calibrated: Calibrated) -> RenderableType:
    """Parameters, residuals by part, and what the fit rests on."""
    overlay, record = calibrated.overlay, calibrated.overlay.fit
    notes = [Text(f"{name}: {each.reason}", style="yellow") for name, each in overlay.parameters.items() if each.reason]
    rests = Text()
    if record is not None:
        rests = Text(
            f"{record.observations} observations of {record.measurements:,} measurements in {len(overlay.traces)} "
            f"files, {record.degrees_of_freedom} degrees of freedom; cost {record.cost:.4g}, reached from "
            f"{record.agreeing} of {record.starts} starts"
        )
    return Group(_parameters(overlay), *notes, _residuals(calibrated), rests)


def _parameters(overlay: Overlay) -> Table:
    table = Table(title=escape(f"calibration of {overlay.system}"), title_justify="left")
    for heading in ("parameter", "start", "result", "standard error", "bounds", "identified", "strongest correlation"):
        table.add_column(heading, justify="left" if heading in ("parameter", "identified") else "right")
    for name, each in overlay.parameters.items():
        other = strongest(overlay.correlation, name)
        table.add_row(
            escape(name),
            _number(each.start, each),
            _number(each.value, each) if each.identified else "",
            _error(each),
            "hit" if each.at_bound else "",
            "yes" if each.identified else "no: start kept",
            f"{other[1]:+.2f} {escape(other[0])}" if other else "",
        )
    return table


def _number(value: float, parameter: FittedParameter) -> str:
    return format_quantity(value, "time", 4) if parameter.unit == "s" else f"{value:.4g}"


def _error(parameter: FittedParameter) -> str:
    if parameter.std is None:
        return ""
    share = f" ({percent(parameter.std / parameter.value)})" if parameter.value else ""
    return _number(parameter.std, parameter) + share


def _residuals(calibrated: Calibrated) -> Table:
    table = Table(title="predicted against measured", title_justify="left")
    for heading in ("part", "observations", "left out", "median error before", "after", "largest after", "model's own"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for part, places in _by_part(calibrated).items():
        before, after = (np.abs(errors[places]) for errors in _errors(calibrated))
        scatter = calibrated.overlay.residual_scatter.get(part)
        table.add_row(
            part.replace("_", " ") + ("" if calibrated.rows[places[0]].fitted else " (not fitted)"),
            f"{len(places)}",
            f"{sum(calibrated.rows[place].observed.left_out for place in places):,}",
            percent(float(np.median(before))),
            percent(float(np.median(after))),
            percent(float(after.max())),
            "unknown" if scatter is None else percent(scatter),
        )
    return table


def _by_part(calibrated: Calibrated) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = {}
    for place, row in enumerate(calibrated.rows):
        parts.setdefault(row.observed.category, []).append(place)
    return parts


def _errors(calibrated: Calibrated) -> tuple[Any, Any]:
    """Relative errors before and after: predicted / measured − 1."""
    measured = np.array([row.observed.seconds for row in calibrated.rows])
    before = np.array([row.observed.modelled for row in calibrated.rows])
    after = np.array([row.predicted for row in calibrated.rows])
    return before / measured - 1.0, after / measured - 1.0


def residual_plot(calibrated: Calibrated, path: Path) -> None:
    """Relative error of every observation against its size, by part: hollow before the fit, filled after.

    Raises
    ------
    InputError
        If matplotlib is missing, or the file cannot be written or has another suffix.
    """
    figure = figure_for(path, 8.0, 4.2, layout="constrained")
    axes = figure.add_subplot()
    before, after = _errors(calibrated)
    measured = np.array([row.observed.seconds for row in calibrated.rows])
    for part, places in _by_part(calibrated).items():
        colour = COLOURS.get(part, _OTHER)
        axes.plot(measured[places], 100 * before[places], "o", mfc="none", mec=colour, ms=5, alpha=0.6)
        axes.plot(measured[places], 100 * after[places], "o", color=colour, ms=5, label=part.replace("_", " "))
    axes.axhline(0.0, color="black", lw=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("measured time [s]")
    axes.set_ylabel("predicted / measured − 1 [%]")
    axes.set_title(f"{calibrated.overlay.system}: hollow before calibration, filled after", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False)
    save_figure(figure, path, _DPI)


def calibration_document(calibrated: Calibrated) -> dict[str, Any]:
    """The calibration as JSON: the overlay, and every observation with its prediction."""
    return {
        "schema": CALIBRATION_SCHEMA,
        "overlay": calibrated.overlay.model_dump(mode="json", by_alias=True),
        "observations": list(_observations(calibrated)),
    }


def _observations(calibrated: Calibrated) -> Iterable[dict[str, Any]]:
    for residual in calibrated.rows:
        row = residual.observed
        yield {
            "part": row.category,
            "name": row.name,
            "file": row.source,
            "measured_s": row.seconds,
            "relative_error": row.error if row.error == row.error else None,
            "measurements": row.count,
            "left_out": row.left_out,
            "before_s": row.modelled,
            "after_s": residual.predicted,
            "fitted": residual.fitted,
        }
