"""What ranks hold on their devices, part by part, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.memory_plan import DevicePlan, MemoryPlan, Remedy

__all__ = ["MEMORY_SCHEMA", "memory_document", "memory_view"]

MEMORY_SCHEMA = "clustersim/memory/1"


def memory_document(rows: Sequence[tuple[str, MemoryPlan, Sequence[Remedy]]]) -> dict[str, Any]:
    """The JSON of `clustersim memory`: for each system what its fullest worker and every master's device hold."""
    return {
        "schema": MEMORY_SCHEMA,
        "systems": [
            {
                "system": system,
                "network": plan.network,
                "algorithm": plan.algorithm,
                "batch_size": plan.batch,
                "recompute": plan.recompute,
                "fits": plan.fits,
                "largest_batch": plan.largest_batch,
                "devices": [_device(entry) for entry in (plan.tightest, *plan.masters)],
                "remedies": [
                    {"key": remedy.key, "value": remedy.value, "largest_batch": remedy.largest_batch}
                    for remedy in found
                ],
            }
            for system, plan, found in rows
        ],
    }


def _device(entry: DevicePlan) -> dict[str, Any]:
    return {
        "device": entry.name,
        "profile": entry.device.name,
        "needed_bytes": entry.need.total,
        "capacity_bytes": entry.capacity,
        "headroom_bytes": entry.headroom,
        "parts_bytes": entry.need.parts(),
    }


def memory_view(rows: Sequence[tuple[str, MemoryPlan, Sequence[Remedy]]]) -> RenderableType:
    """Parts down, devices across: the fullest worker's of each system, and those of masters; then what would help."""
    _, first, _ = rows[0]
    title = f"{first.network}, batch {first.batch} a worker, {first.algorithm}"
    table = Table(title=escape(title + (", parts computed twice" if first.recompute else "")), title_justify="left")
    table.add_column("part")
    columns = [(system, entry, plan) for system, plan, _ in rows for entry in (plan.tightest, *plan.masters)]
    for system, entry, plan in columns:
        role = "worker" if entry in plan.workers else "master"
        table.add_column(escape(f"{system}\n{role} on {entry.device.name}"), justify="right")
    parts = [part for part in first.worker.parts() if any(entry.need.parts()[part] for _, entry, _ in columns)]
    for part in parts:
        table.add_row(part.replace("_", " "), *(_size(entry.need.parts()[part]) for _, entry, _ in columns))
    table.add_section()
    table.add_row("needed", *(_size(entry.need.total) for _, entry, _ in columns))
    table.add_row("there is", *(_size(entry.capacity) for _, entry, _ in columns))
    table.add_row("left", *(_left(entry) for _, entry, _ in columns))
    table.add_row("largest batch", *(_batch(entry, plan) for _, entry, plan in columns))
    return Group(table, *(Text(line) for system, plan, found in rows for line in _advice(system, plan, found)))


def _size(size: float) -> str:
    return format_quantity(size, "size") if size else ""


def _left(entry: DevicePlan) -> str:
    size = format_quantity(abs(entry.headroom), "size")
    return f"{size}" if entry.fits else f"[bold red]{size} too little[/]"


def _batch(entry: DevicePlan, plan: MemoryPlan) -> str:
    return "" if entry.largest_batch is None else f"{plan.largest_batch:,}"


def _advice(system: str, plan: MemoryPlan, found: Sequence[Remedy]) -> list[str]:
    lines = []
    if not plan.fits:
        too_full = [entry for entry in plan.masters if not entry.fits]
        problem = "cluster.shards spreads the master over more devices" if too_full else plan.remedy
        lines.append(f"{system}: does not fit; {problem}")
    for remedy in found:
        value = str(remedy.value).lower() if isinstance(remedy.value, bool) else remedy.value
        lines.append(f"{system}: --set {remedy.key}={value} raises the largest batch to {remedy.largest_batch:,}")
    return lines
