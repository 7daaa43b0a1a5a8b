"""``clustersim compare``: algorithms and values of keys side by side."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.common import (
    check_plot,
    check_report,
    check_writable,
    console,
    explain_option,
    load,
    made_by,
    progress,
    report_option,
    save_report,
    scenario_options,
    write_json,
)
from simulator.cli.study_options import open_store
from simulator.cli.study_progress import study_progress
from simulator.cli.uncertain import check_comparable, share_of
from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.planning.axes import Point
    from simulator.planning.draws import Draws
    from simulator.result import Result
    from simulator.scenario import Scenario

__all__ = ["compare"]

COMPARISON_SCHEMA = "clustersim/comparison/1"


@click.command()
@scenario_options
@click.option("--algorithms", help="Comma-separated; NAME or NAME:OPTION=VALUE. Default: the scenario's [compare].")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw the breakdown: .svg, .png or .pdf.")
@report_option
@click.option("--until", metavar="accuracy=A", help="Learn until that test accuracy; needs a [learning] table.")
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds, with --until.")
@click.option("--draws", type=click.IntRange(min=2), help="Say how sure the order is, from so many uncertain worlds.")
@click.option("--model-error", metavar="SHARE", help="With --draws: how far off the model may be, such as 5%.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes, with --until or --draws; all cores by default.")
@click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    help="Keep finished runs of --until or --draws here, and resume from it.",
)
@explain_option
@click.option("--vary", multiple=True, metavar="KEY=V1,V2,…", help="Compare over values of a key; may be repeated.")
def compare(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    algorithms: str | None,
    plot_path: Path | None,
    report_path: Path | None,
    until: str | None,
    replicates: int,
    draws: int | None,
    model_error: str | None,
    jobs: int | None,
    store_path: Path | None,
    explain: bool,
    vary: Sequence[str],
) -> None:
    """Simulate SCENARIO once for each algorithm and each varied value, and print the runs side by side."""
    from simulator.report.tables import comparison_table, comparison_title
    from simulator.simulation import Simulation

    check_writable(json_path, store_path)
    check_plot(plot_path)
    check_report(report_path)
    base = load(scenario, assignments, seed, exact)
    if model_error is not None and draws is None:
        raise InputError("--model-error has an effect only with --draws")
    if until is not None:
        if draws is not None:
            raise InputError(
                "--draws is of runs of a given length; with --until, --replicates say how sure the order is"
            )
        if explain:
            raise InputError("--explain has an effect only on runs of a given length, without --until")
        _compare_until(base, algorithms, vary, until, replicates, jobs, store_path, json_path, plot_path, report_path)
        return
    if replicates != 1:
        raise InputError("--replicates has an effect only with --until accuracy=A")
    if draws is None and (jobs is not None or store_path is not None):
        raise InputError("--jobs and --store have an effect only with --until accuracy=A or --draws")
    rows: list[tuple[str, Result]] = []
    # Build all before running any, so that a bad name in the last one is found at once.
    variants = _variants(base, algorithms, vary)
    error = None if model_error is None else share_of(model_error, "--model-error")
    if draws is not None:
        check_comparable(variants, error)
    simulations = [(name, Simulation(variant)) for name, variant in variants]
    total = sum(simulation.steps for _, simulation in simulations)
    done = 0
    with progress(total, "comparing") as show:
        for name, simulation in simulations:
            rows.append((name, simulation.run(lambda step, n=name, d=done: show(n, d + step))))  # type: ignore[misc]
            done += simulation.steps
    title = comparison_title([result for _, result in rows])
    results = [(name, result.to_dict()) for name, result in rows]
    output = console(json_path)
    sure = None if draws is None else _drawn(variants, dict(results), draws, base, error, jobs, store_path)
    output.print(comparison_table(rows, title, output.width))
    if explain:
        from simulator.report.shortcuts import shortcuts_table

        output.print(shortcuts_table(rows))
    if sure is not None:
        from simulator.report.certainty import certainty_view

        output.print(certainty_view(sure))
    if plot_path is not None:
        from simulator.report.plots import breakdown_bars

        breakdown_bars(rows, plot_path, title)
        print(f"plot: {plot_path}", file=sys.stderr)
    if report_path is not None:
        from simulator.report.html.comparison import comparison_report

        save_report(report_path, comparison_report(results, made_by(), sure))
    document = {
        "schema": COMPARISON_SCHEMA,
        "results": [{"name": name, **result} for name, result in results],
        **({} if sure is None else {"certainty": sure.to_dict()}),
    }
    write_json(json_path, document)


def _drawn(
    variants: Sequence[tuple[str, Scenario]],
    results: Mapping[str, Mapping[str, Any]],
    draws: int,
    base: Scenario,
    error: float | None,
    jobs: int | None,
    store_path: Path | None,
) -> Draws:
    """The compared runs in the same uncertain worlds."""
    from simulator.planning.uncertainty import draw_times

    with open_store(store_path) as store, study_progress("runs of draws") as show:
        return draw_times(
            dict(variants),
            draws,
            base.tables.simulation.seed,
            model_error=error,
            results=results,
            store=store,
            jobs=jobs,
            progress=show,
        )


def _compare_until(
    base: Scenario,
    algorithms: str | None,
    vary: Sequence[str],
    until: str,
    replicates: int,
    jobs: int | None,
    store_path: Path | None,
    json_path: str | None,
    plot_path: Path | None,
    report_path: Path | None,
) -> None:
    """Learning runs of every variant under several seeds: time to accuracy with intervals, and the curves."""
    from simulator.planning.replicates import run_replicates, time_to_accuracy
    from simulator.report.learning import accuracy_curves, time_to_accuracy_document, time_to_accuracy_table
    from simulator.scenario import parse_assignment
    from simulator.simulation import Simulation

    key, target = parse_assignment(until)
    if key != "accuracy" or not isinstance(target, float | int) or not 0 < target <= 1:
        raise InputError(f"--until: expected accuracy=A with 0 < A <= 1, such as accuracy=0.95, got {until!r}")
    if base.tables.learning is None:
        raise InputError(f"{base.where}: learning: missing; --until needs a scenario that learns")
    base = base.override({"learning.target_accuracy": float(target)})
    variants = _variants(base, algorithms, vary)
    for _, variant in variants:
        Simulation(variant)  # finds a wrong name in the last one before the first one runs
    with progress(len(variants) * replicates, "learning") as show, open_store(store_path) as store:
        found = run_replicates(variants, replicates, jobs, show, store)
    rows = [time_to_accuracy(name, float(target), results) for name, results in found.items()]
    console(json_path).print(time_to_accuracy_table(rows))
    if plot_path is not None:
        accuracy_curves(rows, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    if report_path is not None:
        from simulator.report.html.learning import time_to_accuracy_report

        save_report(report_path, time_to_accuracy_report(rows, made_by()))
    write_json(json_path, time_to_accuracy_document(rows))


def _variants(base: Scenario, algorithms: str | None, vary: Sequence[str]) -> list[tuple[str, Scenario]]:
    """(label, scenario) for every algorithm and every combination of varied values."""
    from simulator.planning.axes import ALGORITHM, Axis, grid, parse_vary, point_scenario

    names = algorithms.split(",") if algorithms else base.tables.compare.algorithms or [base.tables.algorithm.name]
    axes = [Axis(ALGORITHM, tuple(name.strip() for name in names)), *(parse_vary(text) for text in vary)]
    return [(_label(point), point_scenario(base, point)) for point in grid(axes)]


def _label(point: Point) -> str:
    """The algorithm's name, then the other values with their keys."""
    algorithm, *others = point.items()
    return " ".join([algorithm[1], *(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in others)])
