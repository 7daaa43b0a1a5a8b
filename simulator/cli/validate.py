"""``clustersim validate``: predictions against measurements."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from simulator.cli.common import check_writable, console, progress, write_json

__all__ = ["validate"]


@click.command()
@click.argument(
    "part", type=click.Choice(["paper", "deepbench", "published", "plans", "memory", "training", "peers", "all"])
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Folder with the raw measurements, or a clone of DeepBench; by default each part looks by itself.",
)
@click.option("--report", "report_path", type=click.Path(path_type=Path), help="Write a report: .html or .md.")
@click.option("--json", "json_path", metavar="FILE", help="Write the findings as JSON ('-': standard output only).")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Parts run side by side.")
@click.option("--all-rows", is_flag=True, help="Print every row; by default the worst of each table.")
def validate(
    part: str, reference: Path | None, report_path: Path | None, json_path: str | None, jobs: int, all_rows: bool
) -> int:
    """Compare predictions with measurements; exit 1 if an error is beyond what is allowed, 2 if PART cannot be run."""
    from simulator.report.html.provenance import provenance
    from validation.command import validate as run_validation
    from validation.rendering.document import document
    from validation.rendering.terminal import part_view
    from validation.report import check_report, write_report

    check_writable(json_path, report_path)
    if report_path is not None:
        check_report(report_path)
    with progress(1000, f"validating {part}") as show:
        validation = run_validation(part, reference, jobs, lambda what, share: show(what, int(1000 * share)))
    made_by = provenance(["clustersim", "validate", part, *(["--reference", str(reference)] if reference else [])])
    output = console(json_path)
    for findings in validation.findings:
        output.print(part_view(findings, all_rows))
    if report_path is not None:
        for path in write_report(validation.findings, report_path, made_by):
            print(f"report: {path}", file=sys.stderr)
    write_json(json_path, document(validation.findings, made_by))
    return validation.exit_code
