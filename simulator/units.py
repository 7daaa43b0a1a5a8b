"""Text with a unit to SI numbers, and back for printing.

Inside the simulator every number is SI: seconds, bytes, bytes/s, FLOP/s, hertz, watts, US dollars (an hour).
Decimal prefixes are powers of 1000, binary ones (``KiB``, ``MiB``, ``GiB``) powers of 1024. ``b`` is a bit and
``B`` a byte, as in data sheets: ``"56 Gb/s"`` is 7e9 bytes/s.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType

__all__ = ["DIMENSIONS", "format_quantity", "parse_quantity"]

_DECIMAL = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_TIME = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def _prefixed(unit: str, prefixes: dict[str, float], scale: float = 1.0) -> dict[str, float]:
    return {prefix + unit: factor * scale for prefix, factor in prefixes.items()}


_SIZE = {**_prefixed("B", _DECIMAL), **_prefixed("B", _BINARY), **_prefixed("b", _DECIMAL, 1 / 8)}
_BANDWIDTH = {
    **{unit + "/s": factor for unit, factor in _SIZE.items()},
    **_prefixed("bit/s", _DECIMAL, 1 / 8),
    **_prefixed("bps", _DECIMAL, 1 / 8),
}

#: Units accepted for each dimension, with the factor to SI.
DIMENSIONS: MappingProxyType[str, dict[str, float]] = MappingProxyType(
    {
        "time": _TIME,
        "size": _SIZE,
        "bandwidth": _BANDWIDTH,
        "operations": _prefixed("FLOP", _DECIMAL),
        "rate": _prefixed("FLOP/s", _DECIMAL),
        "frequency": _prefixed("Hz", _DECIMAL),
        "power": _prefixed("W", _DECIMAL),
        "price": {"USD/h": 1.0 / 3600.0, "USD/s": 1.0},
        "money": {"USD": 1.0},
        "energy price": {"USD/kWh": 1.0 / 3.6e6},
        "energy": {**_prefixed("J", _DECIMAL), "Wh": 3600.0, "kWh": 3.6e6},
        "number": {"": 1.0, "%": 0.01},
    }
)

_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*$")
_ARTICLES = {
    "operations": "a number of operations",
    "energy": "an energy",
    "energy price": "an energy price",
    "money": "an amount",
}
_EXAMPLES = {
    "time": "1.5 us",
    "size": "16 GB",
    "bandwidth": "475 GB/s",
    "operations": "3 GFLOP",
    "rate": "6.8 TFLOP/s",
    "frequency": "1.4 GHz",
    "power": "215 W",
    "price": "0.9 USD/h",
    "money": "2000 USD",
    "energy price": "0.12 USD/kWh",
    "energy": "3 kWh",
    "number": "0.85",
}


def parse_quantity(text: str | float, dimension: str) -> float:
    """SI value of a quantity written with its unit.

    Parameters
    ----------
    text : str or float
        For example ``"475 GB/s"``. A bare number is accepted only for the dimension ``"number"``.
    dimension : str
        A key of `DIMENSIONS`.

    Raises
    ------
    ValueError
        If the text is not a number and a unit of that dimension; the message shows an example that would do.

    Examples
    --------
    >>> parse_quantity("475 GB/s", "bandwidth")
    475000000000.0
    >>> parse_quantity("56 Gb/s", "bandwidth")
    7000000000.0
    """
    units = DIMENSIONS[dimension]
    expected = f"expected {_ARTICLES.get(dimension, f'a {dimension}')} such as {_EXAMPLES[dimension]!r}"
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f"{expected}, got {text!r}")
    if not isinstance(text, str):
        if dimension != "number":
            raise ValueError(f"{expected}, got {text!r} without a unit")
        return float(text)
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"{expected}, got {text!r}")
    number, unit = float(match[1]), match[2] or ""
    if unit not in units:
        known = ", ".join(name for name in units if name)
        problem = f"has the unit {unit!r}" if unit else "has no unit"
        raise ValueError(f"{expected}, but {text!r} {problem}; units: {known}")
    value = number * units[unit]
    if not math.isfinite(value):
        raise ValueError(f"{expected}, got {text!r}, which is too large")
    return value


_PRINT = {
    "time": [("d", 86400.0), ("h", 3600.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)],
    "size": [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)],
    "bandwidth": [("TB/s", 1e12), ("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3), ("B/s", 1.0)],
    "operations": [("PFLOP", 1e15), ("TFLOP", 1e12), ("GFLOP", 1e9), ("MFLOP", 1e6), ("FLOP", 1.0)],
    "rate": [("PFLOP/s", 1e15), ("TFLOP/s", 1e12), ("GFLOP/s", 1e9), ("MFLOP/s", 1e6), ("FLOP/s", 1.0)],
    "frequency": [("GHz", 1e9), ("MHz", 1e6), ("kHz", 1e3), ("Hz", 1.0)],
    "power": [("MW", 1e6), ("kW", 1e3), ("W", 1.0)],
    "price": [("USD/h", 1.0 / 3600.0)],
    "money": [("USD", 1.0)],
    "energy price": [("USD/kWh", 1.0 / 3.6e6)],
    "energy": [("kWh", 3.6e6), ("J", 1.0)],
    "number": [("", 1.0)],
}


def format_quantity(value: float, dimension: str, digits: int = 3) -> str:
    """A quantity as people write it, with the largest unit that leaves at least one before the point.

    Examples
    --------
    >>> format_quantity(7.0e9, "bandwidth")
    '7 GB/s'
    >>> format_quantity(0.000123456, "time")
    '123 us'
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {_PRINT[dimension][-1][0]}".rstrip()
    for unit, factor in _PRINT[dimension]:
        # Round first, so that 0.9999 ms does not print as "1e+03 us".
        if abs(float(f"{value / factor:.{digits}g}")) >= 1:
            return f"{_plain(value / factor, digits)} {unit}".rstrip()
    unit, factor = _PRINT[dimension][-1]
    return f"{value / factor:.{digits}g} {unit}".rstrip()


#: Numbers from here on are not written out.
_COUNTABLE = 1e12


def _plain(number: float, digits: int) -> str:
    """`number` with that many significant digits, in scientific notation only where nobody would count the zeros."""
    rounded = float(f"{number:.{digits}g}")
    if abs(rounded) >= _COUNTABLE:
        return f"{rounded:.{digits}g}"
    return f"{rounded:,.0f}" if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:.{digits}g}"
