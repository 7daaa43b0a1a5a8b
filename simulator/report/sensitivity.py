"""Sensitivities for people: a table for the terminal, and a tornado plot (needs matplotlib, an extra)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from simulator.figures import figure_for, save_figure
from simulator.planning.sensitivity import Sensitivity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["choices_table", "hardware_table", "sensitivity_document", "tornado"]

SCHEMA = "clustersim/sensitivity/1"

#: Answers below this share are not told one by one.
_LEAST = 0.0005
#: Sums of shares that are off by more show that time jumps somewhere near.
_OFF = 0.005
_SAVING, _LOSS, _CHOICE = "#009E73", "#D55E00", "#0072B2"
_DPI = 150


def hardware_table(rows: Sequence[Sensitivity], factor: float, title: str) -> Table:
    """A row a figure of the hardware, the largest saving first; those without an answer are named below."""
    table = Table(title=escape(title), title_justify="left", caption_justify="left")
    table.add_column("hardware", overflow="fold")
    table.add_column("what_if", overflow="fold")
    table.add_column(f"{factor:g}x as good\nsaves", justify="right")
    table.add_column(f"{factor:g}x as bad\ncosts", justify="right")
    table.add_column("share of\nthe time", justify="right")
    told = [row for row in rows if row.kind == "hardware" and _answers(row)]
    for row in told:
        share = "" if row.share is None else f"{row.share:.1%}" + ("*" if row.members else "")
        loss = "-" if row.loss is None else f"{row.loss:.1%}"
        table.add_row(escape(row.title), escape(f"{row.parameter} = {row.value:g}"), f"{row.saving:.1%}", loss, share)
    silent = [row.title for row in rows if row.kind == "hardware" and not _answers(row)]
    total = sum(row.share or 0.0 for row in rows if row.kind == "hardware" and not row.members)
    table.caption = f"share = the part of the time in proportion to it; they add up to {total:.1%}"
    if any(row.members for row in told):
        table.caption += ", without those with *, which are made of others"
    if abs(total - 1.0) > _OFF:
        table.caption += "; not to 100 %, as the order in which ranks are served changes: time jumps"
    if silent:
        table.caption += f"\nno difference: {escape('; '.join(silent))}"
    return table


def choices_table(rows: Sequence[Sensitivity]) -> Table:
    """The best other value of each key that the job may choose, the largest saving first."""
    table = Table(title="what the job may choose, one key at a time", title_justify="left", caption_justify="left")
    table.add_column("choice", overflow="fold")
    table.add_column("key", overflow="fold")
    table.add_column("saves", justify="right")
    best: dict[str, Sensitivity] = {}
    for row in rows:
        if row.kind == "choice":
            best.setdefault(row.parameter, row)
    told = [row for row in best.values() if _answers(row)]
    for row in told:
        table.add_row(escape(row.title), escape(f"{row.parameter} = {_toml(row.value)}"), f"{row.saving:.1%}")
    silent = [row.parameter for row in best.values() if not _answers(row)]
    table.caption = "time for the same samples; whether they teach as much is another question; --json has every value"
    if silent:
        table.caption += f"\nno difference: {escape('; '.join(silent))}"
    return table


def _answers(row: Sensitivity) -> bool:
    return any(abs(value) >= _LEAST for value in (row.saving, row.loss or 0.0, row.share or 0.0))


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def sensitivity_document(
    rows: Sequence[Sensitivity], scenario: dict[str, Any], factor: float, skipped: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The JSON result."""
    return {
        "schema": SCHEMA,
        "scenario": scenario,
        "factor": factor,
        "base_time_s": rows[0].base_time_s if rows else None,
        "sensitivities": [row.to_dict() for row in rows],
        "skipped": [{"parameter": name, "reason": reason} for name, reason in skipped],
    }


def tornado(rows: Sequence[Sensitivity], factor: float, path: Path, title: str) -> None:
    """A bar a figure of the hardware, by how the time changes with it; below them the best choices of the job.

    Raises
    ------
    InputError
        If matplotlib is missing, or the file cannot be written or has another suffix.
    """
    hardware = [row for row in rows if row.kind == "hardware" and max(abs(row.saving), row.loss or 0.0) >= 0.005]
    best: dict[str, Sensitivity] = {}
    for row in rows:
        if row.kind == "choice" and row.saving >= 0.005:
            best.setdefault(row.parameter, row)
    told = [*sorted(hardware, key=_reach, reverse=True), *best.values()]
    figure = figure_for(path, 8.0, 1.6 + 0.33 * max(len(told), 1), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(told))
    colours = [_SAVING if row.kind == "hardware" else _CHOICE for row in told]
    axes.barh(places, [-100.0 * row.saving for row in told], color=colours, height=0.7)
    axes.barh(places, [100.0 * (row.loss or 0.0) for row in told], color=_LOSS, height=0.7)
    for place, row in zip(places, told, strict=True):
        change, loss = -100.0 * row.saving, 100.0 * (row.loss or 0.0)
        axes.text(min(change, 0.0), place, f"{change:+.1f} % ", ha="right", va="center", fontsize=7)
        if row.loss is not None:
            axes.text(max(loss, 0.0), place, f" {loss:+.1f} %", va="center", fontsize=7)
    low, high = axes.get_xlim()
    axes.set_xlim(low - 0.16 * (high - low), high + 0.12 * (high - low))
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(places, [row.title for row in told], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("change of the time [%]")
    axes.set_title(title, fontsize=10, loc="left")
    _legend(figure, {_SAVING: f"{factor:g} times as good", _LOSS: f"{factor:g} times as bad"}, choices=bool(best))
    save_figure(figure, path, _DPI)


def _legend(figure: Figure, colours: dict[str, str], *, choices: bool) -> None:
    from matplotlib.patches import Patch

    shown = {**colours, _CHOICE: "a choice of the job"} if choices else colours
    handles = [Patch(color=colour, label=label) for colour, label in shown.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8, frameon=False)


def _reach(row: Sensitivity) -> float:
    return abs(row.saving) + abs(row.loss or 0.0)
