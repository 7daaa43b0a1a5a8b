"""What can be calibrated: corrections of the hardware model that only measurements can supply, by name.

A name is ``part.quantity`` and may say more precisely what it holds for; the most precise one that fits wins:

=============================== ====================================================================
``compute.scale``               gradients of every network, on every device
``compute.scale@m40``           the same on devices of that profile
``compute.scale.lenet``         gradients of that network
``compute.scale.lenet@m40``     both
``link.pcie3-x16.bandwidth``    every link of that link profile; ``memory`` is copies inside one chip
``link.<profile>.stream``       the most one message gets there, such as one TCP connection; without it, that goes with
                                the bandwidth
=============================== ====================================================================

A scale is a factor on what the model says and a fixed part is seconds on top; overheads are seconds that replace the
profile's. With every parameter at its neutral value a run is the same, bit for bit, as without calibration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal

from simulator.errors import InputError, UnknownNameError
from simulator.units import parse_quantity

__all__ = ["GROUPS", "KINDS", "Group", "ParameterKind", "checked_value", "flattened", "parameter_kind", "value_of"]

Group = Literal["compute", "network", "overhead", "jitter"]
#: What ``clustersim calibrate --fit`` names.
GROUPS: tuple[Group, ...] = ("compute", "network", "overhead", "jitter")


@dataclass(frozen=True)
class ParameterKind:
    """One calibratable quantity, or a family of them.

    Attributes
    ----------
    pattern : str
        Its name; ``<network>``, ``<device>`` and ``<medium>`` stand for any name, brackets for what may be left out.
    unit : str
        ``"s"``, or empty for a factor or a share.
    neutral : float or None
        The value that changes nothing; None for an absolute one, whose neutral value is the profile's own.
    lower, upper : float
        Bounds: beyond them a value is refused, and a fit never goes there.
    group : str or None
        What a user asks for to fit it; None of one that is fitted only where it is named.
    meaning : str
        One line.
    """

    pattern: str
    unit: Literal["", "s"]
    neutral: float | None
    lower: float
    upper: float
    group: Group | None
    meaning: str

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """What names of this kind match."""
        text = re.escape(self.pattern).replace(r"\[", "(?:").replace(r"\]", ")?")
        return re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^@]+?)", text) + r"\Z")


def _kinds() -> tuple[ParameterKind, ...]:
    target, device = "[.<network>][@<device>]", "[@<device>]"

    def scale(pattern: str, group: Group | None, meaning: str) -> ParameterKind:
        return ParameterKind(pattern, "", 1.0, 0.01, 100.0, group, f"factor on {meaning}")

    def fixed(pattern: str, group: Group, meaning: str) -> ParameterKind:
        return ParameterKind(pattern, "s", 0.0, 0.0, 10.0, group, f"seconds added to {meaning}")

    def overhead(name: str, meaning: str) -> ParameterKind:
        return ParameterKind(name, "s", None, 0.0, 10.0, "overhead", f"software seconds of {meaning}")

    def cores(name: str, meaning: str) -> ParameterKind:
        return ParameterKind(name, "s", None, 0.0, 1.0, "compute", meaning)

    return (
        scale(f"compute.scale{target}", "compute", "the time of forward and backward pass"),
        fixed(f"compute.fixed{target}", "compute", "every gradient"),
        scale(f"update.scale{device}", "compute", "the time of updates, transforms and additions"),
        fixed(f"update.fixed{device}", "compute", "every update, transform and addition"),
        scale("load.scale", "compute", "the time of a batch's copy inside the device's own memory"),
        fixed("load.fixed", "compute", "the loading of every batch"),
        scale("cores.scale", "compute", "what all cores of a CPU do at once, where processes share them"),
        cores("cores.slice", "how long a process keeps a core while others wait"),
        cores("cores.switch", "what a process loses each time it is interrupted"),
        cores("cores.balance", "how long a core is idle before it takes a process that waits for another core"),
        scale("link.<medium>.bandwidth", "network", "the rates of every link of that profile"),
        fixed("link.<medium>.latency", "network", "every crossing of a link of that profile"),
        # Few recordings can tell it from the bandwidth.
        scale("link.<medium>.stream", None, "what one message gets of such a link, whatever factor its rates have"),
        overhead("overhead.message", "one message between nodes"),
        overhead("overhead.copy", "one copy call between host and accelerator"),
        overhead("overhead.peer", "one transfer between accelerators of a node"),
        overhead("overhead.staging", "one of the two copies of a staged transfer"),
        overhead("overhead.local", "one copy between groups of one chip"),
        overhead("overhead.announcement", "the header of an array that a process sends another, before its messages"),
        overhead("collective.call", "one collective call, on every rank"),
        ParameterKind(
            "overlap.slowdown", "", 0.0, 0.0, 10.0, "compute", "share by which gradients slow down beside messages"
        ),
        ParameterKind("jitter.compute", "", 0.0, 0.0, 10.0, "jitter", "coefficient of variation of compute times"),
    )


#: Every kind by its pattern.
KINDS: Mapping[str, ParameterKind] = MappingProxyType({kind.pattern: kind for kind in _kinds()})


def parameter_kind(name: str, where: str = "") -> ParameterKind:
    """The kind of the parameter `name`.

    Raises
    ------
    UnknownNameError
        If there is none; `where` (file and key) opens the message, which offers the nearest name.

    Examples
    --------
    >>> parameter_kind("link.aries.bandwidth").meaning
    'factor on the rates of every link of that profile'
    """
    for kind in KINDS.values():
        if kind.expression.match(name):
            return kind
    raise UnknownNameError("calibration parameter", name, [_nearest(name, pattern) for pattern in KINDS], where)


def _nearest(name: str, pattern: str) -> str:
    """The pattern as `name` would fill it, so that a misspelt part is found near."""
    if "<medium>" in pattern and name.count(".") >= 2:
        return pattern.replace("<medium>", name.split(".", 1)[1].rsplit(".", 1)[0])
    return re.sub(r"\[.*", "", pattern)


def checked_value(name: str, value: Any, where: str = "") -> float:
    """A parameter's value in SI: a number, or text with a unit such as ``"12 us"`` for one in seconds.

    Raises
    ------
    InputError
        If there is no such parameter, or the value is no number or outside its bounds.
    """
    kind = parameter_kind(name, where)
    place = f"{where}: {name}" if where else name
    try:
        if isinstance(value, str) and kind.unit == "s":
            number = parse_quantity(value, "time")
        else:
            number = parse_quantity(value, "number")
    except ValueError as error:
        raise InputError(f"{place}: {error}") from None
    if not (isfinite(number) and kind.lower <= number <= kind.upper):
        unit = f" {kind.unit}" if kind.unit else ""
        raise InputError(f"{place}: expected {kind.lower:g} to {kind.upper:g}{unit}, got {number:g}")
    return number


def flattened(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted names of a nested table: TOML reads an unquoted ``compute.scale`` as a table in a table.

    Examples
    --------
    >>> flattened({"compute": {"scale": 1.1}, "link.aries.latency": 1e-6})
    {'compute.scale': 1.1, 'link.aries.latency': 1e-06}
    """
    if not isinstance(table, Mapping):
        raise ValueError(f"expected a table of names and values, got {table!r}")
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        found |= flattened(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found


def value_of(values: Mapping[str, float], name: str, neutral: float, network: str = "", device: str = "") -> float:
    """The most precise value of `values` that holds for a network and a device; `neutral` if there is none.

    Examples
    --------
    >>> value_of({"compute.scale": 2.0, "compute.scale.lenet": 3.0}, "compute.scale", 1.0, "lenet", "m40")
    3.0
    """
    for candidate in candidates(name, network, device):
        if candidate in values:
            return values[candidate]
    return neutral


def candidates(name: str, network: str = "", device: str = "") -> Iterable[str]:
    """The names under which a value for that network and device is looked for, the most precise first."""
    if network and device:
        yield f"{name}.{network}@{device}"
    if network:
        yield f"{name}.{network}"
    if device:
        yield f"{name}@{device}"
    yield name
