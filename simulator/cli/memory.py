"""``clustersim memory``: what a scenario's ranks hold, and whether that fits."""

from __future__ import annotations

from collections.abc import Sequence

import click

from simulator.cli.common import check_writable, console, load, write_json
from simulator.errors import InputError

__all__ = ["memory"]


@click.command()
@click.argument("scenario")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key of the scenario.")
@click.option("--systems", metavar="NAMES", help="Systems side by side, in place of the scenario's: a,b,c.")
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def memory(scenario: str, assignments: Sequence[str], systems: str | None, json_path: str | None) -> None:
    """Show what SCENARIO needs on each device, part by part, the largest batch that fits, and what would let more fit.

    Nothing is simulated, and what does not fit is shown, too.
    """
    from simulator.memory_plan import memory_of, remedies
    from simulator.report.memory import memory_document, memory_view

    check_writable(json_path)
    base = load(scenario, assignments, None, exact=False)
    names = [base.tables.cluster.system] if systems is None else [name.strip() for name in systems.split(",")]
    if not all(names):
        raise InputError(f"--systems {systems!r}: expected names with commas between them")
    chosen = [(name, base.override({"cluster.system": name})) for name in names]
    rows = [(name, memory_of(changed), remedies(changed)) for name, changed in chosen]
    console(json_path).print(memory_view(rows))
    write_json(json_path, memory_document(rows))
