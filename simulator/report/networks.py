"""The networks as tables and JSON: all of them, or one layer by layer."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.units import format_quantity
from simulator.workload import load_network, network_names

__all__ = ["all_networks", "one_network"]

SCHEMA = "clustersim/networks/1"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _facts(name: str) -> dict[str, Any]:
    network = load_network(name)
    return {
        "name": network.name,
        "title": network.title,
        "input_shape": list(network.input_shape),
        "layers": len(network.layers),
        "parameters": network.parameters,
        "parameter_bytes": network.parameter_bytes(),
        "forward_flops": network.forward_flops,
        "source": network.source,
    }


def all_networks() -> tuple[RenderableType, dict[str, Any]]:
    """Every network, one a row."""
    rows = [_facts(name) for name in network_names()]
    table = Table()
    for heading in ("network", "title", "input"):
        table.add_column(heading)
    for heading in ("layers", "parameters", "fp32 weights", "forward a sample"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row["name"],
            row["title"],
            _shape(tuple(row["input_shape"])),
            str(row["layers"]),
            f"{row['parameters']:,}",
            format_quantity(row["parameter_bytes"], "size"),
            format_quantity(row["forward_flops"], "operations"),
        )
    return table, {"schema": SCHEMA, "networks": rows}


def one_network(name: str) -> tuple[RenderableType, dict[str, Any]]:
    """One network's layers with shapes, parameters and operations."""
    network = load_network(name)
    table = Table()
    for heading in ("layer", "kind", "output"):
        table.add_column(heading)
    for heading in ("parameters", "forward a sample"):
        table.add_column(heading, justify="right")
    rows = network.summary()
    for row in rows:
        flops = format_quantity(row.flops, "operations") if row.flops else ""
        parameters = f"{row.parameters:,}" if row.parameters else ""
        table.add_row(row.name, row.kind, _shape(row.output_shape), parameters, flops)
    totals = (
        f"{network.parameters:,} parameters, {format_quantity(network.parameter_bytes(), 'size')} in fp32, "
        f"{network.forward_flops:,.0f} FLOP forward a sample"
    )
    title = Text(f"{network.name}: {network.title}", style="bold")
    layers = [{**row._asdict(), "output_shape": list(row.output_shape)} for row in rows]
    document = {"schema": SCHEMA, **_facts(name), "layers": layers}
    return Group(title, Text(totals), Text(f"source: {network.source}"), table), document
