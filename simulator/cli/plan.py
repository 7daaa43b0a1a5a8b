"""``clustersim plan``: which cluster, how big, with which algorithm, by when and for how much."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

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
from simulator.cli.study_options import open_store, study_options, study_store
from simulator.cli.study_progress import study_progress
from simulator.cli.uncertain import share_of
from simulator.errors import InputError

__all__ = ["plan"]


@click.command()
@scenario_options
@click.option("--systems", metavar="A,B,…", help="System profiles to try; the scenario's own by default.")
@click.option(
    "--nodes",
    metavar="COUNTS",
    help="Such as 4,8 or 1..64 (powers of two; the default), 1..64:all, 1..64:smallest (the fewest that will do).",
)
@click.option("--algorithms", metavar="A,B:OPTION=V,…", help="To try; the scenario's [compare], or its own by default.")
@click.option("--batch-sizes", metavar="N,M,…", help="Samples a worker and step to try; the scenario's by default.")
@click.option("--global-batch", type=click.IntRange(min=1), help="Samples of all workers a step, divided among them.")
@click.option("--work", metavar="epochs=N", help="What is to be done, or samples=N; the scenario's own by default.")
@click.option("--target", metavar="KEY=VALUE", help="throughput=N samples/s at least; accuracy=A to train until then.")
@click.option("--deadline", metavar="TIME", help="The longest that will do, such as 12h or 3d.")
@click.option("--budget", metavar="USD", help="The most that will do.")
@click.option("--price", "prices", multiple=True, metavar="SYSTEM=USD/h", help="Of a node-hour, over the profile's.")
@click.option(
    "--objective",
    metavar="WHAT",
    help="What the best has least of: time, cost or energy. Cost by default if there is a deadline, else time.",
)
@click.option(
    "--sensitivity/--no-sensitivity",
    default=None,
    help="Find what would help the best one most, or do not. Found by default for up to 64 workers.",
)
@click.option("--draws", type=click.IntRange(min=2), help="Say how sure the order is, from so many uncertain worlds.")
@click.option("--model-error", metavar="SHARE", help="With --draws: how far off the model may be, such as 5%.")
@study_options("runs")
@click.option(
    "--plot", "plot_path", type=click.Path(path_type=Path), help="Draw cost against time: .svg, .png or .pdf."
)
@report_option
def plan(
    scenario: str,
    assignments: Sequence[str],
    seed: int | None,
    exact: bool,
    json_path: str | None,
    systems: str | None,
    nodes: str | None,
    algorithms: str | None,
    batch_sizes: str | None,
    global_batch: int | None,
    work: str | None,
    target: str | None,
    deadline: str | None,
    budget: str | None,
    prices: Sequence[str],
    objective: str | None,
    sensitivity: bool | None,
    draws: int | None,
    model_error: str | None,
    out: Path | None,
    jobs: int | None,
    dask: str | None,
    plot_path: Path | None,
    report_path: Path | None,
) -> None:
    """Find the configurations that do SCENARIO's work in time and budget, the best first.

    Systems, node counts, algorithms and batches are combined. What cannot be, or misses the limits even with perfect
    scaling, is ruled out at once; all else is simulated for a few steps, which are scaled up to the work.
    """
    from simulator.planning.plan import plan as make_plan
    from simulator.report.plans import plan_view

    if model_error is not None and draws is None:
        raise InputError("--model-error has an effect only with --draws")
    kept = study_store(out, jobs, dask)
    check_writable(json_path, plot_path, report_path, kept)
    check_plot(plot_path)
    check_report(report_path)
    base = load(scenario, assignments, seed, exact)
    with open_store(kept) as store, study_progress("runs") as show:
        made = make_plan(
            base,
            None if systems is None else systems.split(","),
            nodes,
            None if algorithms is None else algorithms.split(","),
            batch_sizes=None if batch_sizes is None else _numbers(batch_sizes),
            global_batch=global_batch,
            work=work,
            deadline=deadline,
            budget=budget,
            objective=objective,
            target=target,
            prices=_prices(prices),
            sensitivity=sensitivity,
            draws=draws,
            model_error=None if model_error is None else share_of(model_error, "--model-error"),
            store=store,
            jobs=jobs,
            dask=dask,
            progress=show,
        )
    output = console(json_path)
    output.print(plan_view(made, output.width))
    if plot_path is not None:
        from simulator.report.plan_plots import plan_plot

        plan_plot(made, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    if report_path is not None:
        from simulator.report.html.plan import plan_report

        save_report(report_path, plan_report(made, made_by()))
    write_json(json_path, made.to_dict())


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not part.isdigit():
            raise InputError(f"--batch-sizes: expected whole numbers such as 32,64, got {text!r}")
    return [int(part) for part in parts]


def _prices(texts: Sequence[str]) -> dict[str, str]:
    """The price of each system, which is said once."""
    found: dict[str, str] = {}
    for system, price in map(_price, texts):
        if system in found:
            raise InputError(f"--price: {system} is there twice")
        found[system] = price
    return found


def _price(text: str) -> tuple[str, str]:
    """``"dgx-h100=98.32"``, in USD an hour unless it says otherwise."""
    system, separator, price = (part.strip() for part in text.partition("="))
    if not separator or not system or not price:
        raise InputError(f"--price: expected SYSTEM=USD/h such as dgx-h100=98.32, got {text!r}")
    return system, price if "/" in price else f"{price} USD/h"
