"""``clustersim profiles``, ``networks``, ``algorithms`` and ``examples``: what there is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.common import console, write_json
from simulator.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["algorithms", "examples", "networks", "profiles"]


@click.command()
@click.argument("name", required=False)
@click.option("--nodes", type=click.IntRange(min=1), default=1, show_default=True, help="Nodes of a system to show.")
@click.option("--draw", type=click.Path(path_type=Path), help="Draw the system to this .svg or .png file.")
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def profiles(name: str | None, nodes: int, draw: Path | None, json_path: str | None) -> None:
    """List hardware profiles, or show one: every number with kind and source, a system with its links and routes."""
    from simulator.report import profiles as views

    output = console(json_path)
    if name is None:
        if draw is not None:
            raise InputError("--draw: expected the NAME of a system profile")
        listing = views.listing()
        output.print(views.listing_view(listing))
        write_json(json_path, listing)
        return
    shown = views.find(name)
    view, document = views.profile_view(shown, nodes)
    output.print(view)
    write_json(json_path, document)
    if draw is not None:
        views.draw_system(shown, nodes, draw)
        print(f"drawing: {draw}", file=sys.stderr)


@click.command()
@click.argument("name", required=False)
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def networks(name: str | None, json_path: str | None) -> None:
    """List the neural networks with their sizes, or show the layers of one."""
    from simulator.report import networks as views

    view: RenderableType
    view, document = views.all_networks() if name is None else views.one_network(name)
    console(json_path).print(view)
    write_json(json_path, document)


@click.command()
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': standard output only).")
def algorithms(json_path: str | None) -> None:
    """List the training algorithms with their options, collectives and sources."""
    from simulator.algorithms import algorithm_names, load_algorithm
    from simulator.report.tables import algorithms_table

    found = [load_algorithm(name) for name in algorithm_names()]
    rows = [
        (a.name, a.title, "\n".join(f"{o.name} = {json.dumps(o.default)}: {o.summary}" for o in a.options), a.source)
        for a in found
    ]
    console(json_path).print(algorithms_table(rows))
    document = [
        {
            "name": a.name,
            "title": a.title,
            "source": a.source,
            "options": {o.name: {"default": o.default, "summary": o.summary} for o in a.options},
            "collectives": dict(a.collectives),
        }
        for a in found
    ]
    write_json(json_path, document)


@click.command()
def examples() -> None:
    """List the bundled scenarios; each name can stand where a scenario file is expected."""
    from simulator.scenario import Scenario, example_names

    for name in example_names():
        tables = Scenario.load(name).tables
        workload, cluster = tables.workload, tables.cluster
        print(f"{name:18} {tables.algorithm.name} of {workload.network} on {cluster.nodes} × {cluster.system}")
