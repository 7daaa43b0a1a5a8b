"""``clustersim run``: one scenario."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from simulator.cli.common import (
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

__all__ = ["run"]


@click.command()
@scenario_options
@click.option("--trace", "trace_path", type=click.Path(path_type=Path), help="Write a Chrome/Perfetto trace.")
@report_option
@explain_option
@click.option("--no-interval", is_flag=True, help="Leave out how sure the time is that rests on a calibration.")
def run(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    trace_path: Path | None,
    report_path: Path | None,
    explain: bool,
    no_interval: bool,
) -> None:
    """Simulate SCENARIO and print how long it takes, what bounds it and where the time goes."""
    from simulator.report.tables import result_view
    from simulator.simulation import Simulation

    check_writable(json_path, trace_path)
    check_report(report_path)
    simulation = Simulation(load(scenario, assignments, seed, exact))
    with progress(simulation.steps, simulation.algorithm.name) as show:
        result = simulation.run(lambda step: show(simulation.algorithm.name, step))
        if not no_interval:
            from simulator.calibration.interval import with_interval

            result = with_interval(result, simulation.scenario, lambda name: show(f"how sure: {name}", 0))
    output = console(json_path)
    output.print(result_view(result))
    if explain:
        from simulator.report.shortcuts import shortcuts_table

        output.print(shortcuts_table([("", result)]))
    write_json(json_path, result.to_dict())
    if trace_path is not None:
        from simulator.trace.chrome import write_trace

        write_trace(result.trace, trace_path)
        print(f"trace: {trace_path} (open it at https://ui.perfetto.dev)", file=sys.stderr)
    if report_path is not None:
        from simulator.report.html.run import run_report

        save_report(report_path, run_report(result, made_by()))
