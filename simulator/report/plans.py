"""Plans in the terminal: the answer in a sentence, the ranking, why others will not do, what limits the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.planning.ruled_out import REASONS, RuledOut
from simulator.planning.wording import deadline_words, duration, energy_words, money
from simulator.report.tables import percent

if TYPE_CHECKING:
    from simulator.planning.configuration import Configuration
    from simulator.planning.plan import Plan

__all__ = ["answer", "batch_words", "global_batches", "grouped_reasons", "plan_view", "question_words"]

#: Rows of the ranking that people read, and examples of each reason.
_MOST_ROWS = 30


def plan_view(plan: Plan, width: int = 150) -> RenderableType:
    """Everything of a plan that fits a screen."""
    parts: list[RenderableType] = [Text(answer(plan), style="bold"), Text(question_words(plan), style="dim")]
    if plan.ranked:
        parts += [Text(""), _ranking(plan, width)]
        assumed = batch_words(plan)
        parts += [Text(assumed, style="yellow")] if assumed else []
    if plan.ruled_out:
        parts += [Text(""), Text("will not do", style="bold"), *_reasons(plan)]
    if plan.limits is not None and plan.best is not None:
        limits = plan.limits
        parts += [Text(""), Text(f"what limits {plan.best.name}", style="bold")]
        shares = ", ".join(f"{part.replace('_', ' ')} {percent(share)}" for part, share in limits.breakdown.items())
        parts.append(Text(f"critical path: {shares}"))
        if plan.best.ideal_share is not None:
            text = f"arithmetic alone, perfectly shared out, would take {percent(plan.best.ideal_share)} of its time"
            parts.append(Text(text))
        parts.append(Text(limits.sentences or "--sensitivity tells what would help most"))
    if plan.certainty is not None:
        parts += [Text(""), Text(f"how sure, in {len(plan.certainty.draws)} draws", style="bold")]
        parts += [Text(line) for line in plan.certainty.lines]
        parts += [
            Text(f"{name} keeps {_limits_words(plan)} in {share:.0%} of the draws")
            for name, share in plan.certainty.kept.items()
        ]
        parts += [Text(f"note: {note}", style="yellow") for note in plan.certainty.draws.notes]
    return Group(*parts)


def answer(plan: Plan) -> str:
    """The answer in a sentence: ``"4 × dgx-h100 with ddp-msgd, batch 64: 9.1 h, 1,780 USD; …"``."""
    best = plan.best
    if best is None:
        return f"nothing that was tried will do: {_nearest(plan)}"
    superlative = {"time": "the fastest", "cost": "the cheapest", "energy": "the one with least energy"}
    others = len(plan.ranked)
    what = superlative[plan.question.objective]
    asked = _limits_words(plan)
    if others > 1:
        chosen = f"{what} of {others}" + (f" that keep {asked}" if asked else "")
    else:
        chosen = f"the only one that keeps {asked}" if asked else "nothing else was feasible"
    figures = [duration(best.time)]
    figures += [] if best.cost is None else [money(best.cost)]
    figures += [] if best.energy is None else [energy_words(best.energy)]
    return f"{_title(best)}: {', '.join(figures)}; {chosen}"


def question_words(plan: Plan) -> str:
    """What was asked, and how it was found out, in a line."""
    question = plan.question
    tables = plan.scenario.tables
    what = f"training {tables.workload.network}"
    if question.work is not None:
        what += f": {question.work.text}"
        batches = global_batches(plan)
        what += f"; {batches[0]:,} samples a step" if len(batches) == 1 else ""
        if any(one.simulated_steps < one.steps for one in plan.ranked):
            what += "; times are those of a settled step, times the steps of the work"
    elif question.target is not None:
        what += f" until {question.target.value:.1%} accuracy; every run was simulated until then"
    return what


def global_batches(plan: Plan) -> list[int]:
    """The samples a step of all workers together that what will do has, each once, ascending."""
    return sorted({one.global_batch for one in plan.ranked})


def batch_words(plan: Plan) -> str:
    """What is taken for granted of the global batches that are compared; empty where nothing is."""
    batches = global_batches(plan)
    if plan.question.until_accuracy or len(batches) < 2:
        return ""
    return (
        f"Global batches (workers × batch) go from {batches[0]:,} to {batches[-1]:,} samples a step, and as many "
        "epochs are assumed to do at all of them. Large ones may need more: --global-batch N compares at one, and "
        "--target accuracy=A, for scenarios that learn, trains until then."
    )


def grouped_reasons(ruled_out: Sequence[RuledOut]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(heading, [(configurations, reason in words)]) by reason, node counts of the same cluster and reason together."""
    groups = []
    for kind, heading in REASONS.items():
        members = [one for one in ruled_out if one.kind == kind]
        lines: dict[tuple[str, str], list[str]] = {}
        for system, rest, same in _families(members):
            counts = ", ".join(str(one.candidate.nodes) for one in same)
            lines.setdefault((f"{counts} × {system}", _best_case(same)), []).append(rest)
        if lines:
            groups.append((heading, [(f"{where}: {_listed(rests)}", why) for (where, why), rests in lines.items()]))
    return groups


def _families(members: Sequence[RuledOut]) -> list[tuple[str, str, list[RuledOut]]]:
    """(system, algorithm and batch, members in the order of their nodes), each with one reason for all where it has
    nothing to do with the nodes."""
    found: dict[tuple[str, str, str], list[RuledOut]] = {}
    for one in members:
        batch = one.candidate.batch_size
        rest = one.candidate.algorithm + ("" if batch is None else f", batch {batch}")
        reason = one.reason if one.kind in ("memory", "precision", "price", "setup", "failed", "failures") else ""
        found.setdefault((one.candidate.system, rest, reason), []).append(one)
    return [
        (system, rest, sorted(same, key=lambda one: one.candidate.nodes)) for (system, rest, _), same in found.items()
    ]


def _listed(rests: Sequence[str]) -> str:
    """Algorithms with their batch, which is told once where it is the same."""
    batches = {rest.partition(", ")[2] for rest in rests}
    if len(rests) == 1 or len(batches) > 1:
        return "; ".join(rests)
    names = ", ".join(rest.partition(", ")[0] for rest in rests)
    return f"{names}{', ' + batches.pop() if batches != {''} else ''}"


def _best_case(same: Sequence[RuledOut]) -> str:
    """The reason of the one that came nearest to what was asked for."""
    kind, nearest = same[0].kind, same[0]
    if kind in ("deadline", "throughput", "accuracy"):
        nearest = same[-1]
    elif kind == "budget":
        nearest = min(same, key=lambda one: one.configuration.cost or 0.0 if one.configuration else 0.0)
    several = kind in ("deadline", "throughput", "accuracy", "budget", "nodes", "batch") and len(same) > 1
    bound = ", by arithmetic alone" if nearest.by == "bound" else ""
    return f"{f'with {nearest.candidate.nodes}: ' if several else ''}{nearest.reason}{bound}"


def _reasons(plan: Plan) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for heading, entries in grouped_reasons(plan.ruled_out):
        lines.append(Text(f"{heading}:"))
        grid = Table.grid(padding=(0, 2))
        for configurations, reason in entries:
            grid.add_row(Text(f"  {configurations}"), Text(reason))
        lines.append(grid)
    return lines


def _ranking(plan: Plan, width: int) -> Table:
    shown = list(plan.ranked[:_MOST_ROWS])
    shown += [one for one in plan.ranked[_MOST_ROWS:] if plan.on_front(one)]
    table = Table(title=f"{len(plan.ranked):,} that will do", title_justify="left", caption_justify="left")
    caption = "* = on the Pareto front: nothing else is better or equal in time, cost and energy"
    if len(shown) < len(plan.ranked):
        caption += f"; {len(plan.ranked) - len(shown):,} more with --json"
    table.caption = caption
    failing = any(one.reliability is not None for one in shown)
    batches = len({one.candidate.batch_size for one in plan.ranked}) > 1
    whole = len(global_batches(plan)) > 1 and width >= 100
    table.add_column("", no_wrap=True)
    for heading in ("nodes", "system", "algorithm", *["batch"] * batches, *["global\nbatch"] * whole):
        table.add_column(heading, justify="left" if heading in ("system", "algorithm") else "right", no_wrap=True)
    numbers = ["time", *["without\nfailures"] * failing, "cost", "energy", "samples/s", "scaling", "comm"]
    for heading in numbers if width >= 100 else numbers[:-3]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    for one in shown:
        cells = [duration(one.time), *[duration(one.training_time)] * failing]
        cells += ["?" if one.cost is None else money(one.cost), "?" if one.energy is None else energy_words(one.energy)]
        if width >= 100:
            scaling = "" if one.ideal_share is None else percent(one.ideal_share)
            cells += [f"{one.throughput:,.0f}", scaling, percent(one.result["communication_ratio"])]
        table.add_row(
            "*" if plan.on_front(one) else "",
            str(one.nodes),
            escape(one.candidate.system),
            escape(one.candidate.algorithm),
            *[f"{one.candidate.batch_size:,}" if one.candidate.batch_size else ""] * batches,
            *[f"{one.global_batch:,}"] * whole,
            *cells,
            one.result["bounded_by"]["part"].replace("_", " "),
        )
    if width >= 100:
        table.caption += "; scaling = time of the arithmetic alone over the time"
    return table


def _title(one: Configuration) -> str:
    candidate = one.candidate
    return f"{one.nodes} × {candidate.system} with {candidate.algorithm}, batch {candidate.batch_size} a worker"


def _limits_words(plan: Plan) -> str:
    """The limits that were asked for: ``"12 h and 2,000 USD"``."""
    question = plan.question
    parts = [] if question.deadline is None else [duration(question.deadline)]
    parts += [] if question.budget is None else [f"{question.budget:,.12g} USD"]
    wanted = question.least_throughput
    parts += [] if wanted is None else [f"{wanted:,.12g} samples/s"]
    return " and ".join(parts)


def _nearest(plan: Plan) -> str:
    """What came nearest to the limits, or the reasons in a few words."""
    late = [one for one in plan.ruled_out if one.kind == "deadline" and one.configuration is not None]
    if late:
        nearest = min(late, key=lambda one: one.configuration.time if one.configuration else 0.0)
        assert nearest.configuration is not None
        assert plan.question.deadline is not None
        words = deadline_words(nearest.configuration.time, plan.question.deadline)
        return f"the fastest, {nearest.candidate.name}, takes {words}"
    counted = {heading: sum(one.kind == kind for one in plan.ruled_out) for kind, heading in REASONS.items()}
    return ", ".join(f"{count} {heading}" for heading, count in counted.items() if count)
