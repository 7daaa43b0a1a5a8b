"""The plot of a plan: cost against time, or energy where no price is known; systems as series, the front as a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError
from simulator.figures import figure_for, save_figure
from simulator.planning.pareto import pareto_front
from simulator.planning.plan import comparable
from simulator.report.plans import answer, question_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simulator.planning.configuration import Configuration
    from simulator.planning.plan import Plan

__all__ = ["plan_plot"]

# Okabe and Ito's palette, and shapes, so that colour is not all that tells systems apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_DPI = 150
_UNITS = ((86400.0, "d", 3 * 86400.0), (3600.0, "h", 3600.0), (60.0, "min", 60.0), (1.0, "s", 0.0))


def plan_plot(plan: Plan, path: Path) -> None:
    """Draw a plan: what will do filled, what was simulated and will not do hollow, limits as dashed lines.

    Raises
    ------
    InputError
        If nothing was simulated, matplotlib is missing, or the file cannot be written.
    """
    tried = [one.configuration for one in plan.ruled_out if one.configuration is not None]
    everything = [*plan.ranked, *tried]
    if not everything:
        raise InputError(f"{path}: nothing to draw: no configuration was simulated")
    priced = any(one.cost is not None for one in everything)
    factor, unit = _unit(min(one.time for one in everything), plan.question.deadline)
    figure = figure_for(path, 8.0, 5.0, layout="constrained")
    axes = figure.add_subplot()
    for place, system in enumerate(dict.fromkeys(one.candidate.system for one in everything)):
        colour, shape = _COLOURS[place % len(_COLOURS)], _SHAPES[place % len(_SHAPES)]
        for group, filled in ((plan.ranked, True), (tried, False)):
            points = [(one, _height(one, priced)) for one in group if one.candidate.system == system]
            known = [(one.time / factor, height) for one, height in points if height is not None]
            if known:
                times, heights = zip(*known, strict=True)
                axes.scatter(
                    times,
                    heights,
                    marker=shape,
                    s=36,
                    facecolors=colour if filled else "none",
                    edgecolors=colour,
                    alpha=0.9 if filled else 0.6,
                    label=system if filled else f"{system}, will not do",
                    zorder=3,
                )
    _draw_front(axes, plan, factor, priced)
    _draw_limits(axes, plan, factor, priced)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(f"time [{unit}]")
    axes.set_ylabel("cost [USD]" if priced else "energy [kWh]")
    axes.grid(visible=True, which="both", alpha=0.25)
    _plain_ticks(axes)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    title = f"{answer(plan)}\n{question_words(plan).partition(';')[0]}"
    figure.suptitle(title.replace("; ", "\n", 1), fontsize=9, x=0.01, ha="left")
    save_figure(figure, path, _DPI)


def _draw_front(axes: Axes, plan: Plan, factor: float, priced: bool) -> None:
    """The lower left edge: of what will do, that which nothing else beats in the two figures that are drawn."""
    points = [(one, _height(one, priced)) for one in plan.ranked]
    known = [(one, height) for one, height in points if height is not None]
    figures = [(comparable(one.time), comparable(height)) for one, height in known]
    edge = sorted(pareto_front(figures), key=lambda place: known[place][0].time)
    if not edge:
        return
    x = [known[place][0].time / factor for place in edge]
    y = [known[place][1] for place in edge]
    axes.plot(x, y, color="#777777", linewidth=1.0, zorder=2, label="Pareto front")
    labelled: set[tuple[str, int]] = set()
    for place in edge:
        one, height = known[place]
        key = (one.candidate.system, one.nodes)
        if key not in labelled:  # algorithms lie so close together that one label stands for them
            labelled.add(key)
            axes.annotate(
                f"{one.nodes}", (one.time / factor, height), textcoords="offset points", xytext=(5, -11), fontsize=7
            )


def _draw_limits(axes: Axes, plan: Plan, factor: float, priced: bool) -> None:
    question = plan.question
    if question.deadline is not None:
        axes.axvline(question.deadline / factor, color="#AA0000", linestyle="--", linewidth=1.0, label="deadline")
    if priced and question.budget is not None:
        axes.axhline(question.budget, color="#AA0000", linestyle=":", linewidth=1.0, label="budget")


def _plain_ticks(axes: Axes) -> None:
    """Numbers as people write them, not powers of ten, on logarithmic axes that span less than two of those."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 1000 else (1.0,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        axis.set_minor_formatter(NullFormatter())


def _height(one: Configuration, priced: bool) -> float | None:
    if priced:
        return one.cost
    return None if one.energy is None else one.energy / 3.6e6


def _unit(shortest: float, deadline: float | None) -> tuple[float, str]:
    like = shortest if deadline is None else deadline
    return next((factor, unit) for factor, unit, least in _UNITS if like >= least)
