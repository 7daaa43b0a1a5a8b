"""How sure an order is: a line for each pair of neighbours, where each stands over the draws, what they do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from simulator.report.html.document import Block, Notes, Table
from simulator.report.html.numbers import percent
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.draws import Draws

__all__ = ["certainty_blocks"]


def certainty_blocks(draws: Draws, lines: Sequence[str], kept: Mapping[str, float] | None = None) -> list[Block]:
    """What draws say, as blocks of a report.

    Parameters
    ----------
    draws : Draws
    lines : sequence of str
        As `simulator.planning.draws.certainty` gives them.
    kept : mapping of str to float, optional
        Share of the draws in which each keeps its limits.
    """
    sources = list(draws.spread)
    rows = [
        (
            one.name,
            _time(one.median),
            f"{_time(one.low)} – {_time(one.high)}",
            percent(one.best),
            *([percent(kept[one.name]) if one.name in kept else ""] if kept else []),
            *(percent(float(draws.spread[source][draws.place(one.name)])) for source in sources),
        )
        for one in draws.ranking()
    ]
    limits = ["keeps the limits in"] if kept else []
    headings = (
        "run",
        "median time",
        "90 % of the draws",
        "fastest in",
        *limits,
        *(f"± {source}" for source in sources),
    )
    caption = f"{len(draws):,} draws; ±: one standard deviation of the time from that source alone"
    return [Notes(lines, "plain"), Table(headings, rows, caption, range(1, len(headings))), Notes(draws.notes)]


def _time(seconds: float) -> str:
    return format_quantity(seconds, "time", 4)
