"""How results show themselves in a notebook: a heading, one sentence, a small table. All text is escaped.

Colours are those of the text around, so that light and dark themes are both served; nothing is loaded from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from simulator.report.html.numbers import number, percent
from simulator.report.html.parts import part
from simulator.report.picture import breakdown_picture
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.draws import Draws
    from simulator.result import Result

__all__ = ["comparison_html", "draws_html", "fragment", "records_html", "result_html", "table_html"]

_STYLE = (
    ".clustersim table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0.4em 0; }"
    ".clustersim th, .clustersim td { text-align: right; padding: 0.15em 0.7em; border-bottom: 1px solid #8a8a8a55; }"
    ".clustersim th:first-child, .clustersim td:first-child { text-align: left; padding-left: 0; }"
    ".clustersim .box { overflow-x: auto; max-width: 100%; } .clustersim p { margin: 0.3em 0; max-width: 60em; }"
)
#: Rows and columns of a table that a notebook shows; the rest is told.
_MOST_ROWS = 40


def fragment(heading: str, sentences: Sequence[str], *markup: str) -> str:
    """A piece of HTML: a heading and sentences, which are escaped, and markup, which is not."""
    told = "".join(f"<p>{escape(each)}</p>" for each in sentences)
    return (
        f'<div class="clustersim"><style>{_STYLE}</style><p><b>{escape(heading)}</b></p>{told}{"".join(markup)}</div>'
    )


def table_html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text, escaped; the first column is what a row is about."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>… and {len(rows) - _MOST_ROWS} more rows</p>" if len(rows) > _MOST_ROWS else ""
    return f'<div class="box"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def records_html(heading: str, sentences: Sequence[str], records: Sequence[Mapping[str, Any]]) -> str:
    """A table of plain records: columns in which at least one row holds something."""
    columns = list(dict.fromkeys(key for each in records for key, value in each.items() if value not in (None, "")))
    rows = [[_cell(each.get(column)) for column in columns] for each in records]
    return fragment(heading, sentences, table_html([column.replace("_", " ") for column in columns], rows))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, float) else str(value)


def result_html(result: Result) -> str:
    """One run: the answer, what bounds it, and its bar."""
    share = result.bounded_by
    sure = result.prediction
    between = ""
    if sure is not None:
        low, high = (format_quantity(value, "time", 4) for value in (sure.low, sure.high))
        between = f" ({low} to {high} with {sure.level:.0%})"
    answer = (
        f"{format_quantity(result.time, 'time', 4)}{between} for {result.gradients:,} gradients, "
        f"{result.throughput:,.0f} samples/s; bound by {part(share[0]).words}, {percent(share[1])} of the critical path"
    )
    facts = [f"{name}: {text}" for name, text in _accounts(result)]
    heading = (
        f"{result.algorithm} · {result.network} · {result.nodes} × {result.system} · {result.workers} workers, "
        f"batch {result.batch_size} each"
    )
    return fragment(heading, [answer, *facts, *_warnings(result)], _bars({result.algorithm: result}))


def _accounts(result: Result) -> list[tuple[str, str]]:
    found = []
    if result.learning is not None and result.learning["final_accuracy"] is not None:
        found.append(("accuracy", percent(result.learning["final_accuracy"])))
    if result.energy is not None:
        found.append(("energy", format_quantity(result.energy, "energy")))
    if result.cost is not None:
        found.append(("cost", format_quantity(result.cost, "money")))
    return found


def _warnings(result: Result) -> list[str]:
    return [f"warning: {each}" for each in result.warnings]


def _bars(runs: Mapping[str, Result]) -> str:
    return breakdown_picture(runs)._repr_html_()


def comparison_html(runs: Mapping[str, Result]) -> str:
    """Runs side by side: a row each, and their bars."""
    if not runs:
        return fragment("no runs", [])
    first = next(iter(runs.values()))
    rows = [
        (
            name,
            f"{each.gradients:,}",
            format_quantity(each.time, "time", 4),
            f"{each.throughput:,.0f}",
            percent(each.communication_ratio),
            part(each.bounded_by[0]).words,
            f"{first.time_per_gradient / each.time_per_gradient:.2f}×",
        )
        for name, each in runs.items()
    ]
    headings = ("run", "gradients", "time", "samples/s", "communication", "bound by", "speed-up")
    best = min(runs, key=lambda name: 1.0 / runs[name].throughput)
    sentence = (
        f"{best} gets through most samples a second. Speed-up: a gradient's time in the first row over this row's."
    )
    return fragment(f"{len(runs)} runs", [sentence], table_html(headings, rows), _bars(runs))


def draws_html(draws: Draws) -> str:
    """How sure an order is: a row a scenario, a line for each pair of neighbours."""
    from simulator.planning.draws import certainty

    standings = draws.ranking()
    rows = [
        (
            each.name,
            format_quantity(each.median, "time", 4),
            f"{format_quantity(each.low, 'time', 4)} to {format_quantity(each.high, 'time', 4)}",
            percent(each.best),
            *(percent(float(stds[draws.place(each.name)])) for stds in draws.spread.values()),
        )
        for each in standings
    ]
    headings = ("run", "median", "90 % of draws", "best in", *(f"± {source}" for source in draws.spread))
    lines = [*certainty([each.name for each in standings], draws), *(f"note: {each}" for each in draws.notes)]
    return fragment(f"{len(draws)} draws of {len(rows)} runs", lines, table_html(headings, rows))
