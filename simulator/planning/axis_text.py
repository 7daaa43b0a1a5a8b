"""Axes as they are typed: ``KEY=ITEM,ITEM,…``, where an item is a value or a range.

===================  =============================================================
``64``, ``flat``     a value: TOML, or else text
``1..64``            all whole numbers from 1 to 64; to be sampled, numbers between
``1..64*2``          1, 2, 4, … up to 64
``0.0..0.3+0.1``     0.0, 0.1, 0.2, 0.3
``1..64:log``        to be sampled evenly in the logarithm
===================  =============================================================
"""

from __future__ import annotations

import math
import re
from typing import Any

from simulator.errors import InputError
from simulator.planning.axis import Axis, Between
from simulator.scenario import parse_value

__all__ = ["parse_vary"]

#: More values than anybody means to ask for.
_MOST = 1_000_000
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"^({_NUMBER})\.\.({_NUMBER})(?:([*+])({_NUMBER}))?(:log)?$")
_EXPECTED = "expected KEY=V1,V2,… or a range such as 1..64, 1..64*2 or 0.0..0.3+0.1"


def parse_vary(text: str, *, sampled: bool = False) -> Axis:
    """An axis from its text; see the module.

    Parameters
    ----------
    sampled : bool
        Whether a Latin hypercube is drawn, so that a range without a step means the numbers between its ends.

    Raises
    ------
    InputError
        One line with what was expected.
    """
    key, separator, listed = text.partition("=")
    key = key.strip()
    if not separator or not key or not listed.strip():
        raise InputError(f"--vary {text!r}: {_EXPECTED}")
    items = [item.strip() for item in _split(listed)]
    if "" in items:
        raise InputError(f"--vary {text!r}: an empty value; {_EXPECTED}")
    values: list[Any] = []
    for item in items:
        match = _RANGE.match(item)
        if match is not None:
            values += _range(match, f"--vary {key}: {item}", sampled, alone=len(items) == 1)
        elif ".." in item and "/" not in item and ":" not in item:
            raise InputError(f"--vary {key}: {item!r} is no range of numbers; {_EXPECTED}")
        else:
            values.append(parse_value(item))
    seen: set[str] = set()
    for value in values:
        text = str(float(value)) if isinstance(value, int) and not isinstance(value, bool) else repr(value)
        if text in seen:
            raise InputError(f"--vary {key}: the value {value} is there twice")
        seen.add(text)
    return Axis(key, tuple(values))


def _split(text: str) -> list[str]:
    """At commas, but not those inside brackets, braces or quotes."""
    parts, depth, quote, begun = [], 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[begun:place])
            begun = place + 1
    return [*parts, text[begun:]]


def _range(match: re.Match[str], where: str, sampled: bool, *, alone: bool) -> list[Any]:
    """The values of a range, or what is to be sampled between its ends."""
    low, high = _number(match[1]), _number(match[2])
    kind, log = match[3], bool(match[5])
    if not low < high:
        raise InputError(f"{where}: expected a range that rises, such as 1..64")
    if kind is None and sampled:
        if not alone:
            raise InputError(f"{where}: a range to be sampled stands alone; expected it without other values")
        if log and low <= 0:
            raise InputError(f"{where}: a logarithm needs numbers above 0")
        return [Between(low, high, log)]
    if log:
        raise InputError(f"{where}: ':log' says how a range is sampled; expected --sample N, and no step")
    whole = isinstance(low, int) and isinstance(high, int)
    if kind is None and not whole:
        raise InputError(f"{where}: expected a step, such as {match[1]}..{match[2]}+0.1, or --sample N")
    step = _number(match[4]) if kind else 1
    if (kind == "*" and not (step > 1 and low > 0)) or (kind != "*" and step <= 0):
        raise InputError(f"{where}: expected a step that rises, such as *2 from above 0, or +8")
    # A little above: a sum of 0.1s must not miss 0.3. The count comes first, so that no range can fill the memory.
    span = math.log(high / low) / math.log(step) if kind == "*" else (high - low) / step
    count = math.floor(span * (1 + 1e-12) + 1e-9) + 1
    if count > _MOST:
        raise InputError(f"{where}: these are {count:,} values; expected at most {_MOST:,}")
    values = [low * step**place if kind == "*" else low + place * step for place in range(count)]
    return [value if isinstance(value, int) else float(f"{value:.12g}") for value in values]


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
