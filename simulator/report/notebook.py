"""How results show themselves in a notebook: a heading, one sentence, a small table. All text is escaped.

Colours are those of the text around, so that light and dark themes are both served; nothing is loaded from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from simulator.report.html.document import Block, Facts, Figure, Folded, Heading, Notes, Prose, Report, Table, Words
from simulator.report.html.numbers import percent
from simulator.report.html.parts import part
from simulator.report.html.svg import plot_style
from simulator.report.picture import THEME, breakdown_picture
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.planning.draws import Draws
    from simulator.planning.plan import Plan
    from simulator.planning.study import Study
    from simulator.result import Result

__all__ = [
    "comparison_html",
    "draws_html",
    "fragment",
    "plan_html",
    "report_html",
    "result_html",
    "study_html",
    "table_html",
]

_STYLE = (
    ".clustersim table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0.4em 0; }"
    ".clustersim th, .clustersim td { text-align: right; padding: 0.15em 0.7em; white-space: nowrap;"
    " border-bottom: 1px solid #8a8a8a55; }"
    ".clustersim th:first-child, .clustersim td:first-child { text-align: left; padding-left: 0; }"
    ".clustersim .box { overflow-x: auto; max-width: 100%; } .clustersim p { margin: 0.3em 0; max-width: 60em; }"
    ".clustersim summary { font-weight: 600; cursor: pointer; margin: 0.6em 0 0.2em; }"
)
#: Rows and columns of a table that a notebook shows; the rest is told.
_MOST_ROWS = 40


def fragment(heading: str, sentences: Sequence[str], *markup: str) -> str:
    """A piece of HTML: a heading and sentences, which are escaped, and markup, which is not."""
    told = "".join(f"<p>{escape(each)}</p>" for each in sentences if each)
    return (
        f'<div class="clustersim"><style>{_STYLE}</style><p><b>{escape(heading)}</b></p>{told}{"".join(markup)}</div>'
    )


def table_html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text, escaped; the first column is what a row is about."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>… and {len(rows) - _MOST_ROWS} more rows</p>" if len(rows) > _MOST_ROWS else ""
    return f'<div class="box"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def report_html(report: Report, shown: int = 2) -> str:
    """A report as a notebook shows it: the answer, and its sections, of which the first few are unfolded."""
    facts = [f"{label}: {value}" for block in report.blocks if isinstance(block, Facts) for label, value in block.pairs]
    head = "".join(filter(None, map(_block, (each for each in report.blocks if not isinstance(each, Facts)))))
    sections = []
    for number, section in enumerate(report.sections):
        content = "".join(filter(None, map(_block, section.blocks)))
        if content:
            unfolded = " open" if number < shown else ""
            sections.append(f"<details{unfolded}><summary>{escape(section.title)}</summary>{content}</details>")
    style = f"<style>{plot_style()}{THEME}</style>"
    return fragment(report.title, [*report.answer, "; ".join(facts)], style, head, *sections)


def _block(block: Block) -> str:
    """The markup of what a notebook has room for; nothing of timelines and of what is to be copied."""
    if isinstance(block, Table):
        rows = [[cell.text if isinstance(cell, Words) else cell for cell in row] for row in block.rows]
        caption = f"<p>{escape(block.caption)}</p>" if block.caption else ""
        return table_html(block.headings, rows) + caption
    if isinstance(block, Figure):
        return f"{block.picture}<p>{escape(block.caption)}</p>" if block.picture else ""
    if isinstance(block, Notes):
        return "".join(f"<p>{escape(line)}</p>" for line in block.lines)
    if isinstance(block, Prose | Heading):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Facts):
        return "".join(f"<p>{escape(label)}: {escape(value)}</p>" for label, value in block.pairs)
    if isinstance(block, Folded):
        inside = "".join(filter(None, map(_block, block.blocks)))
        return f"<details><summary>{escape(block.summary)}</summary>{inside}</details>"
    return ""


def study_html(study: Study) -> str:
    """A study: what was best, how it scales, every point."""
    from simulator.report.html.study import study_report

    return report_html(study_report(study, {}))


def plan_html(plan: Plan) -> str:
    """A plan: the answer, the ranking, cost against time; the reasons folded."""
    from simulator.report.html.plan import plan_report

    return report_html(plan_report(plan, {}))


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
    spread = {source: stds for source, stds in draws.spread.items() if stds.any()}
    rows = [
        (
            each.name,
            format_quantity(each.median, "time", 4),
            f"{format_quantity(each.low, 'time', 4)} to {format_quantity(each.high, 'time', 4)}",
            percent(each.best),
            *(percent(float(stds[draws.place(each.name)])) for stds in spread.values()),
        )
        for each in standings
    ]
    headings = ("run", "median", "90 % of draws", "best in", *(f"± {source}" for source in spread))
    lines = [*certainty([each.name for each in standings], draws), *(f"note: {each}" for each in draws.notes)]
    return fragment(f"{len(draws)} draws of {len(rows)} runs", lines, table_html(headings, rows))
