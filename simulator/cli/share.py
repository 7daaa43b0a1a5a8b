"""``clustersim share``: several jobs at once on one machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.common import check_plot, check_writable, console, progress, write_json
from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["share"]


@click.command()
@click.argument("scenarios", nargs=-1, required=True)
@click.option(
    "--placement",
    type=click.Choice(["packed", "interleaved", "random", "colocated"]),
    default="packed",
    show_default=True,
    help="Which nodes: one job after the other, dealt out in turn, drawn; or the same, divided by accelerators.",
)
@click.option("--machine-nodes", type=click.IntRange(min=1), help="Nodes that a random placement chooses from.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="[N:]KEY=VALUE",
    help="Override a key of every scenario, or of the N-th alone: 2:cluster.nodes=8.",
)
@click.option("--start", "starts", multiple=True, metavar="N=SECONDS", help="Let the N-th job start later.")
@click.option("--repeat", is_flag=True, help="Jobs that have ended start again, until each has ended once.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="The N-th job gets the N-th seed from here on; also of random."
)
@click.option("--exact", is_flag=True, help="Simulate every step of the runs alone, too.")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON ('-': standard output only).")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Draw times alone and shared.")
@click.option("--trace", "trace_path", type=click.Path(path_type=Path), help="Write one Chrome/Perfetto trace of all.")
def share(
    scenarios: Sequence[str],
    placement: str,
    machine_nodes: int | None,
    assignments: Sequence[str],
    starts: Sequence[str],
    repeat: bool,
    seed: int | None,
    exact: bool,
    json_path: str | None,
    plot_path: Path | None,
    trace_path: Path | None,
) -> None:
    """Simulate SCENARIOS alone and at once on one machine: how much each slows the others down, and on which links."""
    from simulator.report.sharing import sharing_bars, sharing_view
    from simulator.sharing.share import share as simulate_sharing

    check_writable(json_path, trace_path)
    check_plot(plot_path)
    if machine_nodes is not None and placement != "random":
        raise InputError("--machine-nodes has an effect only with --placement random")
    jobs = _jobs(scenarios, assignments, seed, exact)
    total = sum(job.tables.workload.steps or 0 for job in jobs)
    steps: dict[str, int] = {}
    with progress(total or len(jobs), "alone") as show:

        def report(name: str, step: int) -> None:
            steps[name] = step
            show("together", sum(steps.values()))

        sharing = simulate_sharing(
            jobs,
            placement,  # type: ignore[arg-type]
            machine_nodes=machine_nodes,
            seed=seed or 0,
            starts=_starts(starts, len(jobs)),
            repeat=repeat,
            progress=report,
        )
    output = console(json_path)
    output.print(sharing_view(sharing))
    if plot_path is not None:
        sharing_bars(sharing, plot_path)
        print(f"plot: {plot_path}", file=sys.stderr)
    write_json(json_path, sharing.to_dict())
    if trace_path is not None:
        from simulator.trace.chrome import write_trace

        write_trace(sharing.trace, trace_path)
        print(f"trace: {trace_path} (open it at https://ui.perfetto.dev)", file=sys.stderr)


def _jobs(scenarios: Sequence[str], assignments: Sequence[str], seed: int | None, exact: bool) -> list[Scenario]:
    """The scenarios with what was set for all of them, and then for each."""
    from simulator.scenario import Scenario, parse_assignment

    if len(scenarios) < 2:
        raise InputError("SCENARIOS: expected two or more; the same one may be given twice")
    changes: list[dict[str, object]] = [{} for _ in scenarios]
    for whose in (None, *range(len(scenarios))):
        for text in assignments:
            number, rest = _numbered(text, len(scenarios))
            if number == whose:
                key, value = parse_assignment(rest)
                for place in range(len(scenarios)) if number is None else (number,):
                    changes[place][key] = value
    for place, own in enumerate(changes):
        if seed is not None:
            own.setdefault("simulation.seed", seed + place)
        if exact:
            own["simulation.exact"] = True
    return [Scenario.load(name, own) for name, own in zip(scenarios, changes, strict=True)]


def _numbered(text: str, count: int) -> tuple[int | None, str]:
    """``"2:cluster.nodes=8"`` as (1, "cluster.nodes=8"); None where no job is named."""
    head, colon, rest = text.partition(":")
    if not colon or not head.strip().isdigit():
        return None, text
    if not 1 <= int(head) <= count:
        raise InputError(f"--set {text}: there is no scenario {int(head)}; expected 1 to {count}")
    return int(head) - 1, rest


def _starts(texts: Sequence[str], count: int) -> list[float]:
    from simulator.sharing.tables import LATEST_START

    starts = [0.0] * count
    for text in texts:
        number, _, value = text.partition("=")
        try:
            place, start = int(number), float(value)
        except ValueError:
            place, start = 0, -1.0
        if not 1 <= place <= count or not 0.0 <= start <= LATEST_START:
            raise InputError(
                f"--start {text}: expected N=SECONDS with N from 1 to {count} and at most {LATEST_START:g} seconds, "
                f"such as 2=0.5"
            )
        starts[place - 1] = start
    return starts
