"""Topologies written down as a list of cables between named vertices, checked and spelt out.

Nodes and fabrics are both written so; names may be ranges, and an entry joins them one to one or all to all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Literal

from pydantic import Field

from simulator.errors import InputError, UnknownNameError
from simulator.hardware.cables import Cable, CableProfile, CableType
from simulator.hardware.name_ranges import expand

__all__ = ["CableNumbers", "ListedCable", "check_connected", "expand_cables", "expand_names"]

#: Gives the numbers of a cable; called with the cable and its place in the file, for error messages.
CableNumbers = Callable[[CableProfile, str], CableType]


class ListedCable(CableProfile):
    """Cables between the vertices named by `from` and those named by `to`.

    ``"one-to-one"`` joins the first with the first and so on, one name on a side standing for as many as the other
    has; ``"all-to-all"`` joins every name of one side with every name of the other.
    """

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    pairing: Literal["one-to-one", "all-to-all"] = "one-to-one"


def expand_names(text: str, where: str, vertices: Collection[str] | None = None) -> tuple[str, ...]:
    """The names a text with ranges stands for; each must be one of `vertices`, if given.

    Raises
    ------
    InputError
        If the range is malformed or a vertex unknown.
    """
    try:
        names = expand(text)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
    for name in names:
        if vertices is not None and name not in vertices:
            raise UnknownNameError("vertex", name, vertices, where)
    return names


def expand_cables(
    links: Iterable[ListedCable], vertices: Collection[str], numbers: CableNumbers, where: str
) -> tuple[Cable, ...]:
    """Every single cable of a list; `where` is the file and the key of the list.

    Raises
    ------
    InputError
        If a name is unknown, a vertex is linked to itself, two are linked twice, or the sides do not match.
    """
    joined: set[frozenset[str]] = set()
    cables = []
    for index, link in enumerate(links):
        place = f"{where}[{index}]"
        sources = expand_names(link.source, f"{place}.from", vertices)
        targets = expand_names(link.target, f"{place}.to", vertices)
        properties = numbers(link, place)
        for source, target in _pairs(sources, targets, link.pairing, place):
            ends = frozenset((source, target))
            if len(ends) == 1:
                raise InputError(f"{place}: {source!r} is linked to itself")
            if ends in joined:
                raise InputError(f"{place}: {source!r} and {target!r} are linked twice; use `count` for parallel links")
            joined.add(ends)
            cables.append(Cable(source, target, properties))
    return tuple(cables)


def _pairs(sources: tuple[str, ...], targets: tuple[str, ...], pairing: str, place: str) -> list[tuple[str, str]]:
    if pairing == "all-to-all":
        return [(source, target) for source in sources for target in targets]
    size = max(len(sources), len(targets))
    if not {len(sources), len(targets)} <= {1, size}:
        raise InputError(
            f"{place}: {len(sources)} names on one side and {len(targets)} on the other; expected equally many, "
            "one on a side, or pairing = 'all-to-all'"
        )
    full_sources = sources * size if len(sources) == 1 else sources
    full_targets = targets * size if len(targets) == 1 else targets
    return list(zip(full_sources, full_targets, strict=True))


def check_connected(vertices: Iterable[str], cables: Iterable[Cable], start: str, where: str) -> None:
    """Raise InputError if some vertex cannot be reached from `start`."""
    neighbours: dict[str, list[str]] = {name: [] for name in vertices}
    for cable in cables:
        neighbours[cable.source].append(cable.target)
        neighbours[cable.target].append(cable.source)
    reached, frontier = {start}, [start]
    while frontier:
        for name in neighbours[frontier.pop()]:
            if name not in reached:
                reached.add(name)
                frontier.append(name)
    stranded = [name for name in neighbours if name not in reached]
    if stranded:
        more = f" and {len(stranded) - 4} more" if len(stranded) > 4 else ""
        raise InputError(f"{where}: no link leads from {start!r} to {', '.join(stranded[:4])}{more}")
