"""``clustersim sweep``: a scenario at many points, stored as they finish."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.common import (
    check_plot,
    check_report,
    check_writable,
    console,
    load,
    made_by,
    report_option,
    save_report,
    scenario_options,
    write_json,
)
from simulator.cli.study_options import study_options, study_store
from simulator.cli.study_progress import study_progress, summary
from simulator.errors import InputError, RunError

if TYPE_CHECKING:
    from simulator.planning.axes import Point
    from simulator.planning.study import Study

__all__ = ["sweep"]


@click.command()
@scenario_options
@click.option(
    "--vary",
    multiple=True,
    required=True,
    metavar="KEY=V1,V2,…",
    help="What to vary: values, or a range such as 1..64, 1..64*2, 0.0..0.3+0.1. May be repeated.",
)
@click.option(
    "--zip", "tied", multiple=True, metavar="KEY,KEY", help="Varied keys that go together, not in every combination."
)
@click.option(
    "--sample",
    "samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="N points of a Latin hypercube over the varied keys; 1..64 then means numbers between, 1..64:log evenly in "
    "the logarithm.",
)
@click.option("--sample-seed", type=click.IntRange(min=0), help="Of the hypercube; 0 by default.")
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds of each point.")
@study_options("points")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write a row for each point as CSV.")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw what was varied: .svg, .png or .pdf.")
@report_option
def sweep(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    vary: Sequence[str],
    tied: Sequence[str],
    samples: int | None,
    sample_seed: int | None,
    replicates: int,
    out: Path | None,
    jobs: int | None,
    dask: str | None,
    csv_path: Path | None,
    plot_path: Path | None,
    report_path: Path | None,
) -> None:
    """Simulate SCENARIO at many points: every combination of the varied values, or a sample of them.

    Points run on all cores or on a Dask cluster. With --out each is stored as it finishes and never simulated again,
    so the same command goes on with a study that was killed.
    """
    from simulator.planning.sweep import sweep as run_sweep
    from simulator.report.studies import study_view

    store = study_store(out, jobs, dask)
    check_writable(json_path, csv_path, plot_path, report_path, store)
    check_plot(plot_path)
    check_report(report_path)
    base = load(scenario, assignments, seed, exact)
    groups = [[key.strip() for key in text.split(",")] for text in tied]
    points = _points(vary, groups, samples, sample_seed)
    _refuse_set_keys(assignments, seed, points[0])
    with study_progress() as show:
        study = run_sweep(
            base,
            points=points,
            tied=groups,
            replicates=replicates,
            store=store,
            jobs=jobs,
            dask=dask,
            progress=show,
        )
    print(summary(study.progress), file=sys.stderr)
    output = console(json_path)
    output.print(study_view(study, output.width))
    if plot_path is not None:
        from simulator.report.study_plots import study_plot

        study_plot(study, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    if report_path is not None:
        from simulator.report.html.study import study_report

        save_report(report_path, study_report(study, made_by()))
    if csv_path is not None:
        _write_csv(csv_path, study)
    write_json(json_path, study.to_dict())
    if all(row.status == "failed" for row in study.table):
        raise RunError("every point failed: there is no result")


def _points(
    vary: Sequence[str], tied: Sequence[Sequence[str]], samples: int | None, sample_seed: int | None
) -> list[Point]:
    from simulator.planning.axes import grid, latin_hypercube, parse_vary

    axes = [parse_vary(text, sampled=samples is not None) for text in vary]
    if samples is None:
        if sample_seed is not None:
            raise InputError("--sample-seed has an effect only with --sample N")
        return grid(axes, tied)
    if tied:
        raise InputError("--zip and --sample exclude one another: a sample varies every key by itself")
    return latin_hypercube(axes, samples, sample_seed or 0)


def _refuse_set_keys(assignments: Sequence[str], seed: int | None, point: Point) -> None:
    """A key that is set and varied would have two values."""
    from simulator.scenario import parse_assignment

    for key in [parse_assignment(text)[0] for text in assignments] + ["simulation.seed"] * (seed is not None):
        if key in point:
            raise InputError(f"{key}: is set and varied; expected one of them")


def _write_csv(path: Path, study: Study) -> None:
    rows: list[dict[str, Any]] = study.rows()
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
