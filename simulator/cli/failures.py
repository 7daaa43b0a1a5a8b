"""``clustersim failures``: how failures and checkpoints lengthen training."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from simulator.cli.common import check_plot, check_writable, console, load, progress, scenario_options, write_json
from simulator.errors import InputError

__all__ = ["failures"]

FAILURES_SCHEMA = "clustersim/failures/1"


@click.command()
@scenario_options
@click.option(
    "--nodes",
    "nodes_text",
    metavar="N1,N2,…",
    help="Also train the same samples on so many nodes; 1..64: 1, 2, 4, ….",
)
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw the curves: .svg, .png or .pdf.")
def failures(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    nodes_text: str | None,
    plot_path: Path | None,
) -> None:
    """Simulate SCENARIO and print how its time depends on checkpoints, and on the number of nodes that may fail.

    The scenario needs a [reliability] table; --set reliability.restart="10 min" and so on will do.
    """
    from simulator.planning.failures import interval_curve, node_curve, setup_of
    from simulator.report.reliability import failures_document, failures_plot, failures_view
    from simulator.simulation import Simulation

    check_writable(json_path)
    check_plot(plot_path)
    base = load(scenario, assignments, seed, exact)
    setup = setup_of(base)
    counts = [] if nodes_text is None else _counts(nodes_text)
    with progress(100, "failures") as show:
        result = Simulation(base).run()
        intervals = interval_curve(setup, result, lambda what, share: show(what, round(50 * share)))
        points = node_curve(base, counts, result, lambda what, share: show(what, round(50 + 50 * share)))
    console(json_path).print(failures_view(result, intervals, points))
    if plot_path is not None:
        failures_plot(result, intervals, points, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    write_json(json_path, {"schema": FAILURES_SCHEMA, **failures_document(result, intervals, points)})


def _counts(text: str) -> tuple[int, ...]:
    from simulator.planning.node_counts import parse_nodes

    wanted = parse_nodes(text)
    if wanted.smallest:
        raise InputError(f"nodes: {text!r}: nothing is searched here; expected node counts such as 1,2,4 or 1..64")
    return wanted.counts
