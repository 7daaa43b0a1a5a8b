"""The report of a plan: the answer, the ranking, cost against time, what limits the best, why others will not do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from simulator.planning.pareto import pareto_front
from simulator.planning.wording import duration, energy_words, money
from simulator.report.html.bars import Bar, Piece, stacked_bars
from simulator.report.html.certainty import certainty_blocks
from simulator.report.html.document import (
    Block,
    Facts,
    Figure,
    Folded,
    Heading,
    Prose,
    Repeat,
    Report,
    Section,
    Table,
)
from simulator.report.html.numbers import number, percent
from simulator.report.html.parts import part
from simulator.report.html.plane import Rule
from simulator.report.html.run import breakdown_bar, readable_toml
from simulator.report.html.tradeoff import Choice, tradeoff_figure
from simulator.report.plans import answer, batch_words, global_batches, grouped_reasons, question_words

if TYPE_CHECKING:
    from simulator.planning.configuration import Configuration
    from simulator.planning.limits import Certainty, Limits
    from simulator.planning.plan import Plan
    from simulator.planning.sensitivity import Sensitivity

__all__ = ["plan_report"]

#: Rows of the ranking that are shown openly, bars of a breakdown, and of what would help.
_OPEN_ROWS, _MOST_BARS, _MOST_HELP = 15, 8, 12
#: Savings that are worth a bar.
_LEAST_HELP = 0.001
_UNITS = (("d", 86400.0, 3 * 86400.0), ("h", 3600.0, 3600.0), ("min", 60.0, 60.0), ("s", 1.0, 0.0))


def plan_report(plan: Plan, provenance: Mapping[str, str]) -> Report:
    """The report of a plan; `provenance` as in `simulator.report.html.provenance`."""
    tables = plan.scenario.tables
    sections = [Section("What will do", list(_ranking(plan)))] if plan.ranked else []
    sections += [Section(title, blocks) for title, blocks in _pictures(plan) if blocks]
    if plan.limits is not None and plan.best is not None:
        sections.append(Section(f"What limits {plan.best.name}", list(_limits(plan.best, plan.limits))))
    if plan.certainty is not None:
        sections.append(Section("How sure", _certainty(plan.certainty)))
    if plan.ruled_out:
        sections.append(Section("What will not do", list(_ruled_out(plan))))
    scenarios = [
        ("the scenario that was planned for", readable_toml(tables.model_dump(mode="json", exclude_none=True)))
    ]
    if plan.best is not None:
        best = plan.best.candidate.scenario.tables.model_dump(mode="json", exclude_none=True)
        scenarios.append((f"the best: {plan.best.name}", readable_toml(best)))
    sentence = answer(plan)
    answers = [sentence[:1].upper() + sentence[1:] + ".", question_words(plan)]
    return Report(
        f"A plan for {tables.workload.network}",
        answers,
        [Facts(_asked(plan))],
        sections,
        Repeat(provenance, scenarios, tables.simulation.seed),
    )


def _asked(plan: Plan) -> list[tuple[str, str]]:
    question = plan.question
    facts = [] if question.work is None else [("work", question.work.text)]
    facts += [] if question.deadline is None else [("deadline", duration(question.deadline))]
    facts += [] if question.budget is None else [("budget", money(question.budget))]
    if question.target is not None:
        value = question.target.value
        words = percent(value) if question.target.kind == "accuracy" else number(value, "samples/s")
        facts.append((question.target.kind, words))
    tried = len(plan.ranked) + len(plan.ruled_out)
    simulated = len(plan.ranked) + sum(one.configuration is not None for one in plan.ruled_out)
    facts.append(("least of", question.objective))
    facts.append(("configurations", f"{tried:,} tried, {simulated:,} of them simulated; {len(plan.ranked):,} will do"))
    return facts


# The ranking ----------------------------------------------------------------------------------------------------------


def _ranking(plan: Plan) -> Iterator[Block]:
    caption = "the best first; front: no other is better or equal in time, cost and energy"
    if len(plan.ranked) <= _OPEN_ROWS:
        yield _table(plan, plan.ranked, caption)
    else:
        yield _table(plan, plan.ranked[:_OPEN_ROWS], f"the best {_OPEN_ROWS} of {len(plan.ranked):,}; {caption}")
        yield Folded(f"all {len(plan.ranked):,}", [_table(plan, plan.ranked, caption)])
    assumed = batch_words(plan)
    if assumed:
        yield Prose(assumed)


def _table(plan: Plan, shown: tuple[Configuration, ...], caption: str) -> Table:
    failing = any(one.reliability is not None for one in shown)
    whole = len(global_batches(plan)) > 1
    rows = [
        (
            one.name,
            "front" if plan.on_front(one) else "",
            *([f"{one.global_batch:,}"] if whole else []),
            duration(one.time),
            *([duration(one.training_time)] if failing else []),
            "unknown" if one.cost is None else money(one.cost),
            "unknown" if one.energy is None else energy_words(one.energy),
            f"{one.throughput:,.0f}",
            "" if one.ideal_share is None else percent(one.ideal_share),
            part(one.result["bounded_by"]["part"]).words,
        )
        for one in shown
    ]
    without = ["without failures"] if failing else []
    headings = (
        "configuration",
        "",
        *["global batch"] * whole,
        "time",
        *without,
        "cost",
        "energy",
        "samples/s",
        "scaling",
        "bound by",
    )
    return Table(headings, rows, caption, range(2, len(headings) - 1), {0: "best"})


# Pictures -------------------------------------------------------------------------------------------------------------


def _pictures(plan: Plan) -> Iterator[tuple[str, list[Block]]]:
    tried = [one.configuration for one in plan.ruled_out if one.configuration is not None]
    if len(plan.ranked) + len(tried) > 1:
        yield "Against time", [*_tradeoff(plan, tried, "cost"), *_tradeoff(plan, tried, "energy")]
    if plan.ranked:
        yield "Where the time goes", list(_breakdown(plan))


def _tradeoff(plan: Plan, tried: list[Configuration], what: str) -> list[Block]:
    """Cost [USD] or energy [kWh] against time, systems as series, limits as broken lines."""
    question, unit_of = plan.question, {"cost": "USD", "energy": "kWh"}
    least = min(one.time for one in [*plan.ranked, *tried])
    unit, size, _ = next(row for row in _UNITS if least >= row[2])
    heights = [(one, _height(one, what)) for one in [*plan.ranked, *tried]]
    known = [(one, height) for one, height in heights if height is not None]
    does = [place for place, (one, _) in enumerate(known) if any(one is other for other in plan.ranked)]
    edge = {does[place] for place in pareto_front([(known[place][0].time, known[place][1]) for place in does])}
    choices = []
    for place, (one, height) in enumerate(known):
        told = f"{one.name}: {duration(one.time)}, {number(height, unit_of[what])}"
        will = place in does
        told += "" if will else "; will not do"
        choices.append(
            Choice(one.candidate.system, one.time / size, height, told, plan.on_front(one), place in edge, not will)
        )
    unknown = len(heights) - len(known)
    rules = [] if question.deadline is None else [Rule(question.deadline / size, "deadline", upright=True)]
    rules += [Rule(question.budget, "budget")] if question.budget is not None and what == "cost" else []
    axis = f"{what} [{unit_of[what]}]"
    label = f"{what} against time, a point a configuration"
    picture = tradeoff_figure(choices, f"time [{unit}]", axis, label, rules, hollow="will not do")
    words = "Better is further left and further down; the front is of time, cost and energy together."
    words += f" {unknown} are not shown: their {what} is unknown." if unknown else ""
    return [Figure(picture, words)] if picture else []


def _height(one: Configuration, what: str) -> float | None:
    if what == "cost":
        return one.cost
    return None if one.energy is None else one.energy / 3.6e6


def _breakdown(plan: Plan) -> Iterator[Block]:
    bars = [
        breakdown_bar(
            one.name,
            one.result["breakdown_s"],
            100.0 / one.result["time_s"],
            f"{percent(one.result['communication_ratio'])} communication",
        )
        for one in plan.ranked[:_MOST_BARS]
    ]
    label = "shares of the critical path, a bar a configuration"
    picture = stacked_bars(bars, "share of the time [%]", label, lambda value: percent(value / 100))
    words = "Shares of the critical path" + (f" of the best {len(bars)}." if len(bars) < len(plan.ranked) else ".")
    yield Figure(picture, words)


# What limits it, how sure, what else ----------------------------------------------------------------------------------


def _limits(best: Configuration, limits: Limits) -> Iterator[Block]:
    shares = ", ".join(f"{part(name).words} {percent(share)}" for name, share in limits.breakdown.items())
    facts = [("critical path", shares)]
    if best.ideal_share is not None:
        facts.append(("arithmetic alone", f"perfectly shared out, {percent(best.ideal_share)} of the time"))
    if limits.sentences:
        facts.append(("what would help", limits.sentences))
    yield Facts(facts)
    helping = sorted((one for one in limits.sensitivities if one.saving > _LEAST_HELP), key=lambda one: -one.saving)
    bars = [_help(one) for one in helping[:_MOST_HELP]]
    picture = stacked_bars(bars, "time saved [%]", "what would save time", lambda value: percent(value / 100))
    yield Figure(picture, "What each change would save by itself.")


def _help(one: Sensitivity) -> Bar:
    if one.kind == "choice":
        return Bar(one.title, [Piece("another choice of the job", "c1", 1, 100 * one.saving)])
    return Bar(one.title, [Piece("a better machine", "c0", 0, 100 * one.saving)], f"× {one.value:g}")


def _certainty(sure: Certainty) -> list[Block]:
    return certainty_blocks(sure.draws, sure.lines, sure.kept)


def _ruled_out(plan: Plan) -> Iterator[Block]:
    for heading, entries in grouped_reasons(plan.ruled_out):
        yield Heading(heading)
        yield Table(("configurations", "why"), entries)
    bounds = sum(one.by == "bound" for one in plan.ruled_out)
    if bounds:
        yield Prose(f"{bounds} were ruled out by a bound that arithmetic alone sets, without a simulation.")
