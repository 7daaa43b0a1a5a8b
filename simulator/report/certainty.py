"""How sure an order of runs is, for the terminal: where each stands, a line for each pair of neighbours, notes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.planning.draws import Draws, certainty
from simulator.report.tables import percent, seconds

__all__ = ["certainty_view"]


def certainty_view(draws: Draws, names: Sequence[str] | None = None) -> RenderableType:
    """A table of `draws`, and the lines of `certainty` for `names`, by default all of them from the fastest on."""
    standings = draws.ranking()
    order = [each.name for each in standings] if names is None else list(names)
    table = Table(title=f"how sure: {len(draws)} draws", title_justify="left", caption_justify="left")
    table.caption = (
        "best in = share of the draws in which the run is the fastest for the same work; "
        "± = one standard deviation of the time from that source alone"
    )
    table.add_column("run", no_wrap=True)
    spread = {source: stds for source, stds in draws.spread.items() if stds.any()}
    sources = [f"± {source}" for source in spread]
    for heading in (r"median \[s]", r"90 % of draws \[s]", "best in", *sources):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in standings:
        table.add_row(
            escape(each.name),
            seconds(each.median),
            f"{seconds(each.low)} – {seconds(each.high)}",
            percent(each.best),
            *(percent(float(stds[draws.place(each.name)])) for stds in spread.values()),
        )
    notes = [Text(f"note: {note}", style="yellow") for note in draws.notes]
    return Group(table, *map(Text, certainty(order, draws)), *notes)
