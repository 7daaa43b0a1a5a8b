"""``clustersim sensitivity``: what would help a run most, in its hardware and among its own choices."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from simulator.cli.common import check_plot, check_writable, console, load, progress, scenario_options, write_json

__all__ = ["sensitivity"]


@click.command()
@scenario_options
@click.option(
    "--factor",
    type=float,
    default=2.0,
    show_default=True,
    help="How many times as good, and as bad, each part becomes.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Of the short runs that are compared; 3 to 32 by default.")
@click.option("--no-choices", is_flag=True, help="Leave out what the job itself may choose.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; all cores by default.")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw a tornado plot: .svg, .png or .pdf.")
def sensitivity(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    factor: float,
    steps: int | None,
    no_choices: bool,
    jobs: int | None,
    plot_path: Path | None,
) -> None:
    """Tell how the time of SCENARIO answers to each part of its hardware, and to what the job may choose."""
    check_writable(json_path)
    check_plot(plot_path)
    from simulator.planning.sensitivity import describe, sensitivities
    from simulator.report.sensitivity import choices_table, hardware_table, sensitivity_document, tornado

    asked = load(scenario, assignments, seed, exact)
    skipped: list[tuple[str, str]] = []
    with progress(100, "what if") as show:
        rows = sensitivities(
            asked,
            factor,
            steps=steps,
            job=not no_choices,
            jobs=jobs,
            progress=lambda finished, points: show(f"what if: {finished} of {points}", 100 * finished // points),
            skipped=lambda name, reason: skipped.append((name, reason)),
        )
    tables = asked.tables
    title = f"{tables.algorithm.name}, {tables.workload.network} on {tables.cluster.nodes} × {tables.cluster.system}"
    output = console(json_path)
    output.print(hardware_table(rows, factor, f"{title}: what would help"))
    if not no_choices:
        output.print(choices_table(rows))
    output.print(describe(rows), markup=False)
    for name, reason in skipped:
        print(f"left out: {name}: {reason}", file=sys.stderr)
    write_json(json_path, sensitivity_document(rows, tables.model_dump(exclude_none=True), factor, skipped))
    if plot_path is not None:
        tornado(rows, factor, plot_path, title)
        print(f"plot: {plot_path}", file=sys.stderr)
