"""Hardware profiles as tables and JSON: the lists of names, and one profile with every number's kind and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from simulator.documents import read_toml
from simulator.errors import InputError, UnknownNameError
from simulator.hardware import load_device, load_link, load_system, names, profile_path
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.platform.describe import Branch, CableRow, Description

__all__ = ["Shown", "draw_system", "find", "listing", "listing_view", "profile_view"]

SCHEMA = "clustersim/profiles/1"
Kind = Literal["devices", "links", "systems"]
_KINDS: tuple[Kind, ...] = ("systems", "devices", "links")
_LOADERS = {"devices": load_device, "links": load_link, "systems": load_system}


@dataclass(frozen=True)
class Shown:
    """A profile to show: which kind it is, and its name or path."""

    kind: Kind
    name: str
    path: Path


def listing() -> dict[str, Any]:
    """Every bundled profile with its title, by kind."""
    return {
        "schema": SCHEMA,
        **{
            kind: {name: str(read_toml(profile_path(kind, name)).get("title", "")) for name in names(kind)}
            for kind in _KINDS
        },
    }


def listing_view(document: Mapping[str, Any]) -> RenderableType:
    """The names and titles as one table a kind."""
    tables = []
    for kind in _KINDS:
        table = Table(title=kind, title_justify="left")
        table.add_column("name", no_wrap=True)
        table.add_column("what it is")
        for name, title in document[kind].items():
            table.add_row(name, escape(title))
        tables.append(table)
    return Group(*tables)


def find(name: str) -> Shown:
    """The profile of that name, of whichever kind, or a profile file.

    Raises
    ------
    UnknownNameError
        If there is none; the message offers the nearest.
    InputError
        If a file does not say which kind of profile it is.
    """
    if name.endswith(".toml"):
        path = Path(name)
        schema = str(read_toml(path).get("schema", ""))
        for kind in _KINDS:
            if schema == f"clustersim/{kind.removesuffix('s')}/1":
                return Shown(kind, name, path)
        expected = ", ".join(f"clustersim/{kind.removesuffix('s')}/1" for kind in _KINDS)
        raise InputError(f"{name}: schema: expected one of {expected}, got {schema!r}")
    for kind in _KINDS:
        if name in names(kind):
            return Shown(kind, name, profile_path(kind, name))
    raise UnknownNameError("profile", name, [known for kind in _KINDS for known in names(kind)])


def profile_view(shown: Shown, nodes: int) -> tuple[RenderableType, dict[str, Any]]:
    """One profile, validated, as a table and as JSON; a system with its platform of `nodes` nodes."""
    _LOADERS[shown.kind](shown.name)
    data = read_toml(shown.path)
    heading = Text(f"{data['name']}: {data['title']}", style="bold")
    parts: list[RenderableType] = [heading]
    document: dict[str, Any] = {"schema": SCHEMA, "kind": shown.kind, "profile": data}
    if shown.kind == "systems":
        description = _description(shown, nodes)
        parts.append(_platform_view(description))
        document["platform"] = asdict(description)
    numbers = list(_numbers(data))
    if numbers:
        parts.append(_numbers_table(numbers))
    if data.get("sources"):
        sources = Table(title="sources", title_justify="left", show_header=False)
        sources.add_column("key", no_wrap=True)
        sources.add_column("source")
        for key, text in data["sources"].items():
            sources.add_row(escape(key), escape(text))
        parts.append(sources)
    return Group(*parts), document


def draw_system(shown: Shown, nodes: int, path: Path) -> None:
    """Draw a system's platform to an SVG or PNG file.

    Raises
    ------
    InputError
        If the profile is no system, the file's ending is neither, or matplotlib is missing.
    """
    if shown.kind != "systems":
        raise InputError(f"{shown.name}: only systems can be drawn, and this is one of the {shown.kind}")
    from simulator.platform import build_platform
    from simulator.platform.draw import draw

    draw(build_platform(load_system(shown.name), nodes), path)


def _numbers(table: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every sourced number in a profile as written, with its dotted key."""
    if isinstance(table, dict):
        if "value" in table and "kind" in table:
            yield path, table
            return
        for key, item in table.items():
            yield from _numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(table, list):
        for index, item in enumerate(table):
            yield from _numbers(item, f"{path}[{index}]")


def _numbers_table(numbers: list[tuple[str, Mapping[str, Any]]]) -> Table:
    table = Table(title="numbers", title_justify="left")
    for heading in ("key", "value", "kind", "source", "note"):
        table.add_column(heading, no_wrap=heading in ("key", "value", "kind"))
    for key, number in numbers:
        value = f"{number['value']}" + (f" ± {number['std']}" if "std" in number else "")
        cells = (key, value, str(number["kind"]), str(number["source"]), str(number.get("note", "")))
        table.add_row(*map(escape, cells))
    return table


def _description(shown: Shown, nodes: int) -> Description:
    from simulator.platform import build_platform

    return build_platform(load_system(shown.name), nodes).describe()


def _platform_view(description: Description) -> RenderableType:
    lines: list[RenderableType] = [
        Text(f"{description.nodes} of {description.max_nodes} nodes, {description.accelerators} accelerators"),
    ]
    for branch in description.trees:
        tree = Tree(branch.label)
        _grow(tree, branch)
        lines.append(tree)
    if description.meshed:
        mesh = ", ".join(f"{cable.source}-{cable.target}" for cable in description.meshed)
        lines.append(Text(f"and directly: {mesh}"))
    if description.fabric:
        lines.append(Text("fabric: " + ", ".join(f"{key} {value}" for key, value in description.fabric)))
    cables = Table(title="cables", title_justify="left")
    for heading in ("where", "cables", "link", "bandwidth a direction", "latency"):
        cables.add_column(heading, justify="right" if heading in ("cables", "latency") else "left")
    for row in description.cables:
        cables.add_row(*_cable_cells(row))
    lines.append(cables)
    lines += [Text(f"assumed: {assumption}") for assumption in description.assumptions]
    lines += [Text(f"topology: {source}") for source in description.sources]
    return Group(*lines)


def _grow(tree: Tree, branch: Branch) -> None:
    for below in branch.below:
        link = f"  ({below.cable.profile})" if below.cable else ""
        _grow(tree.add(f"{below.label}{link}"), below)


def _cable_cells(row: CableRow) -> tuple[str, ...]:
    cable = row.cable
    return (
        row.where,
        f"{row.cables:,}",
        f"{cable.count} × {cable.profile}" if cable.count > 1 else cable.profile,
        format_quantity(cable.bandwidth, "bandwidth"),
        format_quantity(cable.latency, "time"),
    )
