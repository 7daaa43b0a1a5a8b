"""``clustersim calibrate``: the model of a system fitted to traces."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import click

from simulator.cli.common import check_plot, check_writable, console, progress, write_json

__all__ = ["calibrate"]


@click.command()
@click.argument("traces", nargs=-1, required=True, metavar="TRACE...", type=click.Path(path_type=Path))
@click.option("--scenario", help="What was run, where the files do not say.")
@click.option("--profile", help="System profile to calibrate; the scenario's by default.")
@click.option(
    "--fit",
    "wanted",
    default="compute,network,overhead,jitter",
    show_default=True,
    metavar="GROUP,…",
    help="What to fit: groups, or names of parameters such as compute.scale.lenet.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Overlay to write: a .toml file.")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw the residuals: .svg, .png or .pdf.")
@click.option("--fit-steps", is_flag=True, help="Fit whole steps as well, by simulation, instead of checking them.")
@click.option("--starts", type=click.IntRange(min=1), default=8, show_default=True, help="Fits from different points.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the points to start from.")
@click.option("--json", "json_path", metavar="FILE", help="Write the calibration as JSON ('-': standard output only).")
def calibrate(
    traces: tuple[Path, ...],
    scenario: str | None,
    profile: str | None,
    wanted: str,
    out: Path,
    plot_path: Path | None,
    fit_steps: bool,
    starts: int,
    seed: int,
    json_path: str | None,
) -> None:
    """Fit the model of a system to TRACEs or tables of measured times, and write what was found as an overlay.

    A TRACE is a file that 'clustersim record' or 'run --trace' wrote, another program's profile, benchmark output or
    table, or a folder with one profile a rank. Scenarios use the overlay with [calibration] overlay = "FILE".
    """
    from simulator.calibration.calibrate import calibrate as fit_parameters
    from simulator.calibration.calibrate import recording
    from simulator.calibration.overlay_text import write_overlay
    from simulator.report.calibration import calibration_document, calibration_view, residual_plot
    from simulator.scenario import Scenario
    from simulator.trace.importers import read_measurements

    check_writable(out, json_path)
    check_plot(plot_path)
    said = None if scenario is None else Scenario.load(scenario)
    recordings = [recording(path, read_measurements(path), said, profile) for path in traces]
    names = [text.strip() for text in wanted.split(",") if text.strip()]
    with progress(len(recordings) + 2, "calibrating") as show:
        done = itertools.count()
        found = fit_parameters(
            recordings,
            names,
            name=out.stem,
            starts=starts,
            seed=seed,
            fit_steps=fit_steps,
            progress=lambda what: show(what, next(done)),
        )
    console(json_path).print(calibration_view(found))
    write_overlay(found.overlay, out)
    print(f"overlay: {out}", file=sys.stderr)
    if plot_path is not None:
        residual_plot(found, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    write_json(json_path, calibration_document(found))
